"""build_objective: from the configuration to the modules of its objective."""

from torch import nn

from singerprint.models import PerceptronProjection, Projection, SingerEncoder
from singerprint.training.config import TrainConfig
from singerprint.training.objectives.byol import Byol
from singerprint.training.objectives.objective import Objective
from singerprint.training.objectives.projected_views import ProjectedViews
from singerprint.training.recipes import LABELLED, PROJECTION_DIM


def build_objective(config: TrainConfig, encoder: SingerEncoder) -> Objective:
    """The objective that the configuration names, its modules initialised from the configuration's seed."""
    weights = config.recipe.weights
    if config.objective == "byol":
        return Byol(encoder, weights["byol"], config.initial_tau, config.seed)
    projection: nn.Module
    if config.objective in LABELLED:
        projection = PerceptronProjection(encoder.dim, seed=config.seed)
    else:
        projection = Projection(encoder.dim, PROJECTION_DIM, seed=config.seed)
    return ProjectedViews(projection, weights, config.temperature)
