"""The judge of real clips: what is known to be wrong with an output is measured as that."""

import math

import numpy as np
import pytest

pytest.importorskip("parselmouth")
pytest.importorskip("resemblyzer")

import torch
from benchmarks.quality.oracle_choir import dev_voices
from benchmarks.quality.oracle_voice import render
from benchmarks.quality.pitch_real import Clip, judge_take, spread, summary
from benchmarks.quality.praat import autocorrelation_f0

BARITONE, MEZZO = dev_voices()[1], dev_voices()[4]


class Loudness:
    """An embedder of the mean and the size: enough to tell one take from another."""

    def embed_waveform(self, waveform):
        return torch.tensor([1.0, float(np.sqrt(np.mean(waveform**2)))])


def clip_of(voice):
    waveform, _ = render(voice)
    return Clip(voice.name, waveform, autocorrelation_f0(waveform), Loudness().embed_waveform(waveform))


@pytest.fixture(scope="module")
def baritone():
    return clip_of(BARITONE)


def test_the_same_take_is_perfect_at_ratio_1(baritone):
    figures = judge_take(baritone, baritone.waveform, 1.0, Loudness())
    assert figures["f0_error_cents"] == 0
    assert figures["f0_within_50_cents_percent"] == 100
    assert [figures[f"f{i}_shift_hz"] for i in (1, 2, 3)] == [0, 0, 0]
    assert figures["ge2e_cosine"] == pytest.approx(1, abs=1e-6)


def test_an_oracle_shift_has_the_pitch_asked_and_the_formants_kept(baritone):
    figures = judge_take(baritone, render(BARITONE, 1.15)[0], 1.15, Loudness())
    assert figures["f0_error_cents"] < 2
    assert figures["f0_within_50_cents_percent"] > 95
    assert figures["f1_shift_hz"] < 30  # LPC pulls F1 towards the nearest harmonic
    assert figures["f2_shift_hz"] < 15


def test_a_take_that_was_not_shifted_is_off_by_the_ratio(baritone):
    figures = judge_take(baritone, baritone.waveform, 1.3, Loudness())
    assert figures["f0_error_cents"] == pytest.approx(1200 * np.log2(1.3))
    assert figures["f0_within_50_cents_percent"] == 0


def test_silence_is_never_the_pitch_asked(baritone):
    figures = judge_take(baritone, np.zeros_like(baritone.waveform), 1.3, Loudness())
    assert figures["f0_error_cents"] == math.inf
    assert figures["f0_within_50_cents_percent"] == 0
    assert math.isnan(figures["f1_shift_hz"])


def test_formants_of_high_voices_are_not_judged():
    mezzo = clip_of(MEZZO)
    figures = judge_take(mezzo, mezzo.waveform, 1.0, Loudness())
    assert math.isnan(figures["f1_shift_hz"])
    rows = [{"method": "Praat", "clip": "mezzo", "median_hz": mezzo.median_hz, "ratio": 1.0, **figures}]
    assert summary(rows)[0]["lpc_takes"] == 0


def test_cosines_are_also_compared_where_every_method_shifted():
    def row(method, clip, percent, cosine):
        figures = {"f0_error_cents": 0.0, "f1_shift_hz": math.nan, "ge2e_cosine": cosine}
        facts = {"method": method, "clip": clip, "median_hz": 200.0, "ratio": 1.3}
        return {**facts, **figures, "f0_within_50_cents_percent": percent}

    # One method left the second clip as it was: that is as close as can be, and no shift.
    rows = [row("a", "x", 99, 0.8), row("a", "y", 99, 0.6), row("b", "x", 97, 0.7), row("b", "y", 0, 1.0)]
    first, second = summary(rows)
    assert [first["ge2e_cosine"], second["ge2e_cosine"]] == pytest.approx([0.7, 0.85])
    assert [first["ge2e_cosine_all_shifted"], second["ge2e_cosine_all_shifted"]] == pytest.approx([0.8, 0.7])
    assert first["takes_all_shifted"] == second["takes_all_shifted"] == 1


def test_files_are_spread_and_none_is_lost():
    files = list(range(100))
    assert sorted(spread(files)) == files
    first = sorted(spread(files)[:10])
    assert max(np.diff(first)) > 2
    assert spread(files) == spread(files)
