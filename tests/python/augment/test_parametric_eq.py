import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.signal import sosfilt

from singerprint.augment import DrawKey, RandomParametricEq, parametric_eq

RATE_HZ = 44_100


def cookbook(kind, center_hz, gain_db, q):
    """One section of Bristow-Johnson's cookbook, as it is printed there."""
    w0, A = 2 * math.pi * center_hz / RATE_HZ, 10 ** (gain_db / 40)
    c, alpha = math.cos(w0), math.sin(w0) / (2 * q)
    if kind == "peak":
        return [1 + alpha * A, -2 * c, 1 - alpha * A, 1 + alpha / A, -2 * c, 1 - alpha / A]
    s, r = (-1 if kind == "low" else 1), 2 * math.sqrt(A) * alpha
    b = [A * ((A + 1) + s * (A - 1) * c + r), -2 * s * A * ((A - 1) + s * (A + 1) * c)]
    a = [(A + 1) - s * (A - 1) * c + r, 2 * s * ((A - 1) - s * (A + 1) * c)]
    return [*b, b[0] - 2 * A * r, *a, a[0] - 2 * r]


def reference(waveform, center_hz, gain_db, q):
    kinds = ["low", *["peak"] * (len(center_hz) - 2), "high"]
    sos = np.array([cookbook(*band) for band in zip(kinds, center_hz, gain_db, q, strict=True)])
    return sosfilt(sos / sos[:, 3:4], waveform)


@pytest.mark.parametrize("bands", [2, 7])
def test_equals_the_cookbook(bands, device, generator):
    waveforms = torch.randn(3, 20_001, generator=generator)
    center_hz = 42.0 * 220 ** torch.rand(3, bands, generator=generator)
    gain_db = 24 * torch.rand(3, bands, generator=generator) - 12
    q = 0.1 + torch.rand(3, bands, generator=generator)
    result = parametric_eq(
        waveforms.to(device), RATE_HZ, *(t.to(device) for t in (center_hz, gain_db, q))
    ).cpu()
    rows = zip(*(t.double().numpy() for t in (waveforms, center_hz, gain_db, q)), strict=True)
    expected = np.array([reference(*row) for row in rows])
    error = np.square(result.numpy() - expected).sum() / np.square(expected).sum()
    assert 10 * np.log10(error) < -120  # biquad_cascade's


def test_zero_decibels_keep_every_bit(device, generator):
    waveforms = torch.randn(2, 1001, generator=generator).to(device)
    center_hz = torch.tensor([[50.0, 500.0, 5000.0]], device=device).expand(2, 3)
    ones = torch.ones_like(center_hz)
    assert torch.equal(parametric_eq(waveforms, RATE_HZ, center_hz, 0 * ones, ones), waveforms)


BANDS = torch.tensor([[100.0, 1000.0]])
WAVEFORM = torch.ones(1, 5)


@pytest.mark.parametrize(
    ("waveforms", "rate_hz", "bands", "error", "sentence"),
    [
        (WAVEFORM, 0, {}, ValueError, "sample_rate_hz must be positive, got 0"),
        (WAVEFORM[0], RATE_HZ, {}, ValueError, "waveforms must have shape (batch, samples), got [5]"),
        (
            WAVEFORM,
            RATE_HZ,
            {"center_hz": BANDS[0]},
            ValueError,
            "center_hz must have shape (batch, bands) with batch = 1, got [2]",
        ),
        (
            WAVEFORM,
            RATE_HZ,
            {"q": BANDS[:, :1]},
            ValueError,
            "q must have at least 2 bands, as many as center_hz, got [1, 1]",
        ),
        (
            WAVEFORM,
            RATE_HZ,
            {"gain_db": BANDS.long()},
            TypeError,
            "gain_db must be floating point, got torch.int64",
        ),
        (
            WAVEFORM,
            RATE_HZ,
            {"gain_db": BANDS.to("meta")},
            ValueError,
            "gain_db must be on the device cpu, got meta",
        ),
        (WAVEFORM, 2000, {}, ValueError, "center_hz must be in (0, 1000), got 1000"),
        (WAVEFORM, RATE_HZ, {"center_hz": -BANDS}, ValueError, "center_hz must be in (0, 22050), got -100"),
        (WAVEFORM, RATE_HZ, {"gain_db": BANDS / 0}, ValueError, "gain_db must be finite, got inf"),
        (WAVEFORM, RATE_HZ, {"q": 0 * BANDS}, ValueError, "q must be positive, got 0"),
        (WAVEFORM.double(), RATE_HZ, {}, TypeError, None),
    ],
)
def test_bad_arguments_are_named(waveforms, rate_hz, bands, error, sentence):
    with pytest.raises(error) as caught:
        parametric_eq(waveforms, rate_hz, **({"center_hz": BANDS, "gain_db": BANDS, "q": BANDS} | bands))
    expected = "biquad_cascade: waveforms must have dtype Float, got Double"
    assert str(caught.value) == (f"parametric_eq: {sentence}" if sentence else expected)


def test_compiles_as_one_graph():
    compiled = torch.compile(parametric_eq, fullgraph=True, backend="aot_eager")
    arguments = (torch.randn(1, 99), RATE_HZ, BANDS, BANDS / 100, BANDS / 100)
    assert torch.equal(compiled(*arguments), parametric_eq(*arguments))


def test_random_bands_fill_their_ranges():
    drawn = RandomParametricEq(RATE_HZ, -12, 12, probability=1.0).draw(DrawKey.of(0, range(10_000)), 100)
    assert {name: tensor.shape for name, tensor in drawn.items()} == dict.fromkeys(
        ("center_hz", "gain_db", "q"), (10_000, 7)
    )
    for band, (low_hz, high_hz) in enumerate(RandomParametricEq.ranges_hz):
        mel = torch.log10(1 + drawn["center_hz"][:, band] / 700)
        low, high = math.log10(1 + low_hz / 700), math.log10(1 + high_hz / 700)
        assert stats.kstest(mel.numpy(), stats.uniform(low, high - low).cdf).pvalue > 0.01
        gain_db, q = drawn["gain_db"][:, band].numpy(), drawn["q"][:, band].numpy()
        assert stats.kstest(gain_db, stats.uniform(-12, 24).cdf).pvalue > 0.01
        low, high = (0.1, 0.999) if band in (0, 6) else (0.5, 5.0)
        assert stats.kstest(q, stats.uniform(low, high - low).cdf).pvalue > 0.01


def test_bands_beyond_a_low_sample_rate_are_lowered(generator):
    equalizer, key = RandomParametricEq(8000, probability=1.0), DrawKey.of(0, range(50))
    assert equalizer.draw(key, 100)["center_hz"].max() <= 3600
    assert equalizer(torch.randn(50, 100, generator=generator), key).isfinite().all()


def test_probability_zero_changes_nothing_and_one_changes_all(device, generator):
    waveforms = torch.randn(50, 400, generator=generator).to(device)
    key = DrawKey.of(0, range(50), device=device)
    assert torch.equal(RandomParametricEq(RATE_HZ, probability=0.0)(waveforms, key), waveforms)
    assert (RandomParametricEq(RATE_HZ, probability=1.0)(waveforms, key) != waveforms).any(1).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"sample_rate_hz": -1}, "sample_rate_hz must be positive, got -1"),
        (
            {"min_gain_db": 3, "max_gain_db": 2},
            "min_gain_db <= max_gain_db must hold, both finite, got 3 and 2",
        ),
    ],
)
def test_bad_ranges_are_named(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        RandomParametricEq(**arguments)
    assert str(caught.value) == f"RandomParametricEq: {sentence}"
