import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.signal import freqz, kaiser_atten, kaiserord

from singerprint.augment import DrawKey, RandomBandwidth, bandwidth

RATE_HZ = 44_100


def impulse_response(cutoff_hz, transition_hz=300.0, samples=2001, device="cpu"):
    """Of one cutoff, around the impulse in the middle."""
    impulse = torch.zeros(1, samples, device=device)
    impulse[0, samples // 2] = 1.0
    return (
        bandwidth(impulse, RATE_HZ, torch.tensor([cutoff_hz], device=device), transition_hz)[0].double().cpu()
    )


@pytest.mark.parametrize("cutoff_hz", [4000.0, 11_025.0, 16_000.0, 21_900.0])
@pytest.mark.parametrize("transition_hz", [300.0, 1000.0])
def test_the_pass_band_is_flat_and_the_stop_band_80_decibels_down(cutoff_hz, transition_hz, device):
    frequency_hz, response = freqz(
        impulse_response(cutoff_hz, transition_hz, device=device).numpy(), worN=8192, fs=RATE_HZ
    )
    level_db = 20 * np.log10(abs(response) + 1e-9)
    assert abs(level_db[frequency_hz <= cutoff_hz - transition_hz]).max() < 0.001
    assert level_db[frequency_hz >= cutoff_hz].max() < -80


def test_there_is_no_delay(device):
    response = impulse_response(6000.0, device=device)
    torch.testing.assert_close(response, response.flip(0), rtol=0, atol=1e-7)  # convolve's error
    assert response.argmax() == 1000


def test_the_length_is_kaisers(generator):
    taps, _ = kaiserord(90.0, 300.0 / (RATE_HZ / 2))
    response = impulse_response(6000.0)
    assert response.abs()[: 1000 - taps // 2 - 2].max() < 1e-7 < response.abs()[: 1000 - taps // 2 + 20].max()
    assert kaiser_atten(taps, 300.0 / (RATE_HZ / 2)) > 89


def test_each_waveform_has_its_own_cutoff(device, generator):
    waveforms = torch.randn(3, 3001, generator=generator).to(device)
    cutoff_hz = torch.tensor([4000.0, 8000.0, 16_000.0], device=device)
    together = bandwidth(waveforms, RATE_HZ, cutoff_hz)
    alone = [bandwidth(waveforms[b : b + 1], RATE_HZ, cutoff_hz[b : b + 1]) for b in range(3)]
    torch.testing.assert_close(torch.cat(alone), together, rtol=0, atol=1e-6)  # convolve's error


@pytest.mark.parametrize("samples", [0, 1, 100])
def test_waveforms_shorter_than_the_window_are_filtered(samples, device):
    result = bandwidth(torch.ones(2, samples, device=device), RATE_HZ, torch.full((2,), 4e3, device=device))
    assert result.shape == (2, samples) and result.isfinite().all()


def test_a_cutoff_from_half_the_sample_rate_on_keeps_every_bit(device, generator):
    waveforms = torch.randn(2, 501, generator=generator).to(device)
    cutoff_hz = torch.tensor([22_050.0, math.inf], device=device)
    assert torch.equal(bandwidth(waveforms, RATE_HZ, cutoff_hz), waveforms)


CUTOFF_HZ = torch.tensor([4000.0, 8000.0])


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"sample_rate_hz": 0}, ValueError, "sample_rate_hz must be positive, got 0"),
        ({"transition_hz": 0}, ValueError, "transition_hz must be positive, got 0"),
        (
            {"cutoff_hz": CUTOFF_HZ[:1]},
            ValueError,
            "cutoff_hz must have shape (batch,) with batch = 2, got [1]",
        ),
        ({"cutoff_hz": CUTOFF_HZ.int()}, TypeError, "cutoff_hz must be floating point, got torch.int32"),
        ({"cutoff_hz": CUTOFF_HZ / 20}, ValueError, "cutoff_hz must be above transition_hz = 300, got 200"),
    ],
)
def test_bad_arguments_are_named(arguments, error, sentence):
    given = {"waveforms": torch.ones(2, 5), "sample_rate_hz": RATE_HZ, "cutoff_hz": CUTOFF_HZ}
    with pytest.raises(error) as caught:
        bandwidth(**(given | arguments))
    assert str(caught.value) == f"bandwidth: {sentence}"


def test_compiles_as_one_graph(generator):
    compiled = torch.compile(bandwidth, fullgraph=True, backend="aot_eager")
    waveforms = torch.randn(2, 99, generator=generator)
    expected = bandwidth(waveforms, RATE_HZ, CUTOFF_HZ)
    torch.testing.assert_close(compiled(waveforms, RATE_HZ, CUTOFF_HZ), expected, rtol=0, atol=1e-6)


def test_random_rates_are_equally_likely():
    transform = RandomBandwidth(RATE_HZ, [8000, 16_000, 32_000], probability=0.75)
    cutoff_hz = transform.draw(DrawKey.of(0, range(4000)), 100)["cutoff_hz"]
    counts = [(cutoff_hz == value).sum().item() for value in (4000, 8000, 16_000, math.inf)]
    assert sum(counts) == 4000 and stats.chisquare(counts).pvalue > 0.01


def test_probability_zero_changes_nothing_and_one_changes_all(device, generator):
    waveforms = torch.randn(20, 400, generator=generator).to(device)
    key = DrawKey.of(0, range(20), device=device)
    assert torch.equal(RandomBandwidth(RATE_HZ, probability=0.0)(waveforms, key), waveforms)
    assert (RandomBandwidth(RATE_HZ, probability=1.0)(waveforms, key) != waveforms).any(1).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"sample_rate_hz": 0}, "sample_rate_hz must be positive, got 0"),
        ({"transition_hz": 0}, "transition_hz must be positive, got 0"),
        ({"sample_rates_hz": []}, "sample_rates_hz must have at least 1 rate, got []"),
        ({"sample_rates_hz": [600]}, "sample_rates_hz must be above twice transition_hz, got 600"),
    ],
)
def test_bad_ranges_are_named(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        RandomBandwidth(**arguments)
    assert str(caught.value) == f"RandomBandwidth: {sentence}"
