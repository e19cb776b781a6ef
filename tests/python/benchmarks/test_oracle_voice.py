"""The oracle: a voice whose pitch moves while its formants, breath and consonants stay."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.quality.oracle_choir import dev_voices, fresh_voices, held_out_voices
from benchmarks.quality.oracle_voice import (
    HOP_SAMPLES,
    SAMPLE_RATE_HZ,
    SAMPLES,
    VOWELS_HZ,
    Hiss,
    OracleVoice,
    Rest,
    Sung,
    render,
    render_cached,
    vocal_tract,
)

# One steady vowel at A3 (220 Hz), no breath to speak of.
STEADY = OracleVoice(
    "steady", (Sung(4.5, "aa", 57, 57),), vibrato_cents=0, jitter_cents=0, aspiration_db=-120.0, seed=3
)
PHRASE = OracleVoice("phrase", (Hiss(0.2), Sung(1.0, "ae", 60, 64), Rest(2.8)), seed=4)


def resonators(frequency_hz, formants_hz, bandwidths_hz):
    """Klatt 1980, equation 1, with analog poles -bandwidth / 2 +- i formant; gain 1 at 0 Hz."""
    gain = 1.0 + 0j
    for formant_hz, bandwidth_hz in zip(formants_hz, bandwidths_hz, strict=True):
        pole = -bandwidth_hz / 2 + 1j * formant_hz
        gain *= abs(pole) ** 2 / ((1j * frequency_hz - pole) * (1j * frequency_hz - pole.conjugate()))
    return gain


def test_tract_is_a_cascade_of_resonators():
    frequencies_hz = np.array([0.0, 100.0, 730.0, 1500.0, 9000.0])
    formants_hz, bandwidths_hz = np.array(VOWELS_HZ["a"], float), np.array([70.0, 90.0, 120.0, 150.0, 200.0])
    expected = [resonators(f, formants_hz, bandwidths_hz) for f in frequencies_hz]
    # Five products in another order: a few epsilon.
    np.testing.assert_allclose(vocal_tract(frequencies_hz, formants_hz, bandwidths_hz), expected, rtol=1e-13)


@pytest.mark.parametrize("pitch_ratio", [1.0, 1.3, 1 / 1.3])
def test_a_line_has_the_envelope_s_amplitude(pitch_ratio):
    waveform, truth = render(STEADY, pitch_ratio)
    middle, length = SAMPLES // 2, 22_050
    f0_hz = 220 * pitch_ratio
    lines_hz = f0_hz * np.arange(1, 11)
    piece = waveform[middle - length : middle + length] * np.hanning(2 * length)
    circle = np.exp(-2j * np.pi * lines_hz[:, None] * np.arange(2 * length) / SAMPLE_RATE_HZ)
    measured = 2 * np.abs(circle @ piece) / np.hanning(2 * length).sum()
    expected = truth.envelope_at(middle // HOP_SAMPLES, lines_hz)
    # Within the half second the note swells by 20 % sin: 0.4 % over the window around its top.
    np.testing.assert_allclose(measured, expected, rtol=0.01)


def test_another_phase_moves_the_pulses_and_nothing_else():
    waveform = render(STEADY, 1.3)[0]
    np.testing.assert_array_equal(render(STEADY, 1.3, first_cycles=0)[0], waveform)
    half = render(STEADY, 1.3, first_cycles=0.5)[0]
    # Half a cycle turns the odd harmonics round and leaves the even ones, all that the sum of both takes has.
    lines = np.abs(np.fft.rfft((waveform + half)[SAMPLES // 2 :][:44_100] * np.hanning(44_100)))
    first, second = (lines[round(220 * 1.3 * k) - 4 :][:9].max() for k in (1, 2))  # bins of 1 Hz
    assert first < 1e-5 * second  # Two float32 takes, and the skirt of the second's window 286 Hz away.
    hissing = slice(0, 4_410)  # of the phrase's consonant, before the voice begins
    np.testing.assert_array_equal(render(PHRASE, 1.3, 0.5)[0][hissing], render(PHRASE, 1.3)[0][hissing])


def test_the_pitch_ratio_moves_f0_and_nothing_else():
    before, after = render(PHRASE)[1], render(PHRASE, 1.3)[1]
    np.testing.assert_array_equal(after.f0_hz, before.f0_hz * 1.3)
    for field in set(before._fields) - {"f0_hz"}:
        np.testing.assert_array_equal(getattr(after, field), getattr(before, field))


def test_consonants_are_the_same_samples_at_every_pitch():
    # From 0 to 180 ms: the vowel, and with it the breath (frames of 23 ms), begins at 200 ms.
    consonant = slice(0, round(0.17 * SAMPLE_RATE_HZ))
    before, after = render(PHRASE)[0][consonant], render(PHRASE, 1 / 1.3)[0][consonant]
    assert np.abs(before).max() > 0.01
    np.testing.assert_array_equal(before, after)


def test_a_rest_is_silent():
    waveform, _ = render(PHRASE)
    assert not waveform[round(1.25 * SAMPLE_RATE_HZ) :].any()


def test_a_voice_is_float32_of_4_seconds_and_half_of_full_scale():
    waveform, _ = render(PHRASE)
    assert waveform.dtype == np.float32
    assert waveform.shape == (SAMPLES,)
    assert np.abs(waveform).max() == pytest.approx(0.5)


def test_a_voice_is_its_seed():
    first, _ = render(PHRASE)
    same, _ = render(replace(PHRASE))
    other, _ = render(replace(PHRASE, seed=5))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 0.01


def test_the_cache_gives_what_render_gives(tmp_path):
    waveform, truth = render(PHRASE, 1.15)
    for _ in range(2):
        kept_waveform, kept_truth = render_cached(PHRASE, 1.15, tmp_path)
        np.testing.assert_array_equal(kept_waveform, waveform)
        for kept, expected in zip(kept_truth, truth, strict=True):
            np.testing.assert_array_equal(kept, expected)
    assert len(list(tmp_path.iterdir())) == 1
    render_cached(replace(PHRASE, seed=5), 1.15, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_fresh_voices_are_low_and_high_in_turn():
    voices = fresh_voices(seed=11, count=40)
    assert [voice.is_low for voice in voices] == [True, False] * 20


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_fresh_voices_stay_in_a_singer_s_range(seed):
    voices = fresh_voices(seed, 20)
    notes = [s for voice in voices for s in voice.segments if isinstance(s, Sung)]
    assert min(min(note.from_midi, note.to_midi) for note in notes) >= 38  # D2, 73 Hz
    assert max(max(note.from_midi, note.to_midi) for note in notes) <= 83  # B5, 988 Hz
    assert all(sum(s.seconds for s in voice.segments) >= SAMPLES / SAMPLE_RATE_HZ for voice in voices)


def test_is_low_is_the_rendered_mean_f0():
    for voice in fresh_voices(seed=3, count=4):
        _, truth = render(voice)
        mean_hz = np.exp(np.log(truth.f0_hz[truth.voiced]).mean())
        assert (mean_hz < 254) == voice.is_low


def test_fresh_voices_do_not_depend_on_their_count_but_on_the_seed():
    assert fresh_voices(7, 3) == fresh_voices(7, 12)[:3]
    assert fresh_voices(7, 1)[0].segments != fresh_voices(8, 1)[0].segments


def test_the_named_sets_have_eight_voices_each():
    assert len({voice.name for voice in dev_voices()}) == 8
    assert [voice.is_low for voice in dev_voices()].count(True) == 5
    assert len({voice.name for voice in held_out_voices()}) == 8
    assert not {voice.name for voice in held_out_voices()} & {voice.name for voice in fresh_voices(1, 8)}
