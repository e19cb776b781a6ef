"""bootstrap_interval: how far a figure could move had other singers been recorded.

Trials that share a singer are not independent, so singers are resampled, not trials. In one resample singer s
is drawn m[s] times (with replacement, as many draws as there are singers), and

    a positive trial of singer s           counts m[s] times        (within each copy of the singer)
    a negative trial of singers s and r    counts m[s] * m[r] times (between each two copies)

Pairs of two copies of one singer are no trials. This is the vertex bootstrap of Snijders & Borgatti,
"Non-parametric standard errors and tests for network statistics", Connections 22(2), 1999; the weights are
those of Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1(2), 2007. Percentile intervals.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from singerprint.evaluation.arrays import BoolArray, FloatArray, IntArray, Labels, float_array, label_codes
from singerprint.evaluation.eer import crossing_rates, roc_corners
from singerprint.evaluation.ranking import RankCounts, rank_counts

_ELEMENTS_A_BLOCK = 1 << 19  # resamples x trials at a time: a 4 MiB array, about the size of a cache


class Interval(NamedTuple):
    """A confidence interval.

    Attributes:
        low: lower end.
        high: upper end.

    Example:
        >>> Interval(0.1, 0.2).high
        0.2
    """

    low: float
    high: float


def bootstrap_interval(
    statistic: Callable[[FloatArray], FloatArray],
    singers: int,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Computes a percentile interval of a statistic over resampled singers.

    Args:
        statistic: takes multiplicities (resamples, singers), float64 whole numbers: how often each singer was
            drawn; returns the statistic of each resample (resamples,), NaN where it is not defined (all draws
            fell on one singer, say). Those resamples are left out.
        singers: number of singers, at least 2.
        resamples: number of resamples, at least 1.
        confidence: share of resamples inside the interval, in (0, 1).
        seed: addresses the draws; equal seeds draw equal singers, so two models are compared like with like.

    Returns:
        The interval in the unit of the statistic.

    Raises:
        ValueError: if an argument is out of range, or the statistic is defined for no resample.

    Example:
        >>> levels = np.array([0.0, 1.0, 2.0, 3.0])
        >>> low, high = bootstrap_interval(lambda m: m @ levels / m.sum(axis=1), singers=4)
        >>> 0.0 < low < 1.5 < high < 3.0
        True
    """
    if singers < 2:
        raise ValueError(f"bootstrap_interval: singers must be at least 2, got {singers}")
    if resamples < 1:
        raise ValueError(f"bootstrap_interval: resamples must be at least 1, got {resamples}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"bootstrap_interval: confidence must lie in (0, 1), got {confidence}")
    probabilities = np.full(singers, 1.0 / singers)
    multiplicities = np.random.default_rng(seed).multinomial(singers, probabilities, size=resamples)
    values = statistic(multiplicities.astype(np.float64))
    values = values[~np.isnan(values)]
    if not values.size:
        raise ValueError(
            "bootstrap_interval: statistic must be defined for at least one resample, "
            f"got none of {resamples}"
        )
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(values, [tail, 1.0 - tail])
    return Interval(float(low), float(high))


def _resampled_equal_error_rates(
    scores: FloatArray,
    first_codes: IntArray,
    second_codes: IntArray,
    same: BoolArray,
    multiplicities: FloatArray,
) -> FloatArray:
    corners = roc_corners(scores)
    first, second, same = first_codes[corners.order], second_codes[corners.order], same[corners.order]
    rates = np.full(len(multiplicities), np.nan)
    block = max(1, _ELEMENTS_A_BLOCK // len(scores))
    for start in range(0, len(multiplicities), block):
        drawn = multiplicities[start : start + block]
        weights = drawn[:, first]  # (resamples, trials)
        negative_weights = np.where(same, 0.0, weights * drawn[:, second])
        accepted_positives = np.cumsum(np.where(same, weights, 0.0), axis=1)[:, corners.ends]
        accepted_negatives = np.cumsum(negative_weights, axis=1)[:, corners.ends]
        defined = (accepted_positives[:, -1] > 0) & (accepted_negatives[:, -1] > 0)
        rates[start : start + block][defined] = crossing_rates(
            accepted_positives[defined], accepted_negatives[defined]
        )
    return rates


def _resampled_mean_ranks(counts: RankCounts, multiplicities: FloatArray) -> FloatArray:
    others = counts.others @ multiplicities.T  # (pairs, resamples)
    ranks = (counts.outranking @ multiplicities.T) / (others + 1)
    weights = np.where(others > 0, multiplicities.T[counts.query_singers], 0.0)
    total = weights.sum(axis=0)
    means = np.full(len(multiplicities), np.nan)
    np.divide((weights * ranks).sum(axis=0), total, out=means, where=total > 0)
    return means


def equal_error_rate_interval(
    scores: npt.ArrayLike,
    first_singers: Labels,
    second_singers: Labels,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Computes the bootstrap interval over singers of the equal error rate.

    Args:
        scores: (trials,) score of each trial, higher is more similar.
        first_singers: (trials,) singer of the first file of each trial.
        second_singers: (trials,) singer of the second file; a trial is positive where both are equal.
        resamples: number of resamples, at least 1.
        confidence: share of resamples inside the interval, in (0, 1).
        seed: addresses the draws.

    Returns:
        Interval within [0, 1].

    Raises:
        TypeError: if scores are not real numbers.
        ValueError: if shapes disagree, a score is not finite, positives or negatives are missing.

    Example:
        >>> scores, first, second = [0.9, 0.8, 0.3, 0.4], ["a", "b", "a", "a"], ["a", "b", "b", "b"]
        >>> equal_error_rate_interval(scores, first, second)
        Interval(low=0.0, high=0.0)
    """
    op = "equal_error_rate_interval"
    values = float_array(op, "scores", scores, ("trials",))
    first, second = list(first_singers), list(second_singers)
    for name, labels in (("first_singers", first), ("second_singers", second)):
        if len(labels) != len(values):
            raise ValueError(
                f"{op}: {name} must hold one label for each of {len(values)} trials, got {len(labels)}"
            )
    codes, names = label_codes(op, "first_singers and second_singers", [*first, *second])
    first_codes, second_codes = codes[: len(values)], codes[len(values) :]
    same = first_codes == second_codes
    if same.all() or not same.any():
        raise ValueError(
            f"{op}: scores must hold positive and negative trials, "
            f"got {int(same.sum())} positive of {len(same)}"
        )
    return bootstrap_interval(
        lambda m: _resampled_equal_error_rates(values, first_codes, second_codes, same, m),
        len(names),
        resamples,
        confidence,
        seed,
    )


def mean_normalized_rank_interval(
    embeddings: npt.ArrayLike,
    singers: Labels,
    positive_pairs: npt.ArrayLike | None = None,
    *,
    max_trials: int = 1000,
    max_others: int = 512,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Computes the bootstrap interval over singers of the mean normalised rank.

    In a resample both the trials and the files they are ranked against count as often as their singers were
    drawn. The files drawn for each trial are those of ``mean_normalized_rank`` with the same seed.

    Args:
        embeddings: (files, dim) one embedding a file.
        singers: (files,) singer of each file.
        positive_pairs: (pairs, 2) integer indices of two files of one singer; None: all such pairs.
        max_trials: most trials, at least 1.
        max_others: most files of other singers for each trial, at least 1.
        resamples: number of resamples, at least 1.
        confidence: share of resamples inside the interval, in (0, 1).
        seed: addresses the draws.

    Returns:
        Interval within [0, 1].

    Raises:
        TypeError: if embeddings are not real numbers or pairs not integers.
        ValueError: as ``mean_normalized_rank`` and ``bootstrap_interval``.

    Example:
        >>> embeddings = [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]]
        >>> mean_normalized_rank_interval(embeddings, ["ann", "ann", "bo", "bo"])
        Interval(low=0.0, high=0.0)
    """
    counts = rank_counts(
        "mean_normalized_rank_interval",
        embeddings,
        singers,
        positive_pairs,
        max_trials=max_trials,
        max_others=max_others,
        seed=seed,
    )
    return bootstrap_interval(
        lambda m: _resampled_mean_ranks(counts, m), counts.others.shape[1], resamples, confidence, seed
    )
