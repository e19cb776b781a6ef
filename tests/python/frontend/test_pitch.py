"""pitch: tones whose frequency is known, and what must not matter to a tracker."""

import math

import numpy as np
import pytest
import torch
from benchmarks.quality.oracle_choir import fresh_voices
from benchmarks.quality.oracle_voice import render
from benchmarks.quality.pitch_metrics import judge_track
from tests.python.thread_counts import results_of_threads
from torch.library import opcheck

from singerprint.frontend import pitch

SAMPLE_RATE_HZ = 44_100


def sung(hz, samples=22_050, sample_rate_hz=SAMPLE_RATE_HZ):
    """Harmonics 1 / k up to a third of the sample rate: (samples,)."""
    phase = 2 * math.pi * hz / sample_rate_hz * torch.arange(samples, dtype=torch.float64)
    harmonics = range(1, max(1, int(sample_rate_hz / 3 / hz)) + 1)
    return (0.2 * sum(torch.cos(k * phase) / k for k in harmonics)).float()


def mixed_batch():
    """A low voice, silence, noise, and a high voice that comes late: (4, samples)."""
    generator = torch.Generator().manual_seed(0)
    late = torch.cat([torch.zeros(9000), sung(740)[:13_050]])
    return torch.stack([sung(98), torch.zeros(22_050), torch.randn(22_050, generator=generator), late])


@pytest.mark.parametrize("sample_rate_hz", [8000, 16_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("hz", [65.0, 110.0, 233.1, 523.3, 987.8, 1400.0])
def test_a_tone_has_its_frequency(hz, sample_rate_hz, device):
    tone = sung(hz, sample_rate_hz // 2, sample_rate_hz)[None].to(device)
    f0_hz = pitch(tone, sample_rate_hz, hop_length=sample_rate_hz // 100).f0_hz[0, 4:-4].cpu().numpy()
    # What three periods of 60 Hz leave of the window's own shape: 1 to 2 cents.
    np.testing.assert_allclose(1200 * np.log2(f0_hz / hz), 0, atol=2)


def test_fresh_voices_are_tracked_without_gross_errors():
    for voice in fresh_voices(seed=77, count=2):
        waveform, truth = render(voice)
        figures = judge_track(pitch(torch.from_numpy(waveform)[None]).f0_hz[0].double().numpy(), truth)
        assert figures.median_cents < 5  # vibrato and jitter within a window
        assert figures.gross_error_percent < 1
        assert figures.voiced_to_unvoiced_percent < 2
        assert figures.unvoiced_to_voiced_percent < 25  # the fades of notes, which count as unvoiced


@pytest.mark.parametrize("samples", [0, 1, 511, 512, 2205, 22_050])
@pytest.mark.parametrize("hop_length", [1, 512, 2**40])
def test_frames_lie_on_every_hop(samples, hop_length, device):
    f0_hz, voiced = pitch(torch.zeros(2, samples, device=device), hop_length=hop_length)
    assert f0_hz.shape == voiced.shape == (2, 1 + samples // hop_length)
    assert f0_hz.dtype == torch.float32
    assert not f0_hz.any()
    assert voiced.dtype == torch.bool
    assert not voiced.any()


def test_voiced_is_where_there_is_a_pitch(device):
    f0_hz, voiced = pitch(mixed_batch().to(device))
    assert torch.equal(voiced, f0_hz > 0)
    assert voiced.any(1).tolist()[0::3] == [True, True]
    assert not voiced[1].any()
    assert voiced[2].float().mean() < 0.05  # by chance, here and there
    assert not voiced[3, : 9000 // 512 - 2].any()


def test_a_constant_has_no_pitch(device):
    assert not pitch(torch.full((1, 22_050), 0.5, device=device)).voiced.any()


def test_a_clip_alone_is_as_in_a_batch(device):
    clips = mixed_batch().to(device)
    together = pitch(clips).f0_hz
    for b in range(len(clips)):
        assert torch.equal(pitch(clips[b : b + 1]).f0_hz[0], together[b])


def test_the_number_of_threads_does_not_matter():
    clips = mixed_batch()
    assert torch.equal(*results_of_threads(lambda: pitch(clips).f0_hz, counts=(1, 2)))


def test_the_level_does_not_matter(device):
    clips = mixed_batch()[[0, 3]].to(device)
    for factor in (2.0**-40, 2.0**20):  # powers of two change no rounding
        assert torch.equal(pitch(factor * clips).f0_hz, pitch(clips).f0_hz)


def test_what_is_not_finite_counts_as_silence(device):
    clip = sung(220)[None].repeat(3, 1)
    clip[0, 3000], clip[1, 5000], clip[2, 100:9000] = math.nan, -math.inf, math.nan
    silent = torch.where(clip.isfinite(), clip, 0.0)
    assert torch.equal(pitch(clip.to(device)).f0_hz, pitch(silent.to(device)).f0_hz)
    assert not pitch(torch.full((1, 9000), math.nan, device=device)).voiced.any()


def test_only_pitches_of_the_range_are_found(device):
    tone = sung(220)[None].to(device)
    assert not pitch(tone, min_hz=230.0, max_hz=300.0).voiced[:, 4:-4].any()
    above = pitch(tone, min_hz=60.0, max_hz=150.0).f0_hz[0, 4:-4].cpu()
    np.testing.assert_allclose(above, 110, rtol=1e-3)  # the octave below: twice the period is one, too


def test_non_contiguous_input_gives_the_same(device):
    clips = mixed_batch().to(device)
    assert torch.equal(pitch(clips.t().contiguous().t()).f0_hz, pitch(clips).f0_hz)
    assert torch.equal(pitch(clips[:, ::2], 22_050).f0_hz, pitch(clips[:, ::2].contiguous(), 22_050).f0_hz)


def test_an_empty_batch_stays_empty(device):
    assert pitch(torch.zeros(0, 1000, device=device)).f0_hz.shape == (0, 2)


CLIP = torch.zeros(1, 4096)
RATE_RULE = "sample_rate_hz must be in [8000, 192000]"


@pytest.mark.parametrize("place", ["cpu", "meta"])
@pytest.mark.parametrize(
    ("waveforms", "options", "error", "sentence"),
    [
        (torch.zeros(4096), {}, ValueError, "waveforms must have shape (batch, samples), got [4096]"),
        (CLIP.double(), {}, TypeError, "waveforms must have dtype Float, got Double"),
        (CLIP, {"sample_rate_hz": 4000}, ValueError, f"{RATE_RULE}, got 4000"),
        (CLIP, {"sample_rate_hz": math.nan}, ValueError, f"{RATE_RULE}, got nan"),
        (CLIP, {"hop_length": 0}, ValueError, "hop_length must be at least 1, got 0"),
        (CLIP, {"min_hz": 29.0}, ValueError, "min_hz must be at least 30, got 29"),
        (CLIP, {"min_hz": math.nan}, ValueError, "min_hz must be at least 30, got nan"),
        (
            CLIP,
            {"min_hz": 200.0, "max_hz": 200.0},
            ValueError,
            "max_hz must be above min_hz = 200 and at most 3000, got 200",
        ),
        (CLIP, {"max_hz": 3001.0}, ValueError, "max_hz must be above min_hz = 60 and at most 3000, got 3001"),
    ],
)
def test_bad_arguments_are_named(waveforms, options, error, sentence, place):
    with pytest.raises(error) as caught:
        pitch(waveforms.to(place), **options)
    assert str(caught.value) == f"pitch: {sentence}"


def test_a_gradient_is_refused_not_wrong():
    with pytest.raises(RuntimeError, match="derivative for singerprint::pitch is not implemented"):
        pitch(sung(220)[None].requires_grad_()).f0_hz.sum().backward()


def test_opcheck(device):
    arguments = (sung(220, 3000)[None].to(device), 44_100.0, 512, 60.0, 1500.0)
    opcheck(torch.ops.singerprint.pitch.default, arguments)


def test_compiles_as_one_graph():
    compiled = torch.compile(pitch, fullgraph=True, backend="aot_eager")
    clip = sung(330, 5000)[None]
    assert torch.equal(compiled(clip).f0_hz, pitch(clip).f0_hz)
