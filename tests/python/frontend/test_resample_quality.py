"""Tones below, above and between: what the resampler keeps and what it removes, beside soxr."""

import math

import numpy as np
import pytest
import soxr
import torch

from singerprint.frontend import resample

# Blocks, at usual rates and small numbers; sums, with a row a phase and with interpolated rows.
BLOCKS_HZ = [(44100, 16000), (16000, 44100), (48000, 44100), (44100, 48000), (8000, 4000), (8000, 48000)]
SUMS_HZ = [(44000, 40000), (44100, 44056), (44056, 44100)]
# What two transforms of some five passes each, or a sum, leave in float32: rms, of the rms around a sample.
FLOAT32_FLOOR_DB = -132.0


def tone(frequency_hz, rate_hz, samples, phase=0.3):
    return torch.cos(
        2 * math.pi * frequency_hz / rate_hz * torch.arange(samples, dtype=torch.float64) + phase
    )


def decibels(error, of=1.0):
    return 20 * math.log10(error.double().square().mean().sqrt().item() / of)


def error_of_tone(resampler, share, from_hz, to_hz, dtype):
    """Decibels of a tone away from the ends, at a `share` of half the slower rate; above 1 it must go."""
    frequency_hz = share * min(from_hz, to_hz) / 2
    result = resampler(tone(frequency_hz, from_hz, from_hz).to(dtype)[None], from_hz, to_hz)[0]
    expected = tone(frequency_hz, to_hz, len(result)) * (share < 1)
    away = slice(len(result) // 4, 3 * len(result) // 4)
    return decibels((result.cpu().double() - expected)[away], of=0.5**0.5)


def soxr_resample(quality):
    return lambda x, a, b: torch.from_numpy(soxr.resample(x[0].numpy(), a, b, quality=quality))[None]


@pytest.mark.parametrize(("from_hz", "to_hz"), BLOCKS_HZ + SUMS_HZ)
def test_tones_below_95_percent_are_kept(from_hz, to_hz, device):
    on_device = lambda x, a, b: resample(x.to(device), a, b)  # noqa: E731
    for share in (0.003, 0.05, 0.2, 0.5, 0.8, 0.9, 0.95):
        # The filter's 140 dB beside the tone: what is left of the images, and of the ripple.
        assert error_of_tone(on_device, share, from_hz, to_hz, torch.float64) < -138
        assert error_of_tone(on_device, share, from_hz, to_hz, torch.float32) < FLOAT32_FLOOR_DB


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(44100, 16000), (48000, 44100), (44100, 22050), (192000, 44100)]
)
def test_tones_above_half_the_new_rate_are_gone(from_hz, to_hz, device):
    on_device = lambda x, a, b: resample(x.to(device), a, b)  # noqa: E731
    for share in (1.0005, 1.01, 1.03, 1.05, 1.08):
        assert error_of_tone(on_device, share, from_hz, to_hz, torch.float64) < -138
        assert error_of_tone(on_device, share, from_hz, to_hz, torch.float32) < FLOAT32_FLOOR_DB


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(16000, 44100), (44100, 48000), (8000, 48000), (44056, 44100)]
)
def test_the_images_of_a_tone_are_gone(from_hz, to_hz):
    result = resample(tone(0.9 * from_hz / 2, from_hz, 2 * from_hz)[None], from_hz, to_hz)[0]
    middle = result[len(result) // 4 : 3 * len(result) // 4].numpy()
    spectrum = np.abs(np.fft.rfft(middle * np.kaiser(len(middle), 30)))
    frequencies_hz = np.fft.rfftfreq(len(middle), 1 / to_hz)
    images = spectrum[frequencies_hz > from_hz / 2]
    # 140 dB, all images together less than two.
    assert 20 * np.log10(images.max() / spectrum.max()) < -138


BANDS = {"lower half": [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5], "upper half": [0.6, 0.7, 0.8, 0.9, 0.95]}
ABOVE = [1.0005, 1.005, 1.01, 1.03, 1.05, 1.08]


def rms_over(shares, resampler, from_hz, to_hz, dtype):
    decibels_of_tones = [error_of_tone(resampler, share, from_hz, to_hz, dtype) for share in shares]
    return 10 * math.log10(np.mean([10 ** (level / 10) for level in decibels_of_tones]))


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(44100, 16000), (48000, 44100), (16000, 44100), (44100, 48000)]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_is_more_accurate_than_soxr_hq_in_every_band(from_hz, to_hz, dtype):
    bands = list(BANDS.values()) + ([ABOVE] if from_hz > to_hz else [])
    for band in bands:
        ours = rms_over(band, resample, from_hz, to_hz, dtype)
        assert ours < rms_over(band, soxr_resample("HQ"), from_hz, to_hz, dtype), band


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(44100, 16000), (48000, 44100), (16000, 44100), (44100, 48000)]
)
def test_the_upper_half_is_flatter_than_soxrs_vhq(from_hz, to_hz):
    band = BANDS["upper half"]
    theirs = rms_over(band, soxr_resample("VHQ"), from_hz, to_hz, torch.float32)
    assert rms_over(band, resample, from_hz, to_hz, torch.float32) < theirs
