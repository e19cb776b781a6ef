"""Evaluation: arrays in, numbers out."""

from singerprint.evaluation.bootstrap import (
    Interval,
    bootstrap_interval,
    equal_error_rate_interval,
    mean_normalized_rank_interval,
)
from singerprint.evaluation.eer import EqualErrorRate, equal_error_rate, equal_error_rate_threshold
from singerprint.evaluation.ranking import mean_normalized_rank
from singerprint.evaluation.trial_list import read_trials
from singerprint.evaluation.trials import Trials, cosine_scores, default_trials
from singerprint.evaluation.verification import VerificationResult, evaluate_verification

__all__ = [
    "EqualErrorRate",
    "Interval",
    "Trials",
    "VerificationResult",
    "bootstrap_interval",
    "cosine_scores",
    "default_trials",
    "equal_error_rate",
    "equal_error_rate_interval",
    "equal_error_rate_threshold",
    "evaluate_verification",
    "mean_normalized_rank",
    "mean_normalized_rank_interval",
    "read_trials",
]
