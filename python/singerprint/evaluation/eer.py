"""equal_error_rate: the error rate of a verifier where both kinds of error are equally frequent.

    FPR(t) = share of negative_scores >= t        (impostors let in)
    FNR(t) = share of positive_scores <  t        (the right singer turned away)
    EER    = FPR = FNR on the ROC joined by straight lines

The ROC has a corner at every distinct score; FPR - FNR rises along it from -1 to 1, so its zero lies on one
segment, found by sorting: O(n log n), exact. This is the protocol of Torres et al., "Singer Identity
Representation Learning using Self-Supervised Techniques", ISMIR 2023 (root of 1 - x - ROC(x)).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from singerprint.evaluation.arrays import BoolArray, FloatArray, float_array


class EqualErrorRate(NamedTuple):
    """The equal error rate and where it is reached.

    Attributes:
        rate: equal error rate in [0, 1].
        threshold: score at which to accept (``score >= threshold``) so that both error rates are nearest to
            each other; in the middle of the gap between two scores where they are exactly equal.

    Example:
        >>> EqualErrorRate(rate=0.0, threshold=0.5).threshold
        0.5
    """

    rate: float
    threshold: float


class RocCorners(NamedTuple):
    """Where the corners of a ROC lie in a list of scores.

    Attributes:
        order: (trials,) indices that sort the scores downwards.
        ends: (corners,) position in that order of the last of each run of equal scores.
        thresholds: (corners,) the distinct scores, downwards.

    Example:
        >>> roc_corners(np.array([0.1, 0.9, 0.1])).thresholds
        array([0.9, 0.1])
    """

    order: npt.NDArray[np.intp]
    ends: npt.NDArray[np.intp]
    thresholds: FloatArray


def roc_corners(scores: FloatArray) -> RocCorners:
    """Sorts scores downwards and groups the equal ones: a threshold cannot separate ties.

    Args:
        scores: (trials,) finite, at least one.

    Returns:
        The corners of the ROC, without its start at (0, 0).

    Example:
        >>> roc_corners(np.array([0.1, 0.9, 0.1])).ends
        array([0, 2])
    """
    order = np.argsort(-scores, kind="stable")
    descending = scores[order]
    ends = np.append(np.flatnonzero(np.diff(descending)), len(scores) - 1)
    return RocCorners(order, ends, descending[ends])


def _surpluses(accepted_positives: FloatArray, accepted_negatives: FloatArray) -> FloatArray:
    """(FPR - FNR) * positives * negatives at each corner: whole for whole counts, so its sign is exact."""
    positives, negatives = accepted_positives[..., -1:], accepted_negatives[..., -1:]
    return accepted_negatives * positives - (positives - accepted_positives) * negatives


def crossing_rates(accepted_positives: FloatArray, accepted_negatives: FloatArray) -> FloatArray:
    """Equal error rates of ROCs given as counts of accepted trials, one ROC a row.

    Args:
        accepted_positives: (..., corners) cumulative counts or weights of positives, the last above zero.
        accepted_negatives: (..., corners) the same of negatives.

    Returns:
        (...) equal error rates in [0, 1].

    Example:
        >>> crossing_rates(np.array([[1.0, 1.0]]), np.array([[0.0, 1.0]]))
        array([0.])
    """
    surplus = _surpluses(accepted_positives, accepted_negatives)
    after = np.argmax(surplus >= 0, axis=-1)[..., None]  # first corner with FPR >= FNR; the last is one
    before = np.maximum(after - 1, 0)
    at_start = after == 0  # the corner before the first is (0, 0), where nothing is accepted
    negatives = accepted_negatives[..., -1:]
    surplus_after = np.take_along_axis(surplus, after, -1)
    surplus_before = np.where(
        at_start, -accepted_positives[..., -1:] * negatives, np.take_along_axis(surplus, before, -1)
    )
    count_after = np.take_along_axis(accepted_negatives, after, -1)
    count_before = np.where(at_start, 0.0, np.take_along_axis(accepted_negatives, before, -1))
    way = surplus_before / (surplus_before - surplus_after)  # in (0, 1]: before < 0 <= after
    rates: FloatArray = ((count_before + way * (count_after - count_before)) / negatives)[..., 0]
    return rates


def _crossing_threshold(surplus: FloatArray, thresholds: FloatArray) -> float:
    after = int(np.argmax(surplus >= 0))
    if surplus[after] == 0:  # the same rates hold down to the next score; the last surplus is never zero
        middle = thresholds[after] / 2 + thresholds[after + 1] / 2
        return float(middle if middle > thresholds[after + 1] else thresholds[after])
    nearest = after if after == 0 or surplus[after] <= -surplus[after - 1] else after - 1
    return float(thresholds[nearest])


def _pooled(
    op: str, positive_scores: npt.ArrayLike, negative_scores: npt.ArrayLike
) -> tuple[FloatArray, BoolArray]:
    positive = float_array(op, "positive_scores", positive_scores, ("trials",))
    negative = float_array(op, "negative_scores", negative_scores, ("trials",))
    same = np.repeat([True, False], [len(positive), len(negative)])
    return np.concatenate([positive, negative]), same


def _equal_error_rate(
    op: str, positive_scores: npt.ArrayLike, negative_scores: npt.ArrayLike
) -> EqualErrorRate:
    scores, same = _pooled(op, positive_scores, negative_scores)
    corners = roc_corners(scores)
    accepted_positives = np.cumsum(same[corners.order], dtype=np.float64)[corners.ends]
    accepted_negatives = np.cumsum(~same[corners.order], dtype=np.float64)[corners.ends]
    surplus = _surpluses(accepted_positives, accepted_negatives)
    return EqualErrorRate(
        float(crossing_rates(accepted_positives, accepted_negatives)),
        _crossing_threshold(surplus, corners.thresholds),
    )


def equal_error_rate(positive_scores: npt.ArrayLike, negative_scores: npt.ArrayLike) -> float:
    """Computes the equal error rate: where false acceptance and false rejection are equally frequent.

    ``FPR(t) = mean(negative_scores >= t)``, ``FNR(t) = mean(positive_scores < t)``; the result is their
    common value on the ROC joined by straight lines. 0 is perfect, 0.5 is chance, above that the scores are
    inverted.

    Args:
        positive_scores: (trials,) scores of pairs by one singer, higher is more similar; list, array, tensor.
        negative_scores: (trials,) scores of pairs by two singers, another number of trials.

    Returns:
        Equal error rate in [0, 1].

    Raises:
        TypeError: if scores are not real numbers.
        ValueError: if scores are empty, not one-dimensional, NaN or infinite.

    Example:
        >>> equal_error_rate([0.9, 0.8, 0.3], [0.4, 0.2, 0.1])
        0.3333333333333333

    References:
        Torres, Lattner, Richard, "Singer Identity Representation Learning using Self-Supervised Techniques",
        ISMIR 2023: the root of 1 - x - ROC(x) on the interpolated ROC.
    """
    return _equal_error_rate("equal_error_rate", positive_scores, negative_scores).rate


def equal_error_rate_threshold(
    positive_scores: npt.ArrayLike, negative_scores: npt.ArrayLike
) -> EqualErrorRate:
    """Computes the equal error rate together with the threshold that reaches it.

    Args:
        positive_scores: (trials,) scores of pairs by one singer, higher is more similar.
        negative_scores: (trials,) scores of pairs by two singers.

    Returns:
        The rate in [0, 1] and the threshold, in the unit of the scores; accept where ``score >= threshold``.

    Raises:
        TypeError: if scores are not real numbers.
        ValueError: if scores are empty, not one-dimensional, NaN or infinite.

    Example:
        >>> equal_error_rate_threshold([0.9, 0.8], [0.4, 0.2])
        EqualErrorRate(rate=0.0, threshold=0.6000000000000001)
    """
    return _equal_error_rate("equal_error_rate_threshold", positive_scores, negative_scores)
