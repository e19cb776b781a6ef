import librosa
import numpy as np
import pytest
import torch

from singerprint.frontend import LOG_MEL_PRESETS, LogMel


def singing(sample_rate_hz):
    """A second of a gliding voice with noise: every filter hears something. float64 (samples,)"""
    seconds = np.arange(sample_rate_hz) / sample_rate_hz
    phase = 2 * np.pi * (150 * seconds + 60 * seconds**2)
    voice = sum(np.sin(k * phase) / k for k in range(1, 20))
    return 0.1 * voice + 0.01 * np.random.default_rng(0).standard_normal(sample_rate_hz)


def assert_close(result, expected):
    """Sums in float64 both; some references' filters are float32: 2^-24 of each weight, all of one sign."""
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=2e-7, atol=1e-14 * expected.max())


def of_preset(name, waveform):
    return LogMel.preset(name)(torch.from_numpy(waveform)[None])[0].numpy()


@pytest.mark.parametrize("name", ["librosa", "ge2e"])
def test_librosa_and_ge2e_are_melspectrograms_of_librosa(name):
    options = LOG_MEL_PRESETS[name]
    waveform = singing(options["sample_rate_hz"])
    sizes = {key: options[key] for key in ("n_fft", "hop_length", "n_mels")}
    expected = librosa.feature.melspectrogram(y=waveform, sr=options["sample_rate_hz"], **sizes)
    assert_close(of_preset(name, waveform), expected)


def test_librosa_is_what_it_does_when_nothing_is_said():
    waveform = singing(22_050)
    assert_close(of_preset("librosa", waveform), librosa.feature.melspectrogram(y=waveform))


def htk_sums(waveform, sample_rate_hz, n_fft, hop_length, n_mels, window):
    """torchaudio's MelSpectrogram by its documented formulas: HTK, triangles of height 1, mirrored ends."""
    bins_hz = torch.linspace(0, sample_rate_hz // 2, n_fft // 2 + 1, dtype=torch.float64)
    mels = torch.linspace(0, 2595 * np.log10(1 + sample_rate_hz / 2 / 700), n_mels + 2, dtype=torch.float64)
    edges_hz = 700 * (10 ** (mels / 2595) - 1)
    widths = edges_hz[1:] - edges_hz[:-1]
    slopes = edges_hz[None] - bins_hz[:, None]
    triangles = torch.minimum(-slopes[:, :-2] / widths[:-1], slopes[:, 2:] / widths[1:]).clamp_min(0)
    spectrum = torch.stft(
        torch.from_numpy(waveform), n_fft, hop_length, len(window), window, return_complex=True
    )
    return (triangles.T @ spectrum.abs() ** 2).numpy()


@pytest.mark.parametrize(
    ("name", "sizes", "window", "log"),
    [
        ("torchaudio", (400, 200, 40), torch.hann_window(400, dtype=torch.float64), lambda x: x),
        ("deezer", (800, 400, 128), torch.hann_window(800, dtype=torch.float64), lambda x: np.log(x + 1e-10)),
        ("clova", (512, 160, 40), torch.hamming_window(400, dtype=torch.float64), lambda x: np.log(x + 1e-6)),
    ],
)
def test_torchaudio_deezer_and_clova_are_its_formulas(name, sizes, window, log):
    waveform = singing(16_000)
    assert_close(of_preset(name, waveform), log(htk_sums(waveform, 16_000, *sizes, window)))


def test_released_has_the_filters_of_half_its_sample_rate():
    """Its transform knows no sample rate: what it hears at 44.1 kHz is what librosa calls 22.05 kHz."""
    waveform = singing(44_100)
    power = np.abs(librosa.stft(waveform, n_fft=2048, pad_mode="reflect")) ** 2
    expected = np.log(librosa.filters.mel(sr=22_050, n_fft=2048, n_mels=128, dtype=np.float64) @ power + 1e-8)
    assert_close(of_preset("released", waveform), expected)


def test_released_equals_the_library_it_was_made_with():
    nnaudio = pytest.importorskip("nnAudio.features.mel")
    waveform = singing(44_100).astype(np.float32)
    module = nnaudio.MelSpectrogram(n_fft=2048, n_mels=128, hop_length=512, verbose=False)
    expected = torch.log(module(torch.from_numpy(waveform)) + 1e-8)[0].numpy()
    difference = np.abs(of_preset("released", waveform) - expected)
    # nnAudio transforms by convolution in float32: sums of 2048 products, 1e-6 of the loudest bin.
    heard = expected > expected.max(0) - np.log(1e5)
    assert heard.mean() > 0.5
    assert difference[heard].max() < 2e-3


def test_paper_is_the_default():
    assert LogMel.preset("paper").options == LogMel().options


def test_a_preset_can_be_changed():
    options = LogMel.preset("deezer", n_mels=64, log="db").options
    assert (options["n_mels"], options["log"], options["hop_length"]) == (64, "db", 400)


def test_an_unknown_name_is_an_error():
    with pytest.raises(ValueError, match="LogMel") as caught:
        LogMel.preset("kaldi")
    names = "paper, released, deezer, ge2e, clova, librosa, torchaudio"
    assert str(caught.value) == f"LogMel: name must be one of {names}, got kaldi"


def test_an_unknown_option_is_an_error():
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'n_mel'"):
        LogMel(n_mel=80)
