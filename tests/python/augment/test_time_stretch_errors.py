"""What time_stretch refuses, and in which words."""

import math

import pytest
import torch

from singerprint.augment import time_stretch

SAMPLE_RATE_HZ = 44_100
ROW = torch.ones(2)
CLIPS = torch.zeros(2, 500)


@pytest.mark.parametrize("place", ["cpu", "meta"])
@pytest.mark.parametrize(
    ("waveforms", "options", "error", "sentence"),
    [
        (torch.zeros(5), {}, ValueError, "waveforms must have shape (batch, samples), got [5]"),
        (CLIPS.double(), {}, TypeError, "waveforms must have dtype Float, got Double"),
        (
            CLIPS,
            {"sample_rate_hz": 7999.0},
            ValueError,
            "sample_rate_hz must be in [8000, 192000], got 7999",
        ),
        (CLIPS, {"rate": ROW.double()}, TypeError, "rate must have dtype Float, got Double"),
        (
            CLIPS,
            {"rate": ROW[:1]},
            ValueError,
            "rate must have shape (batch,) with batch = 2, got [1]",
        ),
        (CLIPS, {"samples": -1}, ValueError, "samples must not be negative, got -1"),
    ],
)
def test_bad_arguments_are_named(waveforms, options, error, sentence, place):
    options = {"sample_rate_hz": SAMPLE_RATE_HZ, "rate": 1.2} | {
        name: value.to(place) if isinstance(value, torch.Tensor) else value for name, value in options.items()
    }
    with pytest.raises(error) as caught:
        time_stretch(waveforms.to(place), **options)
    assert str(caught.value) == f"time_stretch: {sentence}"


@pytest.mark.parametrize("value", [-0.5, 0.0, 0.49, 2.01, math.nan, math.inf])
@pytest.mark.parametrize("per_clip", [False, True])
def test_rates_outside_their_range_are_named(value, per_clip):
    with pytest.raises(ValueError) as caught:
        time_stretch(CLIPS, SAMPLE_RATE_HZ, torch.tensor([1.0, value]) if per_clip else value)
    assert str(caught.value) == f"time_stretch: rate must be in [0.5, 2], got {value:g}"


def test_rates_elsewhere_are_refused():
    with pytest.raises(ValueError) as caught:
        time_stretch(CLIPS, SAMPLE_RATE_HZ, ROW.to("meta"))
    assert str(caught.value) == "time_stretch: rate must be on the device cpu, got meta"
