"""RandomTimeStretch: what it draws, and that it is time_stretch with that."""

import pytest
import torch
from scipy import stats

from singerprint.augment import Compose, DrawKey, RandomTimeStretch, from_config, time_stretch


def tones(device="cpu"):
    n = torch.arange(12_000)
    return torch.stack([torch.sin(0.02 * n), torch.sin(0.05 * n) ** 3, torch.zeros(12_000)]).to(device)


def test_rates_fill_their_range():
    rate = RandomTimeStretch(probability=1.0).draw(DrawKey.of(0, range(20_000)), 1000)["rate"]
    assert rate.shape == (20_000,)
    assert rate.dtype == torch.float32
    assert stats.kstest(rate.double().numpy(), stats.uniform(0.8, 0.45).cdf).pvalue > 0.01


def test_half_of_the_clips_keep_their_rate():
    kept = RandomTimeStretch().draw(DrawKey.of(1, range(20_000)), 1000)["rate"] == 1
    assert stats.binomtest(int(kept.sum()), 20_000).pvalue > 0.01


def test_drawn_parameters_replay_the_stretch(device):
    key = DrawKey.of(5, range(3), epoch=2, view=1, device=device)
    transform = RandomTimeStretch(22_050, 0.5, 2.0, probability=1.0)
    parameters = transform.draw(key, 12_000)
    expected = time_stretch(tones(device), 22_050, parameters["rate"], 12_000)
    assert torch.equal(transform(tones(device), key), expected)
    assert torch.equal(transform.apply(tones(device), parameters, key), expected)
    assert not torch.equal(expected[:2], tones(device)[:2])


def test_the_length_stays_and_zeros_follow_a_faster_clip(device):
    key = DrawKey.of(5, range(3), device=device)
    result = RandomTimeStretch(22_050, 1.25, 1.25, probability=1.0)(tones(device), key)
    assert result.shape == (3, 12_000)
    assert not result[:, 9600:].any()
    assert result[:2, 9500:9600].any(1).all()


def test_probability_zero_changes_nothing(device):
    key = DrawKey.of(5, range(3), device=device)
    assert torch.equal(RandomTimeStretch(probability=0.0)(tones(device), key), tones(device))


def test_it_is_a_link_of_chains():
    chain = from_config([{"name": "time_stretch", "min_rate": 0.9, "probability": 1.0}], 22_050)
    key = DrawKey.of(2, range(3))
    alone = Compose([RandomTimeStretch(22_050, 0.9, 1.25, probability=1.0)])
    assert torch.equal(chain(tones(), key), alone(tones(), key))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"sample_rate_hz": 7000}, "sample_rate_hz must be in [8000, 192000], got 7000"),
        ({"min_rate": 0.4}, "min_rate must be at least 0.5, got 0.4"),
        ({"max_rate": 2.1}, "max_rate must be at most 2, got 2.1"),
        (
            {"min_rate": 1.5, "max_rate": 1.2},
            "min_rate <= max_rate must hold, both finite, got 1.5 and 1.2",
        ),
        ({"probability": 2}, "probability must be in [0, 1], got 2"),
    ],
)
def test_bad_ranges_are_named(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        RandomTimeStretch(**arguments)
    assert str(caught.value) == f"RandomTimeStretch: {sentence}"
