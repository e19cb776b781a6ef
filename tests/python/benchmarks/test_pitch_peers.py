"""The peers are called alike, and what is missing is left out by name."""

import numpy as np
import pytest
from benchmarks.quality import pitch_peers
from benchmarks.quality.oracle_voice import SAMPLE_RATE_HZ
from benchmarks.quality.pitch_metrics import TRACK_HOP_SAMPLES

PEERS = ("Praat 75-600", "Praat 60-1400", "WORLD Harvest", "WORLD DIO", "Rubber Band R3")
TRACKERS = ("Praat AC 60-1500", "WORLD Harvest", "WORLD DIO")


def tone(frequency_hz, samples):
    """Ten harmonics: trackers look for periods, Praat for peaks."""
    phase = 2 * np.pi * frequency_hz * np.arange(samples) / SAMPLE_RATE_HZ
    return (sum(np.cos(k * phase) / k for k in range(1, 11)) / 10).astype(np.float32)


@pytest.mark.parametrize("name", PEERS)
def test_a_shifted_tone_has_the_ratio_s_pitch_and_the_input_s_length(name):
    shift = pitch_peers.shifters([name]).get(name)
    if shift is None:
        pytest.skip(f"{name} is not installed")
    shifted = shift(tone(220.0, 30_001), 1.25)
    assert shifted.dtype == np.float32
    assert shifted.shape == (30_001,)
    spectrum = np.abs(np.fft.rfft(shifted * np.hanning(shifted.size), 1 << 18))
    near = slice(int(200 * 2**18 / SAMPLE_RATE_HZ), int(400 * 2**18 / SAMPLE_RATE_HZ))
    peak_hz = (near.start + np.argmax(spectrum[near])) * SAMPLE_RATE_HZ / 2**18
    # Praat rounds its marks to whole samples: half a sample of a period's 160 is 5 cents.
    assert abs(1200 * np.log2(peak_hz / 275)) < 10


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_gives_f0_at_every_hop(name):
    track = pitch_peers.trackers([name]).get(name)
    if track is None:
        pytest.skip(f"{name} is not installed")
    f0_hz = track(tone(220.0, 30_001))
    assert f0_hz.shape == (1 + 30_001 // TRACK_HOP_SAMPLES,)
    np.testing.assert_allclose(f0_hz[10:-10], 220, rtol=2e-3)  # 3 cents: the trackers' own error


def test_what_cannot_be_imported_is_left_out_and_named(capsys):
    def missing():
        raise ImportError("No module named 'parselmouth'")

    available = pitch_peers.available({"Praat": missing, "ours": lambda: "shift"}, ())
    assert available == {"ours": "shift"}
    assert capsys.readouterr().err == "Praat is left out: No module named 'parselmouth'\n"


def test_an_unknown_method_is_refused_with_the_known_ones():
    with pytest.raises(SystemExit) as refusal:
        pitch_peers.available({"Praat": object, "WORLD": object}, ["Prat"])
    assert str(refusal.value) == "no method named Prat; there are: Praat, WORLD"


def test_a_track_at_other_times_is_read_at_the_hops():
    seconds = 0.003 + 0.005 * np.arange(200)
    f0_hz = 220 * 2**seconds * ((seconds < 0.4) | (seconds > 0.5))
    hops = np.arange(1 + SAMPLE_RATE_HZ // TRACK_HOP_SAMPLES) * TRACK_HOP_SAMPLES / SAMPLE_RATE_HZ
    track = pitch_peers.at_hops(seconds, f0_hz, SAMPLE_RATE_HZ)
    inside = (hops > 0.003) & ((hops < 0.39) | ((hops > 0.51) & (hops < 0.99)))
    np.testing.assert_allclose(track[inside], 220 * 2 ** hops[inside], rtol=1e-12)  # octaves are linear in it
    assert track[0] == pytest.approx(f0_hz[0], rel=1e-12)  # before the first frame: that frame
    assert not track[(hops > 0.41) & (hops < 0.49)].any()
    assert not pitch_peers.at_hops(seconds, 0 * f0_hz, SAMPLE_RATE_HZ).any()
