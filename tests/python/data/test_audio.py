import math

import numpy as np
import pytest
import soundfile
import torch

from singerprint.data import AudioError, AudioFile, audio_info, read_audio
from singerprint.data.ogg_pages import last_page_start
from singerprint.frontend import resample

RATE_HZ = 44100
EXACT_SUFFIXES = (".wav", ".flac", ".ogg")


def noise(samples, channels=1, seed=0):
    shape = (samples, channels) if channels > 1 else samples
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(np.float32)


def write(path, samples, rate_hz=RATE_HZ, **options):
    """In blocks, because libsndfile's Vorbis encoder overflows the stack on long ones."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    with soundfile.SoundFile(path, "w", rate_hz, channels, **options) as file:
        for start in range(0, len(samples), 8192):
            file.write(samples[start : start + 8192])
    return path


def decibels(difference, signal):
    # 1e-20: equal signals are 400 dB apart
    return 20 * np.log10(np.linalg.norm(difference) / np.linalg.norm(signal) + 1e-20)


@pytest.mark.parametrize("suffix", EXACT_SUFFIXES)
def test_a_span_is_the_same_span_of_the_whole_file_bit_for_bit(tmp_path, suffix):
    path = write(tmp_path / f"x{suffix}", noise(5 * RATE_HZ))
    whole = soundfile.read(path, dtype="float32")[0]
    for start, length in np.random.default_rng(1).integers(1, 2 * RATE_HZ, (40, 2)):
        span = read_audio(path, RATE_HZ, start / RATE_HZ, length / RATE_HZ)
        np.testing.assert_array_equal(span, whole[start : start + length])


@pytest.mark.parametrize("suffix", EXACT_SUFFIXES)
@pytest.mark.parametrize("level", (1.0, 0.05, 0.0))
def test_spans_up_to_the_end_are_exact_in_any_order(tmp_path, suffix, level):
    # libsndfile is up to a block off in the last page of an Ogg Vorbis file, and when a handle seeks again
    samples = np.concatenate([noise(2 * RATE_HZ), level * noise(3 * RATE_HZ + 123)])
    file = AudioFile(write(tmp_path / f"x{suffix}", samples))
    whole = soundfile.read(file.path, dtype="float32")[0]
    for start in (*np.linspace(0, len(whole) - 2205, 16).astype(int), len(whole) - 1, len(whole) - 700):
        np.testing.assert_array_equal(file.read(int(start), 2205), whole[start : start + 2205])


def test_the_last_page_of_an_ogg_file_begins_within_a_second_of_the_end(tmp_path):
    path = write(tmp_path / "x.ogg", noise(5 * RATE_HZ))
    assert 4 * RATE_HZ < last_page_start(path, 5 * RATE_HZ) < 5 * RATE_HZ
    one_page = tmp_path / "one.ogg"
    one_page.write_bytes(b"OggS\x00" + bytes(40))
    assert last_page_start(one_page, 100) == 0


def test_a_span_of_an_mp3_file_is_the_same_span_of_the_whole(tmp_path):
    path = write(tmp_path / "x.mp3", noise(5 * RATE_HZ))
    whole = soundfile.read(path, dtype="float32")[0]
    span = read_audio(path, RATE_HZ, 2.5, 1.0)
    # the decoder's overlap-add adds in another order after a seek: one rounding of values below 1
    np.testing.assert_allclose(span, whole[int(2.5 * RATE_HZ) :][:RATE_HZ], atol=2.0**-23, rtol=0)


@pytest.mark.parametrize("rate_hz", (8000, 16000, 22050, 32000, 44101, 48000, 96000))
@pytest.mark.parametrize("start_seconds", (0.0, 0.731, 1.5, 2.2))
def test_a_resampled_span_is_the_same_span_of_the_whole_resampled_file(tmp_path, rate_hz, start_seconds):
    samples = noise(3 * rate_hz)
    path = write(tmp_path / "x.wav", samples, rate_hz, subtype="FLOAT")
    whole = resample(torch.from_numpy(samples)[None], rate_hz, RATE_HZ)[0].numpy()
    span = read_audio(path, RATE_HZ, start_seconds, 0.7)
    start = round(start_seconds * RATE_HZ)
    assert len(span) == round(0.7 * RATE_HZ)
    np.testing.assert_array_equal(span, whole[start : start + len(span)])


@pytest.mark.parametrize("target_hz", (8000, 16000, 22050))
def test_a_span_resampled_downwards_is_the_same_span_of_the_whole(tmp_path, target_hz):
    samples = noise(3 * RATE_HZ)
    path = write(tmp_path / "x.wav", samples, subtype="FLOAT")
    whole = resample(torch.from_numpy(samples)[None], RATE_HZ, target_hz)[0].numpy()
    span = read_audio(path, target_hz, 1.3, 0.9)
    start = round(1.3 * target_hz)
    np.testing.assert_array_equal(span, whole[start : start + len(span)])


@pytest.mark.parametrize("rate_hz", (16000, 44100, 48000))
def test_the_number_of_samples_is_exact_and_smaller_only_at_the_end(tmp_path, rate_hz):
    path = write(tmp_path / "x.wav", noise(2 * rate_hz + 17), rate_hz)
    in_all = math.ceil((2 * rate_hz + 17) * RATE_HZ / rate_hz)
    assert len(read_audio(path, RATE_HZ)) == in_all
    assert len(read_audio(path, RATE_HZ, 0.333, 0.777)) == round(0.777 * RATE_HZ)
    assert len(read_audio(path, RATE_HZ, 1.5, 4.0)) == in_all - round(1.5 * RATE_HZ)


def test_channels_are_averaged(tmp_path):
    stereo = noise(1000, channels=2)
    path = write(tmp_path / "x.wav", stereo, subtype="FLOAT")
    mono = read_audio(path)
    assert mono.dtype == np.float32
    np.testing.assert_array_equal(mono, stereo.astype(np.float64).mean(axis=1).astype(np.float32))


def test_the_header_says_what_was_written(tmp_path):
    path = write(tmp_path / "x.flac", noise(24000, channels=2), 16000)
    assert audio_info(path) == (24000, 16000, 2, 1.5)


def test_a_resampled_tone_keeps_its_amplitude_and_frequency(tmp_path):
    seconds = np.arange(16000) / 16000
    path = write(
        tmp_path / "x.wav", np.sin(2 * np.pi * 440 * seconds).astype(np.float32), 16000, subtype="FLOAT"
    )
    span = read_audio(path, RATE_HZ, 0.25, 0.5)
    expected = np.sin(2 * np.pi * 440 * (0.25 + np.arange(len(span)) / RATE_HZ))
    # What float32 leaves of the resampler's accuracy, in test_resample_quality.py
    assert decibels(span - expected, expected) < -132


def refusal(*arguments, **options):
    with pytest.raises(AudioError) as caught:
        read_audio(*arguments, **options)
    return str(caught.value)


def test_rates_too_far_apart_are_named(tmp_path):
    path = write(tmp_path / "x.wav", noise(RATE_HZ))
    expected = f"read_audio: sample_rate_hz must suit the 44100 Hz of {path}, got 100"
    assert refusal(path, sample_rate_hz=100) == expected


def test_bad_arguments_are_refused_in_one_sentence(tmp_path):
    path = write(tmp_path / "x.wav", noise(RATE_HZ))
    rate = "read_audio: sample_rate_hz must be a positive whole number, got"
    start = f"read_audio: start_seconds must lie in [0, 1.000) of {path}, got"
    duration = f"read_audio: duration_seconds must span at least one sample of {path}, got"
    assert refusal(path, 0) == f"{rate} 0 (for {path})"
    assert refusal(path, -1) == f"{rate} -1 (for {path})"
    assert refusal(path, 44100.5) == f"{rate} 44100.5 (for {path})"
    assert refusal(path, start_seconds=1.0) == f"{start} 1.0"
    assert refusal(path, start_seconds=-0.1) == f"{start} -0.1"
    assert refusal(path, start_seconds=float("nan")) == f"{start} nan"
    assert refusal(path, duration_seconds=0.0) == f"{duration} 0.0"
    assert refusal(path, duration_seconds=float("inf")) == f"{duration} inf"


def test_a_path_without_audio_is_refused_by_name(tmp_path):
    missing, corrupt, empty = tmp_path / "no.wav", tmp_path / "bad.wav", tmp_path / "empty.flac"
    corrupt.write_bytes(b"not audio at all" * 100)
    empty.touch()
    silent = write(tmp_path / "none.wav", noise(0))
    readable = "path must name a readable audio file, got"
    assert refusal(missing) == f"read_audio: path must name an existing file, got {missing}"
    assert refusal(tmp_path) == f"read_audio: path must name a file, got the folder {tmp_path}"
    assert refusal(corrupt) == f"read_audio: {readable} {corrupt} (Format not recognised)"
    assert refusal(empty) == f"read_audio: {readable} {empty} (Format not recognised)"
    assert refusal(silent) == f"read_audio: path must name a file with at least one sample, got 0 in {silent}"
    with pytest.raises(AudioError, match=r"^audio_info: path must name an existing file, got .*no\.wav$"):
        audio_info(missing)


def test_a_file_that_does_not_tell_its_length_is_refused_by_name(tmp_path):
    path = write(tmp_path / "piped.flac", noise(1000))
    content = bytearray(path.read_bytes())
    # STREAMINFO begins at byte 8, its 36-bit number of samples in the low half of its byte 13: RFC 9639, 8.2.
    content[8 + 13] &= 0xF0
    content[8 + 14 : 8 + 18] = bytes(4)
    path.write_bytes(content)
    assert refusal(path) == (
        f"read_audio: path must name a file whose header tells its length, got {path} "
        "(written to a pipe? encoding it again mends it)"
    )


@pytest.mark.parametrize("suffix", (".flac", ".mp3"))
def test_a_truncated_file_is_an_error_not_silence(tmp_path, suffix):
    path = write(tmp_path / f"x{suffix}", noise(3 * RATE_HZ))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    message = refusal(path)
    assert message.startswith("read_audio: path must name a")
    assert str(path) in message


@pytest.mark.parametrize("bad", (np.nan, np.inf))
def test_a_sample_that_is_not_finite_is_an_error_not_silence(tmp_path, bad):
    samples = noise(RATE_HZ)
    samples[4410] = bad
    path = write(tmp_path / "x.wav", samples, subtype="FLOAT")
    assert refusal(path) == f"read_audio: samples must be finite, got {bad} at 0.100 s of {path}"
    assert refusal(path, 16000) == f"read_audio: samples must be finite, got {bad} at 0.100 s of {path}"
    assert np.isfinite(read_audio(path, start_seconds=0.2)).all()
