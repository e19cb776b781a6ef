"""The projection of Desblancs et al., ISMIR 2024: a perceptron with two hidden layers."""

import torch
from torch import Tensor, nn


class PerceptronProjection(nn.Module):
    """``normalize(linear(relu(norm(linear(relu(norm(linear(embedding))))))))``, the last layer without bias.

    The paper's embeddings have 2048 dimensions, and so have its projections; ours have those of the encoder.

    Args:
        in_dim: length of an embedding.
        hidden_dim: width of the hidden layers.
        out_dim: length of a projection.
        seed: of the initial weights, PyTorch's own distributions.
    """

    def __init__(self, in_dim: int, hidden_dim: int = 1024, out_dim: int = 2048, *, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = nn.Sequential(
                nn.Linear(in_dim, hidden_dim),
                nn.BatchNorm1d(hidden_dim),
                nn.ReLU(inplace=True),
                nn.Linear(hidden_dim, hidden_dim),
                nn.BatchNorm1d(hidden_dim),
                nn.ReLU(inplace=True),
                nn.Linear(hidden_dim, out_dim, bias=False),
            )

    def forward(self, embeddings: Tensor) -> Tensor:
        """Projects ``(batch, in_dim)`` embeddings to ``(batch, out_dim)``, each of length 1."""
        return nn.functional.normalize(self.layers(embeddings), dim=1)
