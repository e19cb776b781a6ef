import math

import pytest
import torch

from singerprint.frontend import log_mel

CLIP = torch.zeros(1, 4096)


@pytest.mark.parametrize(
    ("waveforms", "options", "error", "sentence"),
    [
        (torch.zeros(4096), {}, ValueError, "waveforms must have shape (batch, samples), got [4096]"),
        (CLIP.half(), {}, TypeError, "waveforms must have dtype Float or Double, got Half"),
        (
            CLIP[:, :2047],
            {"centred": False},
            ValueError,
            "waveforms must have at least n_fft = 2048 samples, got 2047",
        ),
        (
            CLIP[:, :1024],
            {},
            ValueError,
            "waveforms must have more than n_fft / 2 = 1024 samples to be mirrored at their ends, got 1024",
        ),
        (CLIP, {"sample_rate_hz": 0.0}, ValueError, "sample_rate_hz must be positive and finite, got 0"),
        (
            CLIP,
            {"sample_rate_hz": math.inf},
            ValueError,
            "sample_rate_hz must be positive and finite, got inf",
        ),
        (CLIP, {"n_fft": 401}, ValueError, "n_fft must be even and in [16, 8192], got 401"),
        (CLIP, {"n_fft": 14}, ValueError, "n_fft must be even and in [16, 8192], got 14"),
        (CLIP, {"n_fft": 8194}, ValueError, "n_fft must be even and in [16, 8192], got 8194"),
        (CLIP, {"hop_length": 0}, ValueError, "hop_length must be at least 1, got 0"),
        (CLIP, {"n_mels": 0}, ValueError, "n_mels must be in [1, n_fft = 2048], got 0"),
        (CLIP, {"n_mels": 10**12}, ValueError, "n_mels must be in [1, n_fft = 2048], got 1000000000000"),
        (CLIP, {"fmin_hz": -1.0}, ValueError, "fmin_hz must be at least 0, got -1"),
        (CLIP, {"fmin_hz": math.nan}, ValueError, "fmin_hz must be at least 0, got nan"),
        (
            CLIP,
            {"fmin_hz": 8000.0, "fmax_hz": 4000.0},
            ValueError,
            "fmax_hz must be above fmin_hz = 8000, got 4000",
        ),
        (
            CLIP,
            {"fmax_hz": 30000.0},
            ValueError,
            "fmax_hz must be at most sample_rate_hz / 2 = 22050, got 30000",
        ),
        (CLIP, {"mel_scale": "bark"}, ValueError, "mel_scale must be slaney or htk, got bark"),
        (CLIP, {"mel_norm": "l2"}, ValueError, "mel_norm must be slaney, area or none, got l2"),
        (CLIP, {"window": "povey"}, ValueError, "window must be hann or hamming, got povey"),
        (CLIP, {"window_length": 0}, ValueError, "window_length must be in [1, n_fft = 2048], got 0"),
        (CLIP, {"window_length": 2049}, ValueError, "window_length must be in [1, n_fft = 2048], got 2049"),
        (CLIP, {"padding": "wrap"}, ValueError, "padding must be reflect or zeros, got wrap"),
        (CLIP, {"power": 3}, ValueError, "power must be 1 or 2, got 3"),
        (CLIP, {"log": "lg"}, ValueError, "log must be ln, db or none, got lg"),
        (CLIP, {"log_floor": math.nan}, ValueError, "log_floor must be at least 0 and finite, got nan"),
        (CLIP, {"log_offset": -1.0}, ValueError, "log_offset must be at least 0 and finite, got -1"),
        (
            CLIP,
            {"n_fft": 256, "n_mels": 46},
            ValueError,
            "n_mels must leave an FFT bin to every filter, got 46 with n_fft = 256; "
            "empty filters: 1, beginning with [0]",
        ),
        (
            CLIP,
            {"n_fft": 512, "n_mels": 200},
            ValueError,
            "n_mels must leave an FFT bin to every filter, got 200 with n_fft = 512; "
            "empty filters: 38, beginning with [0, 1, 2, 5, 6, 9, 10, 13]",
        ),
    ],
)
@pytest.mark.parametrize("place", ["cpu", "meta"])
def test_bad_arguments_are_named(waveforms, options, error, sentence, place):
    with pytest.raises(error) as caught:
        log_mel(waveforms.to(place), **options)
    assert str(caught.value) == "log_mel: " + sentence


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("options", [{}, {"log": "none"}, {"power": 1, "log_floor": 1e-3}, {"n_fft": 1000}])
def test_a_clip_that_is_not_finite_is_named_with_its_first_frame(value, dtype, options):
    waveforms = torch.zeros(3, 22050, dtype=dtype)
    waveforms[2, 10_000] = value  # frames of up to 2048 samples from 512 t on: the first that reads it is 18
    options = {"n_fft": 2048, **options}
    frame = math.ceil((10_000 - options["n_fft"] / 2 + 1) / 512)
    with pytest.raises(ValueError, match=r"^log_mel") as caught:
        log_mel(waveforms, n_mels=40, **options)
    assert str(caught.value) == (
        f"log_mel: waveforms must have a finite spectrum, got NaN or infinity in clip 2, frame {frame}"
    )


def test_silence_without_an_offset_is_minus_infinity_and_no_error():
    assert bool((log_mel(CLIP, log_offset=0.0) == -math.inf).all())
