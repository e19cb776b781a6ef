"""The objectives on fixed projections against their authors' formulas, in float64."""

import math

import pytest
import torch
from torch import nn

from singerprint.training import RECIPES
from singerprint.training.objectives.projected_views import ProjectedViews

TEMPERATURE = 0.2
SINGERS = torch.tensor([0, 1, 2, 1, 3])


@pytest.fixture
def views():
    """(2, batch, dim): rows of length 1."""
    rows = torch.randn(2, 5, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return nn.functional.normalize(rows, dim=2)


def loss_of(name, views, singers=SINGERS):
    objective = ProjectedViews(nn.Identity(), RECIPES[name].weights, TEMPERATURE)
    return objective(nn.Identity(), *views, singers)


def expect(loss, expected):
    # Float64 sums of a few hundred terms of order 1.
    torch.testing.assert_close(loss.total, expected, rtol=1e-12, atol=1e-13)


def contrastive_reference(first, second):
    """ssl-singer-identity, losses.py, contrastive_loss, decoupled: negatives are the second view's others."""
    similarity = first @ second.T / TEMPERATURE
    losses = []
    for anchor in range(len(first)):
        others = [j for j in range(len(second)) if j != anchor]
        losses.append(torch.logsumexp(similarity[anchor, others], 0) - similarity[anchor, anchor])
    return sum(losses) / len(losses)


def variance_reference(view):
    """ssl-singer-identity, losses.py, std_batch: eps 1e-8, gamma 1 / sqrt(dim) by trainer.py, line 46."""
    return torch.relu(view.shape[1] ** -0.5 - torch.sqrt(view.var(dim=0) + 1e-8)).mean()


def covariance_reference(view):
    """ssl-singer-identity, losses.py, covariance_reg."""
    squares = torch.cov(view.T).square()
    return (squares.sum() - squares.diagonal().sum()) / view.shape[1]


def regularisers(first, second):
    variance = (variance_reference(first) + variance_reference(second)) / 2
    return 25 * variance + 100 * (covariance_reference(first) + covariance_reference(second))


def test_contrastive_goes_one_way_and_leaves_the_positive_out(views):
    expect(loss_of("contrastive", views), contrastive_reference(*views))


def test_contrastive_vc_adds_25_variances_and_100_covariances(views):
    expect(loss_of("contrastive_vc", views), contrastive_reference(*views) + regularisers(*views))


def test_vicreg_is_25_25_100_with_the_target_of_rows_of_length_1(views):
    expect(loss_of("vicreg", views), 25 * nn.functional.mse_loss(*views) + regularisers(*views))


def test_uniformity_alignment_weighs_both_alike(views):
    # github.com/SsnL/align_uniform
    alignment = (views[0] - views[1]).norm(dim=1).pow(2).mean()
    uniformity = sum(torch.pdist(view).pow(2).mul(-2).exp().mean().log() for view in views) / 2
    expect(loss_of("uniformity_alignment", views), alignment + uniformity)


def test_simclr_is_the_cross_entropy_over_both_views(views):
    rows = torch.cat(list(views))
    similarity = (rows @ rows.T / TEMPERATURE).fill_diagonal_(-math.inf)
    expect(loss_of("simclr", views), nn.functional.cross_entropy(similarity, torch.arange(10).roll(5)))


def test_singer_contrastive_of_different_singers_is_simclr(views):
    expect(loss_of("singer_contrastive", views, torch.arange(5)), loss_of("simclr", views).total)


def test_singer_contrastive_knows_no_negatives_of_the_same_singer(views):
    """Against every positive stand the rows of other singers alone: pairs 1 and 3 are one singer's."""
    rows, singers = torch.cat(list(views)), torch.cat([SINGERS, SINGERS])
    similarity = rows @ rows.T / TEMPERATURE
    means = []
    for anchor in range(10):
        others = similarity[anchor, singers != singers[anchor]]
        positives = [j for j in range(10) if j != anchor and singers[j] == singers[anchor]]
        losses = [
            torch.logsumexp(torch.cat([similarity[anchor, [j]], others]), 0) - similarity[anchor, j]
            for j in positives
        ]
        means.append(sum(losses) / len(losses))
    expect(loss_of("singer_contrastive", views), sum(means) / 10)


def test_weights_multiply_their_terms(views):
    weights = {"variance": 2.0, "invariance": 0.0, "covariance": 3.0}
    loss = ProjectedViews(nn.Identity(), weights, TEMPERATURE)(nn.Identity(), *views, SINGERS)
    expect(loss, 2 * loss.terms["variance"] + 3 * loss.terms["covariance"])
    assert loss.terms["invariance"] > 0  # still measured
