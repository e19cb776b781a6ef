"""The published model of Desblancs et al. 2024 in plain PyTorch, with random weights, and its files.

Front end: torchaudio's default mel spectrogram by torch.stft and librosa's filters. Network: timm's blocks.
Source: https://github.com/deezer/real-cloned-singer-id, foundation/model.py, foundation/audio.py and
training/train.py.
"""

import math
from functools import cache

import librosa
import numpy as np
import timm
import torch
from torch import nn

RATE_HZ, WINDOW_SAMPLES = 16_000, 96_000
N_FFT, HOP_LENGTH, MELS, FRAMES = 800, 400, 128, 240


class PatchEmbedding(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Conv2d(2, 384, 16, stride=16)

    def forward(self, images):
        return self.proj(images).flatten(2).transpose(1, 2)


class FeatureModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + MELS // 16 * FRAMES // 16, 384))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 384))
        self.blocks = timm.create_model("vit_small_patch16_224", pretrained=False).blocks
        self.patch_embed = PatchEmbedding()
        self.feature_map_layer = nn.Sequential(nn.Linear(384, 2048), nn.GELU())

    def forward(self, images):  # (batch, 2, mels, frames) -> (batch, 2048)
        patches = self.patch_embed(images)
        tokens = torch.cat([self.cls_token.expand(len(images), 1, 384), patches], dim=1) + self.pos_embed
        return self.feature_map_layer(self.blocks(tokens)[:, 0])


class Projector(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(
            nn.Linear(2048, 1024),
            nn.BatchNorm1d(1024),
            nn.ReLU(),
            nn.Linear(1024, 1024),
            nn.BatchNorm1d(1024),
            nn.ReLU(),
            nn.Linear(1024, 2048, bias=False),
        )


class TrainedModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.feature_model = FeatureModel()
        self.projector = Projector()


@cache
def trained_model():
    """In eval mode; also what begins at 0 or 1 is random, so that a weight in the wrong place is seen."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = TrainedModel()
        for name, parameter in model.feature_model.named_parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=1 / math.sqrt(384))
            elif name.endswith("bias"):
                nn.init.normal_(parameter, std=0.1)
            else:
                nn.init.uniform_(parameter, 0.5, 1.5)
    return model.eval()


def published_images(waveforms):
    """``(batch, samples)`` -> ``(batch, 2, mels, 240)``: a recording of one channel stands in both."""
    waveforms = waveforms / waveforms.abs().amax(dim=1, keepdim=True)
    window = torch.hann_window(N_FFT, dtype=waveforms.dtype)
    spectra = torch.stft(waveforms, N_FFT, HOP_LENGTH, window=window, return_complex=True)
    filters = librosa.filters.mel(sr=RATE_HZ, n_fft=N_FFT, n_mels=MELS, htk=True, norm=None, dtype=np.float64)
    log_mel = (torch.from_numpy(filters).to(waveforms.dtype) @ spectra.abs().square() + 1e-10).log()
    return torch.stack([log_mel, log_mel], dim=1)[..., :FRAMES]


def write_best_epoch(path, **changes):
    """Writes what the trainer does; a change replaces a tensor of its state, with None leaves it out."""
    state = {**trained_model().state_dict(), **changes}
    state = {key: tensor for key, tensor in state.items() if tensor is not None}
    # A mean of NumPy's, as that of the validation losses is.
    torch.save({"epoch": 7, "model_state_dict": state, "best_loss_value": np.mean([4.5, 5.0])}, path)
    return path
