import math

import pytest
import torch

from singerprint.frontend import Resample, resample

RANGE = "must be a whole number in [1, 16777216], got"


@pytest.mark.parametrize(
    ("waveforms", "rates_hz", "error", "sentence"),
    [
        (torch.ones(5), (2, 1), ValueError, "resample: waveforms must have shape (batch, samples), got [5]"),
        (
            torch.ones(1, 5).long(),
            (2, 1),
            TypeError,
            "resample: waveforms must have dtype Float or Double, got Long",
        ),
        (
            torch.ones(1, 5).half(),
            (2, 1),
            TypeError,
            "resample: waveforms must have dtype Float or Double, got Half",
        ),
        (torch.ones(1, 5), (0, 1), ValueError, f"resample: from_hz {RANGE} 0"),
        (torch.ones(1, 5), (1, -1), ValueError, f"resample: to_hz {RANGE} -1"),
        (torch.ones(1, 5), (2**24 + 1, 2**24), ValueError, f"resample: from_hz {RANGE} 16777217"),
        (torch.ones(1, 5), (math.nan, 1), ValueError, f"resample: from_hz {RANGE} nan"),
        (torch.ones(1, 5), (1, math.inf), ValueError, f"resample: to_hz {RANGE} inf"),
        (torch.ones(1, 5), (1e300, 1), ValueError, f"resample: from_hz {RANGE} 1e+300"),
        (torch.ones(1, 5), (44100, 16000.5), ValueError, f"resample: to_hz {RANGE} 16000.5"),
        (
            torch.ones(1, 5),
            (48000, 100),
            ValueError,
            "resample: to_hz must be within a factor of 256 of from_hz = 48000, got 100",
        ),
    ],
)
def test_bad_arguments_are_named(waveforms, rates_hz, error, sentence):
    with pytest.raises(error) as caught:
        resample(waveforms, *rates_hz)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(("rates_hz", "sentence"), [((0, 1), f"resample: from_hz {RANGE} 0")])
def test_the_module_names_bad_rates_when_it_is_made(rates_hz, sentence):
    with pytest.raises(ValueError) as caught:
        Resample(*rates_hz)
    assert str(caught.value) == sentence


def test_a_gradient_of_the_wrong_length_is_named():
    with pytest.raises(ValueError) as caught:
        torch.ops.singerprint.resample_backward(torch.ones(1, 5), 2, 1, 12)
    assert str(caught.value) == "resample_backward: grad must have 6 samples, got 5"
