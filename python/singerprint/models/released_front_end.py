"""The front end that a released model carries in its file, held against the one that is computed here.

nnAudio keeps its filters and its windowed Fourier kernels as buffers, 17 of the 39 MB of a `model.pt`:

    mel_basis[m, k] = triangle m of Slaney's scale for 22,050 Hz at bin k, of equal area
    wcos[k, 0, n]   = hann[n] cos(2 pi k n / n_fft)
    wsin[k, 0, n]   = hann[n] sin(2 pi k n / n_fft)

They are not loaded: `frontend.log_mel` computes the same. A file in which they are others would give other
embeddings, and is refused.

Source: M. Slaney, "Auditory Toolbox", 1998; nnAudio 0.3.2, ``utils.get_mel`` and
``utils.create_fourier_kernels``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from singerprint.models.model_error import ModelError
from singerprint.models.released_encoder import FRONT_END

RATE_HZ, N_FFT, N_MELS = FRONT_END["sample_rate_hz"], FRONT_END["n_fft"], FRONT_END["n_mels"]
BINS = N_FFT // 2 + 1

FRONT_END_SHAPES: Mapping[str, tuple[int, ...]] = {
    "feature_extractor.spec_layer.mel_basis": (N_MELS, BINS),
    "feature_extractor.spec_layer.stft.wsin": (BINS, 1, N_FFT),
    "feature_extractor.spec_layer.stft.wcos": (BINS, 1, N_FFT),
    "feature_extractor.spec_layer.stft.window_mask": (1, N_FFT, 1),
}

# Of a buffer's greatest value: float32 rounds at 6e-8 of it, windows and filters that differ at all at 1e-3.
TOLERANCE = 1e-5

# Slaney's scale: 200 / 3 Hz a mel up to 1 kHz, from there on a factor of 6.4 in 27 mels.
HZ_PER_MEL = 200 / 3
BREAK_HZ = 1000.0
LOG_STEP = math.log(6.4) / 27


def check_front_end(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Holds the front-end buffers of a file against the front end that is computed here.

    Args:
        path: For the sentence.
        tensors: With the keys and shapes of `FRONT_END_SHAPES`.

    Raises:
        ModelError: One differs; the sentence names it.
    """
    expected = (_filters(), *_kernels(), _window().view(1, -1, 1))
    for (key, shape), ours in zip(FRONT_END_SHAPES.items(), expected, strict=True):
        difference = float((tensors[key].double() - ours.view(shape)).abs().max() / ours.abs().max())
        if not difference <= TOLERANCE:  # written so that NaN fails too
            raise ModelError(
                f"load_model: {path} has another front end: {key} must be that of {N_MELS} Slaney filters "
                f"for {RATE_HZ} Hz and a Hann window of {N_FFT} samples, got values that differ by up to "
                f"{difference:.0e} of the greatest"
            )


def _window() -> Tensor:
    return torch.hann_window(N_FFT, periodic=True, dtype=torch.float64)  # (n_fft,)


def _kernels() -> tuple[Tensor, Tensor]:
    # (bins, n_fft) each; the turns are reduced to one in whole numbers, which is exact.
    turns = torch.outer(torch.arange(BINS), torch.arange(N_FFT)) % N_FFT
    phases = turns.double() * (2 * math.pi / N_FFT)
    return phases.sin() * _window(), phases.cos() * _window()


def _filters() -> Tensor:
    bins_hz = torch.linspace(0, RATE_HZ / 2, BINS, dtype=torch.float64)
    break_mel = BREAK_HZ / HZ_PER_MEL
    top_mel = break_mel + math.log(RATE_HZ / 2 / BREAK_HZ) / LOG_STEP
    mels = torch.linspace(0, top_mel, N_MELS + 2, dtype=torch.float64)
    edges_hz = torch.where(
        mels < break_mel, mels * HZ_PER_MEL, BREAK_HZ * ((mels - break_mel) * LOG_STEP).exp()
    )
    low, centre, high = (edges_hz[first : first + N_MELS, None] for first in range(3))  # (mels, 1)
    triangles = torch.minimum((bins_hz - low) / (centre - low), (high - bins_hz) / (high - centre))
    return triangles.clamp(min=0) * 2 / (high - low)  # (mels, bins)
