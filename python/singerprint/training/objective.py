"""Training objectives: the loss of two views of a batch of clips (Torres et al., ISMIR 2023, section 3).

Each owns the modules that only training needs (projection, predictor, target); the encoder stays outside.
"""

import copy
import math

import torch
from torch import Tensor, nn

from singerprint.distributed import all_gather_rows
from singerprint.losses import byol, nt_xent
from singerprint.models import Projection, SingerEncoder
from singerprint.training.config import TrainConfig

PROJECTION_DIM = 128
PREDICTOR_DIM = 1024


class Contrastive(nn.Module):
    """NT-Xent between projections of two views: ``nt_xent(g(f(first)), g(f(second)), temperature)``.

    Args:
        encoder: the encoder that is trained; only its ``dim`` is used.
        temperature: of the softmax, positive.
        seed: of the initial weights.
    """

    def __init__(self, encoder: SingerEncoder, temperature: float, seed: int = 0) -> None:
        super().__init__()
        self.temperature = temperature
        self.projection = Projection(encoder.dim, PROJECTION_DIM, seed=seed)

    def forward(self, encoder: SingerEncoder, first: Tensor, second: Tensor) -> Tensor:
        """Loss of two views ``(batch, samples)``; one pass, so that batch statistics cover both views."""
        first, second = self.projection(encoder(torch.cat([first, second]))).chunk(2)
        return nt_xent(all_gather_rows(first), all_gather_rows(second), self.temperature)

    def after_step(self, encoder: SingerEncoder, share: float) -> None:
        """Nothing follows a step."""


class Byol(nn.Module):
    """Bootstrap your own latent (Grill et al. 2020): the online network predicts a slow target's projections.

    The target is an exponential moving average of encoder and projection, parameters and batch statistics
    alike, and runs in eval mode: its outputs do not depend on who else is in the batch.

    Args:
        encoder: the encoder that is trained; the target starts as its copy.
        initial_tau: first decay rate; ``tau = 1 - (1 - initial_tau) * (cos(pi * share) + 1) / 2``.
        seed: of the initial weights.
    """

    def __init__(self, encoder: SingerEncoder, initial_tau: float, seed: int = 0) -> None:
        super().__init__()
        self.initial_tau = initial_tau
        self.projection = Projection(encoder.dim, PROJECTION_DIM, seed=seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.predictor = nn.Sequential(
                nn.Linear(PROJECTION_DIM, PREDICTOR_DIM, bias=False),
                nn.BatchNorm1d(PREDICTOR_DIM),
                nn.ReLU(inplace=True),
                nn.Linear(PREDICTOR_DIM, PROJECTION_DIM),
            )
        self.target_encoder = copy.deepcopy(encoder).requires_grad_(False)
        self.target_projection = copy.deepcopy(self.projection).requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> "Byol":
        """Sets the mode of the online modules; the target stays in eval mode."""
        super().train(mode)
        self.target_encoder.eval()
        self.target_projection.eval()
        return self

    def forward(self, encoder: SingerEncoder, first: Tensor, second: Tensor) -> Tensor:
        """Loss of two views ``(batch, samples)``, symmetrised."""
        views = torch.cat([first, second])
        predictions = self.predictor(self.projection(encoder(views)))
        with torch.no_grad():
            targets = self.target_projection(self.target_encoder(views))
        (first_prediction, second_prediction), (first_target, second_target) = (
            predictions.chunk(2),
            targets.chunk(2),
        )
        return 0.5 * (byol(first_prediction, second_target) + byol(second_prediction, first_target))

    @torch.no_grad()
    def after_step(self, encoder: SingerEncoder, share: float) -> None:
        """Moves the target towards the online network; ``share`` of training done, in [0, 1]."""
        tau = 1.0 - (1.0 - self.initial_tau) * (math.cos(math.pi * share) + 1.0) / 2.0
        for target, online in (
            (self.target_encoder, encoder),
            (self.target_projection, self.projection),
        ):
            source = online.state_dict()
            for name, value in target.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(source[name], 1.0 - tau)
                else:  # counters of batches
                    value.copy_(source[name])


def build_objective(config: TrainConfig, encoder: SingerEncoder) -> Contrastive | Byol:
    """The objective that the configuration names, its modules initialised from the configuration's seed."""
    if config.objective == "byol":
        return Byol(encoder, config.initial_tau, config.seed)
    return Contrastive(encoder, config.temperature, config.seed)
