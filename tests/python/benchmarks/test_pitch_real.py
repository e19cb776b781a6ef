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
    track, embedding = autocorrelation_f0(waveform), Loudness().embed_waveform(waveform)
    return Clip(voice.name, "singer", waveform, track, embedding)


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
    rows = [row("Praat", "mezzo", **figures)]
    assert summary(rows)[0]["lpc_takes"] == 0


def row(method, clip, singer="singer", **figures):
    facts = {"method": method, "clip": clip, "ratio": 1.3, "singer": singer, "median_hz": 200.0}
    return {**facts, "f0_error_cents": 0.0, "f1_shift_hz": math.nan, **figures}


def compared(method, clip, percent, cosine, singer="singer"):
    return row(method, clip, singer, f0_within_50_cents_percent=percent, ge2e_cosine=cosine)


def test_cosines_are_also_compared_where_every_method_shifted():
    # One method left the second clip as it was: that is as close as can be, and no shift.
    rows = [
        *(compared("a", "x", 99, 0.8), compared("a", "y", 99, 0.6)),
        *(compared("b", "x", 97, 0.7), compared("b", "y", 0, 1.0)),
    ]
    first, second = summary(rows)
    assert [first["ge2e_cosine"], second["ge2e_cosine"]] == pytest.approx([0.7, 0.85])
    assert [first["ge2e_cosine_all_shifted"], second["ge2e_cosine_all_shifted"]] == pytest.approx([0.8, 0.7])
    assert first["takes_all_shifted"] == second["takes_all_shifted"] == 1


def test_a_singer_of_many_clips_counts_once_in_what_a_method_lacks():
    lacks = {"x": (0.02, "deep"), "y": (0.04, "deep"), "z": (0.09, "high")}
    rows = [compared("a", clip, 99, 0.8, singer) for clip, (_, singer) in lacks.items()]
    rows += [compared("b", clip, 99, 0.8 - lack, singer) for clip, (lack, singer) in lacks.items()]
    rows += [compared("a", "w", 99, 0.8, "deep"), compared("b", "w", 10, 1.0, "deep")]  # not shifted: no pair
    first, second = summary(rows)
    assert (first["ge2e_behind"], first["ge2e_behind_error"]) == (0, 0)
    assert second["ge2e_behind"] == pytest.approx((0.03 + 0.09) / 2)
    assert second["ge2e_behind_error"] == pytest.approx(np.std([0.03, 0.09], ddof=1) / np.sqrt(2))


def test_a_consonant_that_rings_is_not_judged(baritone):
    f0_hz = baritone.track.f0_hz.copy()
    f0_hz[np.flatnonzero(f0_hz)[::10]] = 1100.0
    rings = baritone._replace(track=baritone.track._replace(f0_hz=f0_hz))
    assert rings.sung.sum() == baritone.sung.sum() - (f0_hz == 1100).sum()
    assert judge_take(rings, baritone.waveform, 1.0, Loudness())["f0_within_50_cents_percent"] == 100


def test_files_are_spread_and_none_is_lost():
    files = list(range(100))
    assert sorted(spread(files)) == files
    first = sorted(spread(files)[:10])
    assert max(np.diff(first)) > 2
    assert spread(files) == spread(files)
