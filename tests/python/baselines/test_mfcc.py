"""MfccStatistics against librosa's log-mel with SciPy's DCT, and by its laws."""

import librosa
import numpy as np
import pytest
import scipy.fft
import soundfile
import torch

from singerprint.baselines import MfccStatistics
from singerprint.frontend import resample

MINUS_SIX_DB = 0.5
C0_MEAN = 0


def librosa_statistics(waveform):
    """librosa.feature.melspectrogram, scipy.fft.dct: librosa.org/doc/latest/feature.html."""
    power = librosa.feature.melspectrogram(
        y=waveform, sr=44100, n_fft=2048, hop_length=512, n_mels=80, pad_mode="reflect"
    )
    loud = power.sum(axis=0) >= power.sum(axis=0).max() * 1e-6
    mfcc = scipy.fft.dct(np.log(power + 1e-8), axis=0, norm="ortho")[:20, loud]
    return np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1)])


def voices(count=3, samples=44100, seed=0):
    """Broadband sounds of unlike spectra and changing loudness, peaks at 0.5: (count, samples) float32."""
    generator = np.random.default_rng(seed)
    sounds = []
    for number in range(count):
        noise = generator.normal(size=samples + 64)
        kernel = generator.normal(size=16 + 8 * number) * np.exp(-np.arange(16 + 8 * number) / 6)
        swell = 1.0 + 0.7 * np.sin(2 * np.pi * (2 + number) * np.arange(samples) / 44100)
        sounds.append(np.convolve(noise, kernel, mode="same")[:samples] * swell)
    sounds = np.array(sounds)
    return torch.tensor(0.5 * sounds / np.abs(sounds).max(axis=1, keepdims=True), dtype=torch.float32)


def test_equals_librosa():
    waveforms = voices()
    expected = np.stack([librosa_statistics(waveform.numpy()) for waveform in waveforms])
    # float32 log-mel of both: round-off 1e-6 of values near 10, summed over 80 orthonormal weights (< 9)
    np.testing.assert_allclose(MfccStatistics().embed_batch(waveforms), expected, rtol=0, atol=1e-3)


def test_a_change_of_level_changes_the_mean_of_c0_alone():
    waveforms = voices()
    loud, quiet = (MfccStatistics().embed_batch(level * waveforms) for level in (1.0, MINUS_SIX_DB))
    difference = loud - quiet
    # ln of a power ratio of 4 in each of 80 mels, times 1 / sqrt(80)
    assert difference[:, C0_MEAN].numpy() == pytest.approx(np.log(4) * np.sqrt(80), abs=1e-3)  # offset 1e-8
    others = difference[:, 1:]
    assert others.abs().max() < 1e-3  # the offset 1e-8 beside mel powers above 1e-4


def test_pauses_change_nothing():
    waveform = voices(count=1)[0]
    frames = 40 * 512  # the pause begins and ends on a frame, longer than a window
    paused = torch.cat([waveform, torch.zeros(frames)])
    with_pause, without = (MfccStatistics().embed(clip) for clip in (paused, waveform))
    longer = MfccStatistics().embed(torch.cat([waveform, torch.zeros(4 * frames)]))
    assert (with_pause - longer).abs().max() < 1e-4  # only the length of the pause differs: float32 round-off
    # the mirrored edge gives way to a fade of two frames of 87
    assert (with_pause - without).abs().max() < 1.0


def test_fitted_statistics_have_mean_zero_and_spread_one():
    clips = list(voices(count=6))
    fitted = MfccStatistics().fit(clips)
    embeddings = torch.stack([fitted.embed(clip) for clip in clips]).double()
    # float32 embeddings of order 1
    assert embeddings.mean(dim=0).abs().max() < 1e-5
    assert (embeddings.std(dim=0, correction=0) - 1).abs().max() < 1e-5


def test_fitting_to_recordings_is_fitting_to_their_statistics():
    waveforms = voices(count=5)
    by_clips = MfccStatistics().fit(list(waveforms))
    by_statistics = MfccStatistics().fit_statistics(MfccStatistics().embed_batch(waveforms))
    # float32 statistics, divided by spreads well above 0.01
    np.testing.assert_allclose(
        by_clips.embed_batch(waveforms), by_statistics.embed_batch(waveforms), rtol=0, atol=1e-3
    )


def test_fitting_again_forgets_the_first_fit():
    first, second = list(voices(seed=1)), list(voices(seed=2))
    again = MfccStatistics().fit(first).fit(second)
    torch.testing.assert_close(again.mean, MfccStatistics().fit(second).mean, rtol=0, atol=0)


def test_batch_mates_change_nothing():
    waveforms = voices(count=8)
    alone = torch.cat([MfccStatistics().embed_batch(waveform[None]) for waveform in waveforms])
    # the order of sums over frames may differ with the batch: float64 inside, float32 outside
    torch.testing.assert_close(MfccStatistics().embed_batch(waveforms), alone, rtol=1e-6, atol=1e-6)


def test_files_arrays_tensors_and_other_rates_agree(tmp_path):
    waveform = voices(count=1)[0]
    soundfile.write(tmp_path / "voice.wav", waveform.numpy(), 44100, subtype="FLOAT")
    expected = MfccStatistics().embed(waveform)
    for clip in (
        tmp_path / "voice.wav",
        str(tmp_path / "voice.wav"),
        waveform.numpy(),
        waveform.double().numpy(),
    ):
        torch.testing.assert_close(MfccStatistics().embed(clip), expected, rtol=0, atol=0)
    slow = resample(waveform[None], 44100, 22050)
    at_rate = MfccStatistics().embed(slow[0], sample_rate_hz=22050)
    expected = MfccStatistics().embed(resample(slow, 22050, 44100)[0])
    torch.testing.assert_close(at_rate, expected, rtol=0, atol=0)


def test_silence_has_a_finite_embedding():
    assert MfccStatistics().embed(torch.zeros(44100)).isfinite().all()


def test_strided_and_odd_lengths_are_accepted():
    waveforms = voices(count=2, samples=30001)
    strided = torch.stack([waveforms, waveforms], dim=2)[..., 0]
    torch.testing.assert_close(
        MfccStatistics().embed_batch(strided), MfccStatistics().embed_batch(waveforms), rtol=0, atol=0
    )
    assert MfccStatistics().embed_batch(torch.empty(0, 44100)).shape == (0, 40)


def test_dim_is_twice_the_coefficients():
    embedder = MfccStatistics(13)
    assert (embedder.dim, embedder.sample_rate_hz) == (26, 44100)
    assert embedder.embed(voices(count=1)[0]).shape == (26,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: MfccStatistics(0),
            ValueError,
            "MfccStatistics: coefficients must lie in [1, 80], got 0",
        ),
        (
            lambda: MfccStatistics().embed(torch.zeros(2, 44100)),
            ValueError,
            "embed: clip must have shape (samples,), got [2, 44100]",
        ),
        (
            lambda: MfccStatistics().embed(np.zeros(44100, dtype=np.int16)),
            TypeError,
            "embed: clip must have a floating point dtype, got int16",
        ),
        (
            lambda: MfccStatistics().embed(torch.zeros(44100), sample_rate_hz=0),
            ValueError,
            "embed: sample_rate_hz must be positive and finite, got 0",
        ),
        (
            lambda: MfccStatistics().embed("a.wav", sample_rate_hz=44100),
            ValueError,
            "embed: sample_rate_hz must be None for a file, got 44100",
        ),
        (
            lambda: MfccStatistics().embed_batch(torch.full((2, 44100), float("nan"))),
            ValueError,
            "embed_batch: waveforms must be finite, got NaN or infinity in clip 0",
        ),
        (
            lambda: MfccStatistics().fit([]),
            ValueError,
            "fit: statistics must have shape (files, 40) with at least two files, got (0, 40)",
        ),
        (
            lambda: MfccStatistics().fit_statistics(torch.zeros(3, 7)),
            ValueError,
            "fit: statistics must have shape (files, 40) with at least two files, got (3, 7)",
        ),
        (
            lambda: MfccStatistics().fit_statistics(torch.full((3, 40), float("inf"))),
            ValueError,
            "fit: statistics must be finite, got inf",
        ),
        (
            lambda: MfccStatistics().fit([torch.zeros(44100), torch.zeros(44100)]),
            ValueError,
            "fit: recordings must differ in every statistic, got equal ones in 0",
        ),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == message
