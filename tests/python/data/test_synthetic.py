import dataclasses
import errno
import os

import librosa
import numpy as np
import pytest
import soundfile

from singerprint.data import scan_folder
from singerprint.data.synthetic import draw_singer, synthesize, write_synthetic_singers
from singerprint.data.synthetic.performance import perform
from singerprint.data.synthetic.score import draw_score
from singerprint.data.synthetic.source import glottal_spectra, opening_growth
from singerprint.data.synthetic.voice import VOWELS

RATE_HZ = 44100


def power_spectrum(samples, n_fft=2048):
    """Mean power of Hann frames, (bins,)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[:: n_fft // 2] * np.hanning(n_fft)
    return np.mean(np.abs(np.fft.rfft(frames, axis=1)) ** 2, axis=0)


def mel_statistics(samples):
    """Mean and deviation over time of log-mel frames within 30 dB of the loudest, level removed, (80,)."""
    mel = librosa.feature.melspectrogram(y=samples, sr=RATE_HZ, n_mels=40, fmin=200, fmax=16000)
    mel_db = librosa.power_to_db(mel, top_db=None)
    loudest_db = mel_db.max(axis=0)
    mel_db = mel_db[:, loudest_db > loudest_db.max() - 30]
    mel_db -= mel_db.mean(axis=0)
    return np.concatenate([mel_db.mean(axis=1), mel_db.std(axis=1)])


def test_equal_seeds_give_equal_singers_and_sounds():
    assert draw_singer(1, 2) == draw_singer(1, 2)
    assert draw_singer(1, 2) != draw_singer(1, 3)
    assert draw_singer(1, 2) != draw_singer(2, 2)
    sung, again = (synthesize(draw_singer(1, 2), 1.0, seed=5) for _ in range(2))
    np.testing.assert_array_equal(sung, again)
    assert not np.array_equal(sung, synthesize(draw_singer(1, 2), 1.0, seed=6))


@pytest.mark.parametrize(("seconds", "rate_hz"), ((0.5, 44100), (1.37, 16000), (2.0, 48000), (1.0, 8000)))
def test_the_length_is_exact_and_the_peak_is_half(seconds, rate_hz):
    sung = synthesize(draw_singer(0, 0), seconds, rate_hz, seed=1)
    assert sung.shape == (round(seconds * rate_hz),)
    assert sung.dtype == np.float32
    assert np.isfinite(sung).all()
    assert np.abs(sung).max() == pytest.approx(0.5, abs=1e-6)


def test_the_score_does_not_depend_on_the_singer():
    curves = [perform(draw_singer(0, index), draw_score(3, 4.0), 800, 200.0, seed=3) for index in (0, 1)]
    np.testing.assert_array_equal(curves[0].vowels, curves[1].vowels)
    np.testing.assert_array_equal(curves[0].voiced, curves[1].voiced)
    np.testing.assert_array_equal(curves[0].consonants, curves[1].consonants)
    assert not np.array_equal(curves[0].pitch_hz, curves[1].pitch_hz)


def test_a_vowel_is_always_somewhere_and_pitches_are_singable():
    for seed in range(20):
        curves = perform(draw_singer(0, seed), draw_score(seed, 6.0), 1200, 200.0, seed)
        np.testing.assert_allclose(curves.vowels.sum(axis=1), 1.0, atol=1e-9)  # sums of 30 doubles
        assert curves.vowels.min() >= 0.0
        assert 75.0 <= curves.pitch_hz.min() <= curves.pitch_hz.max() <= 1000.0
        voiced = np.mean(curves.voiced > 0.05)
        assert 0.5 < voiced < 1.0


def test_pitch_alone_does_not_tell_the_singer():
    medians = np.zeros((12, 8))
    for index in range(12):
        for number in range(8):
            seed = 100 * index + number
            curves = perform(draw_singer(0, index), draw_score(seed, 6.0), 1200, 200.0, seed)
            medians[index, number] = np.median(12 * np.log2(curves.pitch_hz[curves.voiced > 0.05]))
    # semitones: a singer's files differ more among themselves than singers' averages do
    assert medians.std(axis=1).mean() > medians.mean(axis=1).std()


def test_a_singers_long_term_envelopes_are_more_alike_than_those_of_others():
    singers = np.repeat(np.arange(8), 4)
    statistics = np.array(
        [mel_statistics(synthesize(draw_singer(0, singer), seed=n)) for n, singer in enumerate(singers)]
    )
    distances = np.linalg.norm(statistics[:, None] - statistics, axis=-1)
    same, itself = singers[:, None] == singers, np.eye(len(singers), dtype=bool)
    assert distances[same & ~itself].mean() < 0.85 * distances[~same].mean()
    nearest = singers[np.argmin(np.where(itself, np.inf, distances), axis=1)]
    # chance is 3 of 31
    assert np.mean(nearest == singers) > 0.3


def test_the_sung_pitch_is_the_scores(tmp_path):
    singer = dataclasses.replace(
        draw_singer(0, 0), vibrato_semitones=0.0, scoop_semitones=0.0, jitter_ratio=0.0, breathiness_db=-80.0
    )
    seed, hop = 4, 220
    sung = synthesize(singer, 6.0, RATE_HZ, seed)
    curves = perform(singer, draw_score(seed, 6.0), 1204, RATE_HZ / hop, seed)
    checked = 0
    for frame in range(20, 1180, 20):
        around = slice(frame - 10, frame + 11)
        if curves.voiced[around].min() < 0.05 or np.ptp(np.log2(curves.pitch_hz[around])) > 0.005:
            continue
        piece = sung[frame * hop - 2048 : frame * hop + 2048] * np.hanning(4096)
        autocorrelation = np.fft.irfft(np.abs(np.fft.rfft(piece, 8192)) ** 2)
        lag = RATE_HZ / curves.pitch_hz[frame]
        near = np.arange(int(0.9 * lag), int(1.1 * lag) + 2)
        # the peak lies within a sample of the cycle, or 0.6 % of it where the pitch moves by half a per cent
        assert abs(near[np.argmax(autocorrelation[near])] - lag) <= max(1.0, 0.006 * lag)
        checked += 1
    assert checked >= 10


def test_nothing_aliases_between_the_harmonics():
    singer = dataclasses.replace(
        draw_singer(0, 0), jitter_ratio=0.0, shimmer_db=0.0, breathiness_db=-200.0, vibrato_semitones=0.0
    )
    power = power_spectrum(synthesize(singer, 4.0, RATE_HZ, seed=2))
    hz = np.fft.rfftfreq(2048, 1 / RATE_HZ)
    # the source ends at 0.95 of the Nyquist frequency; above is the room's noise, -54 dB at most in all
    assert 10 * np.log10(power[hz > 21500].sum() / power.sum()) < -60


def test_there_are_no_clicks():
    for index in range(4):
        sung = synthesize(draw_singer(0, index), 4.0, RATE_HZ, seed=index).astype(np.float64)
        # a click is white: it stands out where a voice has nothing, above 20 kHz
        spectrum = np.fft.rfft(sung)
        spectrum[np.fft.rfftfreq(len(sung), 1 / RATE_HZ) < 21200] = 0
        top = np.fft.irfft(spectrum, len(sung))
        assert np.abs(top).max() < 0.5e-2


def test_levels_are_those_of_real_singing():
    # octaves of recorded solo songs against their loudest: 2 kHz -7 to -20 dB, 8 kHz -15 to -35 dB
    for index in range(6):
        sung = synthesize(draw_singer(0, index), 6.0, RATE_HZ, seed=index)
        power, hz = power_spectrum(sung), np.fft.rfftfreq(2048, 1 / RATE_HZ)
        octaves = [power[(hz > c / 2**0.5) & (hz < c * 2**0.5)].sum() for c in 125.0 * 2 ** np.arange(8)]
        levels_db = 10 * np.log10(octaves / np.max(octaves))
        assert np.argmax(levels_db) in (1, 2, 3)
        assert -30 < levels_db[4] < -3
        assert -45 < levels_db[6] < -12
        crest_db = 20 * np.log10(0.5 / np.sqrt(np.mean(sung**2)))
        assert 9 < crest_db < 22


def test_vowels_have_their_formants_in_order():
    for index in range(50):
        singer = draw_singer(7, index)
        formants, bandwidths = np.array(singer.formant_hz), np.array(singer.bandwidth_hz)
        assert formants.shape == bandwidths.shape == (len(VOWELS), 5)
        assert np.all(np.diff(formants, axis=1) > 0)
        assert np.all((bandwidths >= 45.0) & (bandwidths <= 500.0))


def test_the_closed_form_of_the_pulse_is_the_transform_of_its_samples():
    singer = dataclasses.replace(draw_singer(0, 3), tilt_hz=1e12)
    pitch_hz = 200.0
    te, rise = singer.open_quotient, singer.asymmetry * singer.open_quotient
    hz = np.array([50.0, 200.0, 733.0, 4000.0])
    spectrum = glottal_spectra(singer, np.array([pitch_hz]), np.array([0.5]), hz)[0]
    cycles = (np.arange(200000) + 0.5) / 200000 * te
    pulse = np.exp(opening_growth(te, singer.asymmetry) * cycles) * np.sin(np.pi * cycles / rise)
    assert abs(pulse.mean()) < 1e-6 * np.abs(pulse).max()  # no net flow; midpoint rule of 200,000 steps
    pulse /= -np.exp(opening_growth(te, singer.asymmetry) * te) * np.sin(np.pi * te / rise)
    kernel = np.exp(-2j * np.pi * hz[:, None] / pitch_hz * (cycles - te))
    expected = (pulse * kernel).mean(axis=1) * te / pitch_hz
    # float32 arithmetic of ten operations on terms up to twice the result
    np.testing.assert_allclose(spectrum, expected, rtol=2e-4, atol=2e-6 * np.abs(expected).max())


def test_a_written_set_is_a_data_set_of_singers(tmp_path):
    seen = []
    root = tmp_path / "set"
    paths = write_synthetic_singers(
        root, 3, 2, seconds=0.5, seed=1, progress=lambda done, total: seen.append((done, total))
    )
    files = scan_folder(root)
    assert [file.path for file in files] == paths
    assert [file.name for file in files][:3] == [
        "singer-00/000.wav",
        "singer-00/001.wav",
        "singer-01/000.wav",
    ]
    assert seen == [(done, 6) for done in range(1, 7)]
    info = soundfile.info(paths[0])
    assert (info.samplerate, info.channels, info.subtype, info.frames) == (44100, 1, "PCM_16", 22050)
    contents = [path.read_bytes() for path in paths]
    assert len(set(contents)) == 6
    assert [
        path.read_bytes() for path in write_synthetic_singers(root, 3, 2, seconds=0.5, seed=1)
    ] == contents
    assert sorted(path.name for path in (root / "singer-00").iterdir()) == ["000.wav", "001.wav"]


def refusal(function, *arguments, **options):
    with pytest.raises(ValueError) as caught:
        function(*arguments, **options)
    return str(caught.value)


def test_a_file_of_several_songs_holds_them_one_after_the_other(tmp_path):
    (path,) = write_synthetic_singers(tmp_path, 1, 1, songs_per_file=2, seconds=0.5, seed=3)
    samples, rate_hz = soundfile.read(path)
    first, second = np.split(samples, 2)
    assert (len(samples), rate_hz) == (44100, 44100)
    (alone,) = write_synthetic_singers(tmp_path, 1, 1, seconds=0.5, seed=3)
    assert np.array_equal(soundfile.read(alone)[0], first)
    assert not np.array_equal(first, second)


def test_bad_arguments_are_refused(tmp_path):
    singer = draw_singer(0, 0)
    assert refusal(draw_singer, 0, -1) == "draw_singer: index must not be negative, got -1"
    assert refusal(synthesize, singer, 0.0) == "synthesize: seconds must lie in [0.5, 60], got 0.0"
    assert refusal(synthesize, singer, float("nan")).endswith("got nan")
    assert (
        refusal(synthesize, singer, 1.0, 4000) == "synthesize: sample_rate_hz must be at least 8000, got 4000"
    )
    op = "write_synthetic_singers:"
    assert (
        refusal(write_synthetic_singers, tmp_path, 1, 1, songs_per_file=0)
        == f"{op} songs_per_file must be at least 1, got 0"
    )
    assert refusal(write_synthetic_singers, tmp_path, 0) == f"{op} singers must be at least 1, got 0"
    assert (
        refusal(write_synthetic_singers, tmp_path, 1, 0) == f"{op} files_per_singer must be at least 1, got 0"
    )
    blocked = tmp_path / "file"
    blocked.touch()
    message = refusal(write_synthetic_singers, blocked, 1, 1, seconds=0.5)
    assert message.startswith(f"{op} folder must be writable, got {blocked / 'singer-00' / '000.wav'} (")


def test_a_failed_write_leaves_no_file(tmp_path, monkeypatch):
    def full_disk(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full_disk)
    message = refusal(write_synthetic_singers, tmp_path, 1, 1, seconds=0.5)
    assert "No space left on device" in message
    assert list((tmp_path / "singer-00").iterdir()) == []
