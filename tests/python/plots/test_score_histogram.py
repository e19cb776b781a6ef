"""score_histogram: shares of both kinds of pairs, and the threshold."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from singerprint.plots import score_histogram


def made_up():
    generator = np.random.default_rng(0)
    return generator.normal(0.7, 0.1, 200), generator.normal(0.4, 0.1, 3000)


def drawn_shares(figure):
    """Heights of the two filled histograms: negatives, then positives."""
    return [patch.get_data().values for patch in figure.axes[0].patches if patch.get_fill()]


def test_each_kind_of_pairs_adds_up_to_one():
    for shares in drawn_shares(score_histogram(*made_up())):
        assert shares.sum() == pytest.approx(1.0, abs=1e-12)  # sums of at most 60 shares


def test_bars_hold_the_share_of_scores_between_their_edges():
    positive, negative = made_up()
    figure = score_histogram(positive, negative)
    edges = figure.axes[0].patches[0].get_data().edges
    for shares, scores in zip(drawn_shares(figure), (negative, positive), strict=True):
        expected = [np.mean((scores >= low) & (scores < high)) for low, high in pairwise(edges)]
        np.testing.assert_allclose(shares, expected, atol=1e-12)  # no score lies on an edge


def test_the_threshold_is_a_line_with_its_error_rate():
    figure = score_histogram(*made_up(), threshold=0.55, rate=0.0667)
    assert [tuple(line.get_xdata()) for line in figure.axes[0].lines] == [(0.55, 0.55)]
    assert "equal error rate 6.7%\nat 0.55" in [text.get_text() for text in figure.axes[0].texts]


def test_both_kinds_are_named_with_their_counts():
    texts = [text.get_text() for text in score_histogram(*made_up()).axes[0].texts]
    assert texts == ["two singers (3,000 pairs)", "one singer (200 pairs)"]


def test_equal_scores_tensors_and_single_pairs_are_drawn(tmp_path):
    score_histogram(torch.ones(3, requires_grad=True), [1.0], threshold=1.0, rate=0.5).savefig(
        tmp_path / "a.png"
    )
    assert (tmp_path / "a.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (
            ([], [0.1]),
            "score_histogram: positive_scores must have shape (trials,) with at least one trial, got (0,)",
        ),
        (
            ([0.1], [[0.1]]),
            "score_histogram: negative_scores must have shape (trials,) with at least one trial, got (1, 1)",
        ),
        (([0.1], [np.nan]), "score_histogram: negative_scores must be finite, got nan"),
    ],
)
def test_bad_scores_are_named(scores, message):
    with pytest.raises(ValueError) as raised:
        score_histogram(*scores)
    assert str(raised.value) == message
