"""The perceptron with two hidden layers that Desblancs et al. 2024 project and classify with."""

from __future__ import annotations

import torch
from torch import nn

from singerprint.models.lengths import check_lengths


def perceptron(name: str, in_dim: int, hidden_dim: int, out_dim: int, seed: int) -> nn.Sequential:
    """``linear(relu(norm(linear(relu(norm(linear(x)))))))``, batch norms, the last layer without bias.

    Args:
        name: Of the module that it is for, in messages.
        in_dim: Length of its inputs, at least 1.
        hidden_dim: Width of the hidden layers, at least 1.
        out_dim: Length of its outputs, at least 1.
        seed: Of the initial weights, PyTorch's own distributions; no global generator is touched.

    Raises:
        ValueError: A length is below 1.
    """
    check_lengths(name, in_dim=in_dim, hidden_dim=hidden_dim, out_dim=out_dim)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Linear(in_dim, hidden_dim),
            nn.BatchNorm1d(hidden_dim),
            nn.ReLU(inplace=True),
            nn.Linear(hidden_dim, hidden_dim),
            nn.BatchNorm1d(hidden_dim),
            nn.ReLU(inplace=True),
            nn.Linear(hidden_dim, out_dim, bias=False),
        )
