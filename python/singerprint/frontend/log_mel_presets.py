"""Front ends by name: the options of `log_mel` that reproduce those of papers, models and libraries.

Kaldi's filter bank is none of them: it takes away each frame's mean, pre-emphasizes it, has a window and
triangles of its own (straight in mel, not in Hz).
"""

from collections.abc import Mapping
from typing import Any

LOG_MEL_PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Torres et al., "Singer identity representation learning using self-supervised techniques", 2023.
    "paper": {"sample_rate_hz": 44_100, "n_fft": 2048, "hop_length": 512, "n_mels": 80},
    # The models that came with it: filters for 22,050 Hz, applied to waveforms at 44,100 Hz. Every filter
    # lies twice as high as its name says, and the mel scale is bent; they were trained so.
    "released": {"sample_rate_hz": 22_050, "n_fft": 2048, "hop_length": 512, "n_mels": 128},
    # Desblancs et al., "From real to cloned singer identification", 2024.
    "deezer": {
        "sample_rate_hz": 16_000,
        "n_fft": 800,
        "hop_length": 400,
        "n_mels": 128,
        "mel_scale": "htk",
        "mel_norm": "none",
        "log_offset": 1e-10,
    },
    # Resemblyzer's speech encoder, which takes no logarithm.
    "ge2e": {
        "sample_rate_hz": 16_000,
        "n_fft": 400,
        "hop_length": 160,
        "n_mels": 40,
        "padding": "zeros",
        "log": "none",
    },
    # The VoxCeleb trainer's Fast ResNet-34, without its pre-emphasis (0.97) before and instance norm after.
    "clova": {
        "sample_rate_hz": 16_000,
        "n_fft": 512,
        "window_length": 400,
        "window": "hamming",
        "hop_length": 160,
        "n_mels": 40,
        "mel_scale": "htk",
        "mel_norm": "none",
        "log_offset": 1e-6,
    },
    # librosa.feature.melspectrogram
    "librosa": {
        "sample_rate_hz": 22_050,
        "n_fft": 2048,
        "hop_length": 512,
        "n_mels": 128,
        "padding": "zeros",
        "log": "none",
    },
    # torchaudio.transforms.MelSpectrogram, but 40 filters: of its 128 some contain no bin of 400 samples.
    "torchaudio": {
        "sample_rate_hz": 16_000,
        "n_fft": 400,
        "hop_length": 200,
        "n_mels": 40,
        "mel_scale": "htk",
        "mel_norm": "none",
        "log": "none",
    },
}
