"""Voices, and encoders whose running statistics are of them: embeddings differ, and rounding stays small."""

import math

import pytest
import torch

RATE_HZ = 44_100


def singing(batch, samples, seed=0):
    """Tones with vibrato in a little noise."""
    generator = torch.Generator().manual_seed(seed)
    seconds = torch.arange(samples, dtype=torch.float64) / RATE_HZ
    pitch_hz = 150 + 400 * torch.rand(batch, 1, generator=generator, dtype=torch.float64)
    phase = 2 * math.pi * pitch_hz * seconds + 0.3 * torch.sin(2 * math.pi * 5.5 * seconds)
    tones = sum(torch.sin(harmonic * phase) / harmonic for harmonic in range(1, 9))
    return (0.1 * tones + 0.003 * torch.randn(batch, samples, generator=generator)).float()


def fitted(encoder):
    """With running statistics of singing, so that embeddings differ from clip to clip."""
    patch = pytest.MonkeyPatch()
    patch.setattr("singerprint.models.efficientnet.MOMENTUM", 1.0)  # one batch sets them
    with torch.no_grad():
        encoder.train()(singing(8, 44_100, seed=1))
    patch.undo()
    return encoder.eval()
