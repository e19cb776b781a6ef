"""What training minimises: weighted sums of the losses, with the modules that only training needs."""

from singerprint.training.objectives.build import build_objective
from singerprint.training.objectives.objective import Objective, ObjectiveLoss

__all__ = ["Objective", "ObjectiveLoss", "build_objective"]
