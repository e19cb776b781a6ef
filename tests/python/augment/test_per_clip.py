"""Numbers of clips: one for all, or a tensor of them, and nothing else."""

import numpy as np
import pytest
import torch

from singerprint.augment import (
    DrawKey,
    band_pass,
    bandwidth,
    gain,
    gaussian_noise,
    high_pass,
    low_pass,
    parametric_eq,
    pitch_shift,
    shift,
    tanh_distortion,
    time_mask,
    time_stretch,
)

KEY = DrawKey.of(seed=1, clip_ids=[4, 2, 7])
# op -> (what calls it with the waveforms and its numbers, names and values of these, their dtype)
OPS = {
    "gain": (gain, {"gain_db": -3.5}, torch.float32),
    "gaussian_noise": (
        lambda x, amplitude: gaussian_noise(x, amplitude, KEY),
        {"amplitude": 0.1},
        torch.float32,
    ),
    "tanh_distortion": (tanh_distortion, {"amount": 0.4}, torch.float32),
    "shift": (shift, {"shift_samples": 17}, torch.int64),
    "time_mask": (time_mask, {"start_samples": 5, "length_samples": 9}, torch.int64),
    "low_pass": (lambda x, hz: low_pass(x, 8000, hz), {"cutoff_hz": 900.0}, torch.float64),
    "high_pass": (lambda x, hz: high_pass(x, 8000, hz), {"cutoff_hz": 900}, torch.float64),
    "band_pass": (lambda x, *hz: band_pass(x, 8000, *hz), {"low_hz": 300.0, "high_hz": 900.0}, torch.float64),
    "bandwidth": (lambda x, hz: bandwidth(x, 8000, hz), {"cutoff_hz": 900.0}, torch.float64),
    "pitch_shift": (
        lambda x, *ratios: pitch_shift(x, 8000, *ratios),
        {"pitch_ratio": 1.2, "pitch_range_ratio": 0.5, "formant_ratio": 1.1},
        torch.float32,
    ),
    "time_stretch": (lambda x, rate: time_stretch(x, 8000, rate), {"rate": 1.2}, torch.float32),
}


@pytest.fixture
def waveforms(generator):
    hum = torch.sin(2 * torch.pi * 150 / 8000 * torch.arange(4000))
    return hum + 0.1 * torch.randn(3, 4000, generator=generator)


@pytest.mark.parametrize("op", OPS)
def test_one_number_is_that_of_every_clip(op, waveforms):
    call, numbers, dtype = OPS[op]
    expected = call(waveforms, *(torch.full((3,), value, dtype=dtype) for value in numbers.values()))
    assert not torch.equal(expected, waveforms)
    assert torch.equal(call(waveforms, *numbers.values()), expected)
    of_numpy = np.int64 if dtype == torch.int64 else np.float32
    assert torch.equal(call(waveforms, *map(of_numpy, numbers.values())), expected)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize(("value", "kind"), [([1.0, 1.0, 1.0], "list"), ("1.0", "str"), (True, "bool")])
def test_what_is_no_number_is_named(op, value, kind, waveforms):
    call, numbers, dtype = OPS[op]
    whole = "whole " if dtype == torch.int64 else ""
    for i, name in enumerate(numbers):
        values = list(numbers.values())
        values[i] = value
        with pytest.raises(TypeError) as caught:
            call(waveforms, *values)
        assert str(caught.value) == f"{op}: {name} must be a {whole}number or a tensor, got {kind}"


def test_a_part_of_a_sample_is_no_shift(waveforms):
    with pytest.raises(TypeError) as caught:
        shift(waveforms, 1.5)
    assert str(caught.value) == "shift: shift_samples must be a whole number or a tensor, got float"


def test_bands_are_a_tensor(waveforms):
    with pytest.raises(TypeError) as caught:
        parametric_eq(waveforms, 8000, [100.0, 900.0], torch.zeros(3, 2), torch.ones(3, 2))
    assert str(caught.value) == "parametric_eq: center_hz must be a tensor, got list"


def test_a_number_compiles(waveforms):
    compiled = torch.compile(lambda x: gain(shift(x, 3), -6.0), fullgraph=True)
    assert torch.equal(compiled(waveforms), gain(shift(waveforms, 3), -6.0))
