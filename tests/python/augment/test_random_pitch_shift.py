"""RandomPitchShift: what it draws, and that it is pitch_shift with that."""

import pytest
import torch
from scipy import stats

from singerprint.augment import DrawKey, RandomPitchShift, pitch_shift

LARGEST = {"pitch_ratio": 1.3, "pitch_range_ratio": 1.5, "formant_ratio": 1.2}


@pytest.fixture(scope="module")
def drawn():
    transform = RandomPitchShift(max_formant_ratio=1.2, probability=1.0)
    return transform.draw(DrawKey.of(0, range(20_000)), 1000)


@pytest.mark.parametrize("name", LARGEST)
def test_a_ratio_or_its_inverse_fills_the_range(drawn, name):
    ratio = drawn[name].double()
    assert drawn[name].shape == (20_000,)
    assert drawn[name].dtype == torch.float32
    up = torch.maximum(ratio, 1 / ratio).numpy()
    assert stats.kstest(up, stats.uniform(1, LARGEST[name] - 1).cdf).pvalue > 0.01
    assert stats.binomtest(int((ratio > 1).sum()), 20_000).pvalue > 0.01


def test_ratios_are_drawn_apart(drawn):
    correlation = torch.corrcoef(torch.stack([drawn[name].log() for name in LARGEST]))
    assert (correlation - torch.eye(3)).abs().max() < 5 / 20_000**0.5  # 5 standard deviations


def test_half_of_the_clips_keep_their_pitch():
    drawn = RandomPitchShift().draw(DrawKey.of(1, range(20_000)), 1000)
    kept = drawn["pitch_ratio"] == 1
    assert stats.binomtest(int(kept.sum()), 20_000).pvalue > 0.01
    assert torch.equal(kept, drawn["pitch_range_ratio"] == 1)
    assert (drawn["formant_ratio"] == 1).all()


def tones(device):
    n = torch.arange(12_000)
    return torch.stack([torch.sin(0.02 * n), torch.sin(0.05 * n) ** 3, torch.zeros(12_000)]).to(device)


@pytest.mark.parametrize("praat_compatible", [False, True])
def test_drawn_parameters_replay_the_shift(device, praat_compatible):
    key = DrawKey.of(5, range(3), epoch=2, view=1, device=device)
    transform = RandomPitchShift(22_050, 2.0, 1.5, 1.1, praat_compatible, probability=1.0)
    parameters = transform.draw(key, 12_000)
    expected = pitch_shift(tones(device), 22_050, **parameters, praat_compatible=praat_compatible)
    assert torch.equal(transform(tones(device), key), expected)
    assert torch.equal(transform.apply(tones(device), parameters, key), expected)
    assert not torch.equal(expected[:2], tones(device)[:2])


def test_probability_zero_changes_nothing(device):
    key = DrawKey.of(5, range(3), device=device)
    assert torch.equal(RandomPitchShift(probability=0.0)(tones(device), key), tones(device))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"sample_rate_hz": 7000}, "sample_rate_hz must be in [8000, 192000], got 7000"),
        ({"max_pitch_ratio": 0.9}, "max_pitch_ratio must be in [1, 4], got 0.9"),
        ({"max_pitch_range_ratio": 4.1}, "max_pitch_range_ratio must be in [1, 4], got 4.1"),
        ({"max_formant_ratio": float("nan")}, "max_formant_ratio must be in [1, 4], got nan"),
        ({"probability": 2}, "probability must be in [0, 1], got 2"),
    ],
)
def test_bad_ranges_are_named(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        RandomPitchShift(**arguments)
    assert str(caught.value) == f"RandomPitchShift: {sentence}"
