import copy

import numpy as np
import pytest
import torch
from scipy import stats

from singerprint.augment import (
    Compose,
    DrawKey,
    RandomReverb,
    convolve,
    gaussian_noise,
    reverb_impulse_response,
)

RATE_HZ = 44_100
KEY = DrawKey.of(5, [7, 8])
DECAY_SECONDS, RATIO_DB = torch.tensor([0.2, 0.5]), torch.tensor([3.0, -6.0])


def reference(decay_seconds, ratio_db, noise):
    """The formula in float64; noise: (taps,)."""
    n = np.arange(len(noise))
    tail = np.where(n > 0, noise * 10 ** (-3 * n / (decay_seconds * RATE_HZ)), 0)
    response = tail * np.sqrt(10 ** (-ratio_db / 10) / np.square(tail).sum())
    response[0] = 1
    return response


def test_equals_the_formula(device):
    key = KEY.to(device)
    rooms = reverb_impulse_response(key, RATE_HZ, DECAY_SECONDS.to(device), RATIO_DB.to(device), 20_000).cpu()
    noise = gaussian_noise(torch.zeros(2, 20_000), torch.ones(2), KEY, stream=11)
    rows = zip(DECAY_SECONDS.double().numpy(), RATIO_DB.double().numpy(), noise.double().numpy(), strict=True)
    # The exponent, 14 at most here, is rounded to 2**-24 of itself; the rest to less.
    np.testing.assert_allclose(rooms.numpy(), [reference(*row) for row in rows], rtol=20 * 2**-24, atol=1e-9)


def test_the_energy_falls_by_60_decibels_in_the_decay_time():
    rooms = reverb_impulse_response(KEY, RATE_HZ, DECAY_SECONDS, RATIO_DB, 44_100).double()
    for room, decay_seconds in zip(rooms, DECAY_SECONDS.tolist(), strict=True):
        power_db = 10 * torch.log10(room[1:40_001].square().reshape(100, 400).mean(1))
        fitted = int(decay_seconds * RATE_HZ / 400)
        per_block = stats.linregress(np.arange(fitted), power_db[:fitted].numpy()).slope
        # A block's power is that of 400 squares: 0.3 dB; a line through 22 of them or more tells 60 dB to 1.
        assert abs(per_block / 400 * RATE_HZ * decay_seconds + 60) < 1


def test_the_ratio_is_that_of_the_direct_sound_to_the_rest():
    rooms = reverb_impulse_response(KEY, RATE_HZ, DECAY_SECONDS, RATIO_DB, 9000).double()
    assert rooms[:, 0].tolist() == [1.0, 1.0]
    ratio_db = -10 * torch.log10(rooms[:, 1:].square().sum(1))
    torch.testing.assert_close(ratio_db, RATIO_DB.double(), rtol=0, atol=1e-4)


@pytest.mark.parametrize(("decay_seconds", "taps"), [(0.0, 100), (0.3, 1)])
def test_a_room_without_reverberation_is_its_direct_sound(decay_seconds, taps):
    rooms = reverb_impulse_response(KEY, RATE_HZ, torch.full((2,), decay_seconds), RATIO_DB, taps)
    assert torch.equal(rooms, torch.eye(1, taps).expand(2, -1))


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"sample_rate_hz": 0}, ValueError, "sample_rate_hz must be positive, got 0"),
        ({"taps": 0}, ValueError, "taps must be at least 1, got 0"),
        (
            {"decay_seconds": torch.ones(3)},
            ValueError,
            "decay_seconds must have shape (batch,) with batch = 2, got [3]",
        ),
        (
            {"direct_to_reverberant_db": torch.ones(2).int()},
            TypeError,
            "direct_to_reverberant_db must be floating point, got torch.int32",
        ),
        ({"decay_seconds": -torch.ones(2)}, ValueError, "decay_seconds must not be negative, got -1"),
    ],
)
def test_bad_arguments_are_named(arguments, error, sentence):
    given = {
        "key": KEY,
        "sample_rate_hz": RATE_HZ,
        "decay_seconds": DECAY_SECONDS,
        "direct_to_reverberant_db": RATIO_DB,
        "taps": 9,
    }
    with pytest.raises(error) as caught:
        reverb_impulse_response(**(given | arguments))
    assert str(caught.value) == f"reverb_impulse_response: {sentence}"


def test_random_rooms_fill_their_ranges():
    drawn = RandomReverb(probability=1.0).draw(DrawKey.of(0, range(10_000)), 100)
    assert stats.kstest(drawn["decay_seconds"].numpy(), stats.uniform(0.1, 0.7).cdf).pvalue > 0.01
    assert stats.kstest(drawn["direct_to_reverberant_db"].numpy(), stats.uniform(0, 15).cdf).pvalue > 0.01


def test_given_rooms_are_equally_likely_and_played_in(device, generator):
    responses = [torch.randn(taps, generator=generator) for taps in (3, 40, 7)]
    reverb, key = RandomReverb(responses, probability=0.75), DrawKey.of(0, range(400), device=device)
    waveforms = torch.randn(400, 50, generator=generator).to(device)
    result, chosen = reverb(waveforms, key), reverb.draw(key, 50)["response"]
    assert stats.chisquare(torch.bincount(chosen.cpu() + 1, minlength=4)).pvalue > 0.01  # a quarter in none
    assert torch.equal(result[chosen == -1], waveforms[chosen == -1])
    for index, response in enumerate(responses):
        inside = waveforms[chosen == index]
        expected = convolve(inside, response.to(device).expand(len(inside), -1))
        torch.testing.assert_close(result[chosen == index], expected, rtol=0, atol=1e-5)


def test_a_clip_that_is_not_augmented_keeps_every_bit(device, generator):
    waveforms, key = (
        torch.randn(9, 99, generator=generator).to(device),
        DrawKey.of(0, range(9), device=device),
    )
    assert torch.equal(RandomReverb(probability=0.0)(waveforms, key), waveforms)
    assert (RandomReverb(probability=1.0)(waveforms, key) != waveforms).any(1).all()


def test_two_reverbs_of_a_chain_are_two_rooms():
    waveforms = torch.zeros(1, 1000)
    waveforms[:, 0] = 1.0
    twice = Compose([RandomReverb(probability=1.0)] * 2)
    once = RandomReverb(probability=1.0)
    assert not torch.allclose(
        twice(waveforms, DrawKey.of(0, [0])), once(once(waveforms, DrawKey.of(0, [0])), DrawKey.of(0, [0]))
    )


def test_compiles_as_one_graph(generator):
    waveforms, key = torch.randn(2, 101, generator=generator), DrawKey.of(0, [1, 2])
    reverb = RandomReverb(max_decay_seconds=0.2, probability=1.0)
    compiled = torch.compile(reverb.__call__, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(waveforms, key), reverb(waveforms, key), rtol=0, atol=1e-5)


def test_it_prints_the_shape_of_given_rooms_and_can_be_copied():
    reverb = RandomReverb([[1.0, 0.5], [1.0]])
    assert repr(copy.deepcopy(reverb)).startswith(
        "RandomReverb(probability=0.5, impulse_responses=<[2, 2]>, "
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"sample_rate_hz": 0}, "sample_rate_hz must be positive, got 0"),
        ({"min_decay_seconds": 0}, "min_decay_seconds must be positive, got 0"),
        (
            {"max_decay_seconds": 0.01},
            "min_decay_seconds <= max_decay_seconds must hold, both finite, got 0.1 and 0.01",
        ),
        ({"impulse_responses": []}, "impulse_responses must have at least 1 response, got 0"),
        ({"impulse_responses": [[]]}, "each response must have shape (taps,), got [0]"),
        ({"impulse_responses": torch.ones(1, 2, 3)}, "each response must have shape (taps,), got [2, 3]"),
        ({"impulse_responses": [[1.0, float("nan")]]}, "each response must be finite, got [nan]"),
    ],
)
def test_bad_ranges_are_named(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        RandomReverb(**arguments)
    assert str(caught.value) == f"RandomReverb: {sentence}"
