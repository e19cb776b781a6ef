"""The judge's ruler: what is known to be wrong with a take is measured as that."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.quality.oracle_choir import dev_voices
from benchmarks.quality.oracle_voice import HOP_SAMPLES, SAMPLE_RATE_HZ, OracleVoice, Rest, Sung, render
from benchmarks.quality.pitch_metrics import (
    TRACK_HOP_SAMPLES,
    count_clicks,
    judge,
    judge_track,
    mel_cepstral_distance_db,
    snr_db,
)

RATIO = 1.15
VOICES = {voice.name: voice for voice in dev_voices() if voice.name in ("tenor", "mezzo")}


@pytest.fixture(scope="module", params=VOICES)
def voice(request):
    return VOICES[request.param]


@pytest.fixture(scope="module")
def ideal(voice):
    return render(voice, RATIO)


@pytest.fixture(scope="module")
def floor(ideal):
    return judge(ideal[0], *ideal)


def test_the_oracle_is_its_own_best(floor):
    # What vibrato, jitter and breath leave in windows of 4 periods: 2.0 and 3.5 cents, 0.3 and 0.4 dB.
    assert floor.f0_median_cents < 4
    assert floor.f0_p90_cents < 10
    assert floor.gross_error_percent < 1
    assert floor.lsd5_db < 0.6
    assert floor.lsd10_db < 0.8
    assert abs(floor.level_db) < 0.5
    assert floor.mcd_db == 0
    assert floor.unvoiced_snr_db == float("inf")
    assert floor.unvoiced_level_db == pytest.approx(0, abs=1e-9)
    assert floor.hnr_db > 20
    assert floor.clicks == floor.clicks_alone == 0


def test_thirty_cents_are_measured_as_thirty_cents(voice, ideal, floor):
    detuned, _ = render(voice, RATIO * 2 ** (30 / 1200))
    figures = judge(detuned, *ideal)
    assert figures.f0_median_cents == pytest.approx(30, abs=1)  # jitter's share shifts the median little
    assert figures.gross_error_percent <= floor.gross_error_percent + 1
    assert figures.lsd5_db < floor.lsd5_db + 0.3  # the envelope is read where the lines are


def test_seventy_cents_are_a_gross_error(voice, ideal):
    detuned, _ = render(voice, RATIO * 2 ** (70 / 1200))
    assert judge(detuned, *ideal).gross_error_percent > 99


def test_a_gain_is_measured_as_level_and_as_nothing_else(ideal, floor):
    figures = judge(ideal[0] / 2, *ideal)
    assert figures.level_db == pytest.approx(floor.level_db - 20 * np.log10(2), abs=1e-3)
    assert figures.unvoiced_level_db == pytest.approx(-20 * np.log10(2), abs=1e-4)
    assert figures.mcd_leveled_db < 1e-6
    # Amplitudes stand on a floor of -140 dB, which does not halve.
    assert figures.lsd10_db == pytest.approx(floor.lsd10_db, abs=0.01)
    assert figures.hnr_db == pytest.approx(floor.hnr_db, abs=1e-6)
    assert figures.clicks == 0


def test_a_gain_is_no_mel_cepstral_distance_above_the_floor():
    noise = np.random.default_rng(0).standard_normal(SAMPLE_RATE_HZ)
    # Mel power of -30 dB and more on a floor of -90 dB: 1e-6 of 4.3 dB a coefficient.
    assert mel_cepstral_distance_db(noise / 2, noise) < 1e-4


def test_moved_formants_are_an_envelope_error(voice, ideal, floor):
    other, _ = render(replace(voice, formant_scale=voice.formant_scale * 1.15), RATIO)
    figures = judge(other, *ideal)
    assert figures.lsd5_db > floor.lsd5_db + 3
    assert figures.mcd_db > 2
    # Lines on another slope of the envelope pull at the estimate while vibrato moves them along it.
    assert figures.f0_median_cents < floor.f0_median_cents + 2


def test_an_added_click_is_counted(ideal):
    clicking = ideal[0].copy()
    clicking[[40_000, 90_000, 150_000]] += 0.5
    # A click's ringing reaches at most two of the 10 ms windows.
    figures = judge(clicking, *ideal)
    assert 3 <= figures.clicks_alone <= figures.clicks <= 6


def test_the_pulse_of_a_bass_beside_the_ideals_is_no_click_alone():
    ideal = np.zeros(44_100)
    ideal[::700] = 0.5  # 63 Hz: every other window of 10 ms is empty
    beside = np.roll(ideal, 350)
    assert count_clicks(beside, ideal) > 10
    assert count_clicks(beside, ideal, around_samples=441) == 0


def test_ten_decibels_of_noise_are_ten_decibels_of_hnr():
    steady = (Sung(4.5, "aa", 57, 57),)
    waveform, truth = render(
        OracleVoice("steady", steady, vibrato_cents=0, jitter_cents=0, aspiration_db=-120.0)
    )
    noise = np.random.default_rng(0).standard_normal(waveform.size).astype(np.float32)
    soft, loud = (judge(waveform + level * noise, waveform, truth).hnr_db for level in (0.005, 0.0158))
    # Between a voice without noise (over 50 dB) and noise at the lines, which counts as lines (0.1 dB).
    assert soft - loud == pytest.approx(10, abs=0.3)


def test_other_noise_in_consonants_has_no_snr_but_the_level(voice, ideal):
    other, _ = render(replace(voice, seed=voice.seed + 1), RATIO)
    figures = judge(other, *ideal)
    assert figures.unvoiced_snr_db == pytest.approx(-3, abs=1)  # two noises of one level, not correlated
    assert figures.unvoiced_level_db == pytest.approx(0, abs=0.7)


def test_a_short_take_is_padded_and_a_long_one_cut(ideal, floor):
    waveform, truth = ideal
    last_voiced = np.flatnonzero(truth.frication + truth.amplitude).max() * HOP_SAMPLES
    assert judge(np.append(waveform, waveform), *ideal) == floor
    assert judge(waveform[: last_voiced // 2], *ideal).mcd_db > 5


def test_a_voice_without_consonants_has_no_unvoiced_figures():
    waveform, truth = render(OracleVoice("hum", (Sung(1.0, "uu", 57, 57), Rest(3.0))))
    figures = judge(waveform, waveform, truth)
    assert np.isnan([figures.unvoiced_snr_db, figures.unvoiced_level_db]).all()


def test_snr_is_the_ratio_of_powers():
    x = np.ones(100)
    assert snr_db(1.1 * x, x) == pytest.approx(20)
    assert snr_db(x, x) == float("inf")


def true_track(truth, samples):
    at = np.arange(1 + samples // TRACK_HOP_SAMPLES) * TRACK_HOP_SAMPLES / HOP_SAMPLES
    frames = np.arange(truth.f0_hz.size)
    return np.interp(at, frames, truth.f0_hz) * (np.interp(at, frames, truth.voiced) > 0.5)


def test_the_true_track_has_no_error(ideal):
    assert judge_track(true_track(ideal[1], ideal[0].size), ideal[1]) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(("off_cents", "gross_percent"), [(30, 0), (-70, 100), (1200, 100)])
def test_a_track_off_by_some_cents_is_measured_as_that(ideal, off_cents, gross_percent):
    track = true_track(ideal[1], ideal[0].size) * 2 ** (off_cents / 1200)
    figures = judge_track(track, ideal[1])
    assert figures.median_cents == pytest.approx(abs(off_cents))
    assert figures.p90_cents == pytest.approx(abs(off_cents))
    assert figures.gross_error_percent == gross_percent


def test_voicing_errors_are_shares_of_the_true_frames(ideal):
    track = true_track(ideal[1], ideal[0].size)
    missed, everywhere = judge_track(0 * track, ideal[1]), judge_track(track + 1e-9, ideal[1])
    assert missed == (np.inf, np.inf, 100, 100, 0)
    assert everywhere.unvoiced_to_voiced_percent == 100
    assert everywhere.voiced_to_unvoiced_percent == 0
