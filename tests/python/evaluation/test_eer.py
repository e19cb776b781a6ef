"""equal_error_rate against the paper's protocol, against exact fractions, and by its laws."""

import time
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_curve

from singerprint.evaluation import EqualErrorRate, equal_error_rate, equal_error_rate_threshold


def interpolated_roc_root(positive, negative):
    """The paper's protocol, as written by S3PRL: github.com/s3prl/s3prl, s3prl/metric/common.py (eer)."""
    labels = np.r_[np.ones(len(positive)), np.zeros(len(negative))]
    fpr, tpr, _ = roc_curve(labels, np.r_[positive, negative])
    return brentq(lambda x: 1.0 - x - interp1d(fpr, tpr)(x), 0.0, 1.0)


def rates_of_every_threshold(positive, negative):
    """Corners of the ROC in exact arithmetic, by trying every score as the threshold."""
    corners = [(Fraction(0), Fraction(1))]
    for threshold in sorted({*positive, *negative}, reverse=True):
        false_accepts = Fraction(sum(score >= threshold for score in negative), len(negative))
        false_rejects = Fraction(sum(score < threshold for score in positive), len(positive))
        corners.append((false_accepts, false_rejects))
    return corners


def exact_equal_error_rate(positive, negative):
    corners = rates_of_every_threshold(positive, negative)
    for (x0, y0), (x1, y1) in pairwise(corners):
        if x1 >= y1:
            return x0 + (x1 - x0) * (y0 - x0) / ((y0 - x0) + (x1 - y1))
    raise AssertionError("a ROC ends at (1, 0)")


def random_scores_with_ties(generator):
    sizes = generator.integers(1, 40, size=2)
    levels = generator.integers(2, 30)
    positive = generator.integers(0, levels, sizes[0]) + generator.integers(-3, 10)
    return positive.astype(float).tolist(), generator.integers(0, levels, sizes[1]).astype(float).tolist()


def test_equals_the_root_on_the_interpolated_roc_on_random_scores_with_ties():
    generator = np.random.default_rng(1)
    for _ in range(1000):
        positive, negative = random_scores_with_ties(generator)
        # brentq stops within xtol 2e-12 + rtol of the root
        assert abs(equal_error_rate(positive, negative) - interpolated_roc_root(positive, negative)) < 1e-11


def test_equals_exact_fractions_on_random_scores_with_ties():
    generator = np.random.default_rng(2)
    for _ in range(1000):
        positive, negative = random_scores_with_ties(generator)
        exact = float(exact_equal_error_rate(positive, negative))
        # four roundings of numbers up to 1
        assert abs(equal_error_rate(positive, negative) - exact) <= 4 * np.finfo(float).eps


@pytest.mark.parametrize(
    ("positive", "negative", "expected"),
    [
        ([2.0, 3.0], [0.0, 1.0], 0.0),
        ([0.0, 1.0], [2.0, 3.0], 1.0),
        ([1.0], [1.0], 0.5),
        ([1.0] * 7, [1.0] * 3, 0.5),
        ([1.0, 3.0], [0.0, 2.0], 0.5),
        ([0.9, 0.8, 0.3], [0.4, 0.2, 0.1], 1 / 3),
    ],
    ids=["separated", "inverted", "one tie", "all tied", "interleaved", "one of three"],
)
def test_small_cases_by_hand(positive, negative, expected):
    assert equal_error_rate(positive, negative) == expected


def test_a_rising_map_of_the_scores_changes_nothing():
    generator = np.random.default_rng(3)
    positive, negative = generator.normal(1.0, 1.0, 200), generator.normal(0.0, 1.0, 300)
    assert equal_error_rate(np.exp(positive), np.exp(negative)) == equal_error_rate(positive, negative)


def test_swapping_and_negating_the_scores_changes_nothing():
    generator = np.random.default_rng(4)
    for _ in range(100):
        positive, negative = map(np.array, random_scores_with_ties(generator))
        swapped = equal_error_rate(-negative, -positive)
        assert abs(swapped - equal_error_rate(positive, negative)) <= 4 * np.finfo(float).eps  # roundings


def test_repeating_every_score_changes_nothing():
    positive, negative = [0.9, 0.8, 0.3, 0.3], [0.4, 0.3, 0.1]
    repeated = equal_error_rate(np.repeat(positive, 5), np.repeat(negative, 5))
    assert abs(repeated - equal_error_rate(positive, negative)) <= 4 * np.finfo(float).eps  # roundings


def test_two_normal_distributions_give_the_normal_tail_of_half_their_distance():
    generator = np.random.default_rng(5)
    positive, negative = generator.normal(2.0, 1.0, 200_000), generator.normal(0.0, 1.0, 200_000)
    # standard error of a share of 0.159 in 200,000 is 0.0008; five of them
    assert abs(equal_error_rate(positive, negative) - 0.158655) < 0.004


def test_lists_arrays_and_tensors_agree():
    positive, negative = [0.75, 0.5, 0.25], [0.5, 0.125, 0.0]  # exact in every float type
    expected = equal_error_rate(positive, negative)
    for convert in (
        np.array,
        lambda scores: np.array(scores, dtype=np.float32)[::-1],
        lambda scores: torch.tensor(scores, requires_grad=True),
        lambda scores: torch.tensor(scores, dtype=torch.bfloat16),
        lambda scores: torch.tensor([scores, scores]).T[:, 0],
    ):
        assert equal_error_rate(convert(positive), convert(negative)) == expected


def test_half_a_million_scores_take_less_than_a_second():
    generator = np.random.default_rng(6)
    positive, negative = generator.normal(1.0, 1.0, 250_000), generator.normal(0.0, 1.0, 250_000)
    start = time.perf_counter()
    equal_error_rate(positive, negative)
    assert time.perf_counter() - start < 1.0  # about 0.05 s; a quadratic method would take hours


def test_no_threshold_brings_the_two_error_rates_nearer():
    generator = np.random.default_rng(7)
    for _ in range(300):
        positive, negative = map(np.array, random_scores_with_ties(generator))
        threshold = equal_error_rate_threshold(positive, negative).threshold
        distance = abs(np.mean(negative >= threshold) - np.mean(positive < threshold))
        corners = rates_of_every_threshold(positive.tolist(), negative.tolist())
        nearest = min(abs(false_accepts - false_rejects) for false_accepts, false_rejects in corners)
        assert abs(distance - nearest) < 1e-12  # two shares, rounded


def test_the_threshold_of_separated_scores_lies_in_the_middle_of_the_gap():
    assert equal_error_rate_threshold([3.0, 2.0], [1.0, 0.0]) == EqualErrorRate(rate=0.0, threshold=1.5)


def test_the_threshold_separates_neighbouring_floats():
    low = 1.0
    high = np.nextafter(low, 2.0)
    assert equal_error_rate_threshold([high], [low]) == EqualErrorRate(rate=0.0, threshold=high)


@pytest.mark.parametrize(
    ("positive", "negative", "error", "message"),
    [
        ([], [0.1], ValueError, "equal_error_rate: positive_scores must not be empty, got shape (0,)"),
        ([0.1], [], ValueError, "equal_error_rate: negative_scores must not be empty, got shape (0,)"),
        (
            [0.1, float("nan")],
            [0.1],
            ValueError,
            "equal_error_rate: positive_scores must be finite, got nan at index 1",
        ),
        (
            [0.1],
            [float("inf")],
            ValueError,
            "equal_error_rate: negative_scores must be finite, got inf at index 0",
        ),
        (
            [[0.1, 0.2]],
            [0.1],
            ValueError,
            "equal_error_rate: positive_scores must have shape (trials,), got (1, 2)",
        ),
        (0.1, [0.1], ValueError, "equal_error_rate: positive_scores must have shape (trials,), got ()"),
        (["a"], [0.1], TypeError, "equal_error_rate: positive_scores must hold real numbers, got dtype <U1"),
    ],
)
def test_bad_scores_are_named(positive, negative, error, message):
    with pytest.raises(error) as raised:
        equal_error_rate(positive, negative)
    assert str(raised.value) == message


def test_the_threshold_function_names_itself():
    with pytest.raises(ValueError) as raised:
        equal_error_rate_threshold([], [0.1])
    assert (
        str(raised.value) == "equal_error_rate_threshold: positive_scores must not be empty, got shape (0,)"
    )
