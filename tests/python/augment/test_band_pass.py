import math

import numpy as np
import pytest
import torch
from scipy.signal import butter, sosfilt

from singerprint.augment import DrawKey, RandomBandPass, band_pass

RATE_HZ = 44_100
LOW_HZ, HIGH_HZ = torch.tensor([20.0, 300.0, 990.0]), torch.tensor([21_000.0, 3400.0, 1010.0])


def reference(waveform, low_hz, high_hz, order):
    return sosfilt(butter(order, (low_hz, high_hz), "bandpass", fs=RATE_HZ, output="sos"), waveform)


@pytest.mark.parametrize("order", [2, 4])
def test_equals_scipy(order, device, generator):
    waveforms = torch.randn(3, 5001, generator=generator)
    result = band_pass(waveforms.to(device), RATE_HZ, LOW_HZ.to(device), HIGH_HZ.to(device), order).cpu()
    rows = (tensor.double().numpy() for tensor in (result, waveforms, LOW_HZ, HIGH_HZ))
    for row, waveform, low_hz, high_hz in zip(*rows, strict=True):
        expected = reference(waveform, low_hz, high_hz, order)
        # biquad_cascade's -120 dB, of what goes in: a filter may let little of it out.
        assert np.square(row - expected).sum() < 1e-12 * np.square(waveform).sum()


def test_the_whole_band_keeps_every_bit(device, generator):
    waveforms = torch.randn(2, 501, generator=generator).to(device)
    low_hz, high_hz = torch.zeros(2, device=device), torch.tensor([22_050.0, math.inf], device=device)
    assert torch.equal(band_pass(waveforms, RATE_HZ, low_hz, high_hz), waveforms)


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"sample_rate_hz": 0}, ValueError, "sample_rate_hz must be positive, got 0"),
        ({"order": 3}, ValueError, "order must be even and at least 2, got 3"),
        ({"low_hz": LOW_HZ[:1]}, ValueError, "low_hz must have shape (batch,) with batch = 3, got [1]"),
        ({"high_hz": HIGH_HZ.int()}, TypeError, "high_hz must be floating point, got torch.int32"),
        ({"low_hz": -LOW_HZ}, ValueError, "low_hz must be in (0, 22045.6), got -20"),
        ({"low_hz": 0 * LOW_HZ}, ValueError, "low_hz must be in (0, 22045.6), got 0"),
        ({"high_hz": LOW_HZ}, ValueError, "high_hz must be above low_hz, got 20"),
    ],
)
def test_bad_arguments_are_named(arguments, error, sentence):
    given = {"waveforms": torch.ones(3, 5), "sample_rate_hz": RATE_HZ, "low_hz": LOW_HZ, "high_hz": HIGH_HZ}
    with pytest.raises(error) as caught:
        band_pass(**(given | arguments))
    assert str(caught.value) == f"band_pass: {sentence}"


def test_compiles_as_one_graph(generator):
    compiled = torch.compile(band_pass, fullgraph=True, backend="aot_eager")
    arguments = (torch.randn(3, 99, generator=generator), RATE_HZ, LOW_HZ, HIGH_HZ)
    assert torch.equal(compiled(*arguments), band_pass(*arguments))


def test_random_bands_lie_around_their_centers():
    transform = RandomBandPass(RATE_HZ, 200, 4000, 0.5, 1.99, probability=1.0)
    drawn = transform.draw(DrawKey.of(0, range(10_000)), 100)
    center_hz = (drawn["low_hz"] + drawn["high_hz"]) / 2
    width = (drawn["high_hz"] - drawn["low_hz"]) / center_hz
    assert 200 <= center_hz.min() < 202 and 3980 < center_hz.max() < 4001  # 4000 by rounding
    assert 0.4999 < width.min() < 0.51 and 1.98 < width.max() < 1.9901
    assert (drawn["low_hz"] > 0).all()


def test_probability_zero_changes_nothing_and_one_changes_all(device, generator):
    waveforms = torch.randn(50, 400, generator=generator).to(device)
    key = DrawKey.of(0, range(50), device=device)
    assert torch.equal(RandomBandPass(RATE_HZ, probability=0.0)(waveforms, key), waveforms)
    result = RandomBandPass(RATE_HZ, probability=1.0)(waveforms, key)
    assert (result != waveforms).any(1).all() and result.isfinite().all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"order": 1}, "order must be even and at least 2, got 1"),
        ({"min_center_hz": 0}, "min_center_hz must be positive, got 0"),
        ({"sample_rate_hz": 7000}, "max_center_hz must be at most sample_rate_hz / 2, got 4000.0"),
        ({"min_width_ratio": 0}, "min_width_ratio must be positive, got 0"),
        ({"max_width_ratio": 2}, "max_width_ratio must be below 2, got 2"),
    ],
)
def test_bad_ranges_are_named(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        RandomBandPass(**arguments)
    assert str(caught.value) == f"RandomBandPass: {sentence}"
