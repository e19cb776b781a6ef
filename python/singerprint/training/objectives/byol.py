"""Bootstrap your own latent: the online network predicts a slow target's projections (Grill et al. 2020)."""

import copy
import math

import torch
from torch import Tensor, nn

from singerprint.losses import byol
from singerprint.models import Projection, SingerEncoder
from singerprint.training.objectives.objective import Objective
from singerprint.training.recipes import PROJECTION_DIM

PREDICTOR_DIM = 1024


class Byol(Objective):
    """One term, ``byol``: the mean of both directions, each a mean over the batch of ``2 - 2 * cos``.

    The target is an exponential moving average of encoder and projection, parameters and batch statistics
    alike, and runs in eval mode: its outputs do not depend on who else is in the batch. (The release averages
    parameters only, and its target drops units out as in training.)

    Args:
        encoder: the encoder that is trained; the target starts as its copy.
        weight: of the term.
        initial_tau: first decay rate; ``tau = 1 - (1 - initial_tau) * (cos(pi * share) + 1) / 2``.
        seed: of the initial weights.
    """

    def __init__(self, encoder: SingerEncoder, weight: float, initial_tau: float, seed: int = 0) -> None:
        super().__init__({"byol": weight})
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

    def terms(
        self, encoder: SingerEncoder, first: Tensor, second: Tensor, singers: Tensor
    ) -> dict[str, Tensor]:
        """The distance between predictions and the target's projections of the other view."""
        views = torch.cat([first, second])
        predictions = self.predictor(self.projection(encoder(views)))
        with torch.no_grad():
            targets = self.target_projection(self.target_encoder(views))
        (first_prediction, second_prediction), (first_target, second_target) = (
            predictions.chunk(2),
            targets.chunk(2),
        )
        return {"byol": 0.5 * (byol(first_prediction, second_target) + byol(second_prediction, first_target))}

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
