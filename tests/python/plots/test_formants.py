"""formant_tracks: against resonators whose frequencies are known."""

import numpy as np
import pytest
import scipy.signal

from singerprint.plots import formant_tracks

RATE_HZ = 44_100
TRUE_HZ = (500.0, 1500.0, 2500.0, 3500.0, 4500.0)  # a tube of 17 cm


def vowel(pitch_hz, formants_hz=TRUE_HZ, seconds=0.5):
    """A train of pulses through resonators of 80 Hz bandwidth."""
    y = np.zeros(int(RATE_HZ * seconds))
    y[:: round(RATE_HZ / pitch_hz)] = 1.0
    y = scipy.signal.lfilter([1.0], [1.0, -0.95], y)  # the slope of a glottis and a mouth
    for frequency_hz in formants_hz:
        pole = np.exp((-80 * np.pi + 2j * np.pi * frequency_hz) / RATE_HZ)
        y = scipy.signal.lfilter([1.0], [1.0, -2 * pole.real, abs(pole) ** 2], y)
    return y


@pytest.mark.parametrize("scale", [0.9, 1.0, 1.1])
def test_the_formants_of_a_low_voice_are_found(scale):
    wanted = scale * np.array(TRUE_HZ)
    tracks = formant_tracks(vowel(100.0, wanted), RATE_HZ)
    found = np.nanmedian(tracks.formants_hz[:, :4], axis=0)  # the fifth carries the slope of the source
    # Linear prediction is drawn to the nearest harmonic, here at most half of 100 Hz away, and by the fifth.
    np.testing.assert_allclose(found, wanted[:4], atol=60.0)


def test_frames_lie_every_ten_milliseconds_and_within_the_take():
    seconds, formants_hz = formant_tracks(vowel(100.0), RATE_HZ)
    assert formants_hz.shape == (len(seconds), 5)
    np.testing.assert_allclose(np.diff(seconds), 0.01, rtol=1e-9)  # float64 rounding
    assert 0 < seconds[0] < seconds[-1] < 0.5


def test_silence_and_what_is_shorter_than_a_window_have_none():
    assert np.isnan(formant_tracks(np.zeros(RATE_HZ), RATE_HZ).formants_hz).all()
    half = np.concatenate([vowel(100.0), np.zeros(RATE_HZ // 2)])
    assert np.isnan(formant_tracks(half, RATE_HZ).formants_hz[-20:]).all()
    assert formant_tracks(np.ones(100), RATE_HZ).formants_hz.shape == (0, 5)


def test_missing_resonances_leave_the_end_of_a_row_empty():
    found = formant_tracks(vowel(100.0, TRUE_HZ[:2]), RATE_HZ).formants_hz
    filled = ~np.isnan(found)
    assert (filled[:, :-1] >= filled[:, 1:]).all()
    assert not filled.all()


@pytest.mark.parametrize(
    ("samples", "rate_hz", "message"),
    [
        (np.zeros((2, 100)), RATE_HZ, "samples must have shape (samples,), got (2, 100)"),
        (np.zeros(100), 8000, "sample_rate_hz must be at least twice ceiling_hz = 5250, got 8000"),
    ],
)
def test_bad_input_is_named(samples, rate_hz, message):
    with pytest.raises(ValueError) as raised:
        formant_tracks(samples, rate_hz)
    assert str(raised.value) == f"formant_tracks: {message}"
