import numpy as np
import pytest
import soundfile

from singerprint.data import AudioError, read_impulse_responses


def write(path, samples, rate_hz=44_100):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.asarray(samples), rate_hz, subtype="FLOAT")


def test_responses_begin_at_their_loudest_sample_and_have_the_energy_one(tmp_path):
    write(tmp_path / "b/hall.wav", [0.0, 0.0, 0.1, -0.8, 0.6, 0.0])
    write(tmp_path / "a.wav", [3.0, 4.0, 0.0])
    first, second = read_impulse_responses(tmp_path)
    np.testing.assert_allclose(first, [1.0, 0.0], rtol=0, atol=0)
    np.testing.assert_allclose(second, [-0.8, 0.6, 0.0], rtol=1e-6)
    assert first.dtype == second.dtype == np.float32


def test_long_responses_are_cut_and_resampled(tmp_path):
    write(tmp_path / "a.wav", np.r_[1.0, np.full(7999, 0.1)], rate_hz=8000)
    (whole,) = read_impulse_responses(tmp_path, 16_000)
    (cut,) = read_impulse_responses(tmp_path, 16_000, max_seconds=0.25)
    assert abs(len(whole) - 16_000) <= 2 and len(cut) == 4000
    assert np.square(cut).sum() == pytest.approx(1, abs=1e-5)


def test_a_folder_without_audio_is_named(tmp_path):
    with pytest.raises(ValueError) as caught:
        read_impulse_responses(tmp_path)
    assert str(caught.value) == f"read_impulse_responses: folder must hold audio files, got {tmp_path}"


def test_a_silent_file_is_named(tmp_path):
    write(tmp_path / "a.wav", np.zeros(100))
    with pytest.raises(AudioError) as caught:
        read_impulse_responses(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'a.wav'}: an impulse response must not be silent"


def test_a_bad_length_is_named(tmp_path):
    with pytest.raises(ValueError) as caught:
        read_impulse_responses(tmp_path, max_seconds=0)
    assert str(caught.value) == "read_impulse_responses: max_seconds must be positive, got 0"
