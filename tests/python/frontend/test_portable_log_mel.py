import math

import pytest
import torch

from singerprint.frontend import LOG_MEL_PRESETS, LogMel, PortableLogMel

# PortableLogMel against log_mel in float64. A transform in float32 leaves in each bin some 1e-7 of the
# frame's loudest: so bands are compared by their powers, relative to the frame's greatest. Logarithms down to
# -23 are rounded to 1e-6, twice, which is as much of what they are of.
TOLERANCE = 4e-6


def clips():
    seconds = torch.arange(20_000) / 44_100
    tone = 0.9 * torch.sin(2 * math.pi * 440 * seconds)
    noise = 0.1 * torch.randn(20_000, generator=torch.Generator().manual_seed(0))
    return torch.stack([tone, noise, torch.zeros(20_000)])


def powers(levels, options):
    """What a logarithm was taken of, as powers."""
    if options["log"] == "ln":
        levels = levels.double().exp()
    elif options["log"] == "db":
        levels = 10 ** (levels.double() * options["power"] / 20)
    return levels.double() ** (2 / options["power"])


def assert_same(portable, log_mel, waveforms):
    expected = powers(log_mel(waveforms.double()), log_mel.options)
    found = powers(portable(waveforms), log_mel.options)
    assert found.shape == expected.shape
    scale = expected.amax(dim=1, keepdim=True)
    assert ((found - expected).abs() <= TOLERANCE * scale).all()


@pytest.mark.parametrize("name", LOG_MEL_PRESETS)
def test_every_preset_is_the_same_function(name):
    log_mel = LogMel.preset(name)
    assert_same(PortableLogMel(**log_mel.options), log_mel, clips())


@pytest.mark.parametrize(
    "options",
    [
        {"n_fft": 64, "n_mels": 8, "hop_length": 7},
        {"n_fft": 62, "n_mels": 8, "hop_length": 16},  # 2 times a prime: 31 by 2
        {"n_fft": 2048, "n_mels": 40, "window_length": 1001, "window": "hamming", "periodic": False},
        {"centred": False, "power": 1, "log": "db"},
        {"padding": "zeros", "log_floor": 1e-3, "log_offset": 0.0},
        {"log_floor": 1e-3, "log_offset": 1e-4, "mel_norm": "area", "mel_scale": "htk"},
        {"log": "none", "log_offset": 0.5},
    ],
    ids=str,
)
def test_every_option_is_taken(options):
    assert_same(PortableLogMel(**options), LogMel(**options), clips())


def test_silence_without_offset_is_minus_infinity():
    assert (PortableLogMel(log_offset=0.0)(torch.zeros(1, 4_096)) == -math.inf).all()


def test_it_has_no_tensors_to_save():
    assert not PortableLogMel().state_dict()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"log_offset": 1e-20}, "PortableLogMel: log_offset must be 0 or at least 1e-15, got 1e-20"),
        ({"n_fft": 33}, "log_mel: n_fft must be even and in [16, 8192], got 33"),
    ],
)
def test_bad_options_are_named(options, sentence):
    with pytest.raises(ValueError) as caught:
        PortableLogMel(**options)
    assert str(caught.value) == sentence


def test_the_tables_are_those_of_the_options():
    window, filters = torch.ops.singerprint.log_mel_tables(*LogMel(n_mels=40).arguments)
    assert (window.dtype, filters.dtype) == (torch.float64, torch.float64)
    assert filters.shape == (40, 1025)
    torch.testing.assert_close(window, torch.hann_window(2048, dtype=torch.float64), rtol=0, atol=1e-15)
    with pytest.raises(ValueError) as caught:
        torch.ops.singerprint.log_mel_tables(*LogMel().arguments[:3], 0, *LogMel().arguments[4:])
    assert str(caught.value) == "log_mel: n_mels must be in [1, n_fft = 2048], got 0"
