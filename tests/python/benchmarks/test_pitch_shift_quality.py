"""The figures that pitch_shift must show, on three voices that nothing was tuned on."""

import numpy as np
import pytest
import torch
from benchmarks.quality.oracle_choir import fresh_voices
from benchmarks.quality.oracle_voice import SAMPLE_RATE_HZ, render
from benchmarks.quality.pitch_metrics import judge

from singerprint.augment import pitch_shift

BASS, ALTO, _, MEZZO = fresh_voices(seed=2024, count=4)
RATIOS = {BASS: 1.3, ALTO: 1 / 1.3, MEZZO: 1.15}


@pytest.fixture(scope="module")
def figures():
    """Of one take a voice."""
    result = {}
    for voice, ratio in RATIOS.items():
        original, _ = render(voice)
        take = pitch_shift(torch.from_numpy(original)[None], SAMPLE_RATE_HZ, ratio)[0].numpy()
        result[voice] = judge(take, *render(voice, ratio))
    return result


def test_the_pitch_is_right(figures):
    assert all(f.f0_median_cents <= 2.3 for f in figures.values())
    assert all(f.f0_p90_cents <= 8 for f in figures.values())
    assert all(f.gross_error_percent <= 0.3 for f in figures.values())


def test_the_envelope_stays(figures):
    assert figures[BASS].lsd5_db <= 1.9
    assert max(figures[ALTO].lsd5_db, figures[MEZZO].lsd5_db) <= 4.0
    assert np.mean([f.mcd_db for f in figures.values()]) <= 3.0


def test_the_level_stays_and_nothing_clicks(figures):
    # The ideal takes' own level on this ruler is -0.12 dB.
    assert all(abs(f.level_db + 0.12) <= 1 for f in figures.values())
    assert all(f.clicks == 0 for f in figures.values())


def test_consonants_pass(figures):
    assert all(f.unvoiced_snr_db > 30 for f in figures.values())
