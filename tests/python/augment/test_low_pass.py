import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.signal import butter, sosfilt

from singerprint.augment import DrawKey, RandomLowPass, low_pass

RATE_HZ = 44_100


def reference(waveform, cutoff_hz, order):
    return sosfilt(butter(order, cutoff_hz, "lowpass", fs=RATE_HZ, output="sos"), waveform)


@pytest.mark.parametrize("order", [2, 4, 6])
def test_equals_scipy(order, device, generator):
    waveforms = torch.randn(3, 5001, generator=generator)
    cutoff_hz = torch.tensor([25.0, 1000.0, 20_000.0])
    result = low_pass(waveforms.to(device), RATE_HZ, cutoff_hz.to(device), order).cpu().double().numpy()
    for row, waveform, cutoff in zip(result, waveforms.double().numpy(), cutoff_hz.tolist(), strict=True):
        expected = reference(waveform, cutoff, order)
        # biquad_cascade's -120 dB, of what goes in: a filter may let little of it out.
        assert np.square(row - expected).sum() < 1e-12 * np.square(waveform).sum()


def test_a_cutoff_from_half_the_sample_rate_on_keeps_every_bit(device, generator):
    waveforms = torch.randn(2, 501, generator=generator).to(device)
    cutoff_hz = torch.tensor([22_050.0, math.inf], device=device)
    assert torch.equal(low_pass(waveforms, RATE_HZ, cutoff_hz, 4), waveforms)


CUTOFF_HZ = torch.tensor([1000.0, 2000.0])


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"sample_rate_hz": math.nan}, ValueError, "sample_rate_hz must be positive, got nan"),
        ({"order": 3}, ValueError, "order must be even and at least 2, got 3"),
        ({"order": 0}, ValueError, "order must be even and at least 2, got 0"),
        (
            {"cutoff_hz": CUTOFF_HZ[:1]},
            ValueError,
            "cutoff_hz must have shape (batch,) with batch = 2, got [1]",
        ),
        ({"cutoff_hz": CUTOFF_HZ.int()}, TypeError, "cutoff_hz must be floating point, got torch.int32"),
        ({"cutoff_hz": -CUTOFF_HZ}, ValueError, "cutoff_hz must be positive, got -1000"),
        ({"cutoff_hz": math.nan * CUTOFF_HZ}, ValueError, "cutoff_hz must be positive, got nan"),
    ],
)
def test_bad_arguments_are_named(arguments, error, sentence):
    with pytest.raises(error) as caught:
        low_pass(
            **({"waveforms": torch.ones(2, 5), "sample_rate_hz": RATE_HZ, "cutoff_hz": CUTOFF_HZ} | arguments)
        )
    assert str(caught.value) == f"low_pass: {sentence}"


def test_compiles_as_one_graph(generator):
    compiled = torch.compile(low_pass, fullgraph=True, backend="aot_eager")
    waveforms = torch.randn(2, 99, generator=generator)
    assert torch.equal(compiled(waveforms, RATE_HZ, CUTOFF_HZ, 4), low_pass(waveforms, RATE_HZ, CUTOFF_HZ, 4))


def test_random_cutoffs_are_uniform_in_mel():
    transform = RandomLowPass(RATE_HZ, 100, 2000, probability=1.0)
    cutoff_hz = transform.draw(DrawKey.of(0, range(10_000)), 100)["cutoff_hz"]
    low, high = math.log(800), math.log(2700)
    assert stats.kstest(torch.log(700 + cutoff_hz).numpy(), stats.uniform(low, high - low).cdf).pvalue > 0.01


def test_probability_zero_changes_nothing_and_one_changes_all(device, generator):
    waveforms = torch.randn(50, 400, generator=generator).to(device)
    key = DrawKey.of(0, range(50), device=device)
    assert torch.equal(RandomLowPass(RATE_HZ, probability=0.0)(waveforms, key), waveforms)
    assert (RandomLowPass(RATE_HZ, probability=1.0)(waveforms, key) != waveforms).any(1).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"order": 1}, "order must be even and at least 2, got 1"),
        ({"min_cutoff_hz": 0}, "min_cutoff_hz must be positive, got 0"),
        (
            {"min_cutoff_hz": 3, "max_cutoff_hz": 2},
            "min_cutoff_hz <= max_cutoff_hz must hold, both finite, got 3 and 2",
        ),
    ],
)
def test_bad_ranges_are_named(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        RandomLowPass(**arguments)
    assert str(caught.value) == f"RandomLowPass: {sentence}"
