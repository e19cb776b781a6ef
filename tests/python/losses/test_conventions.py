"""What others publish under the same names, and the factor between: the table of `singerprint.losses`."""

import pytest
import torch
from torch.nn.functional import cosine_similarity, normalize

from singerprint.losses import (
    byol,
    cross_decoupled,
    decoupled,
    invariance,
    nt_xent,
    supervised_nt_xent,
    variance,
    vicreg,
)

TEMPERATURE = 0.1


@pytest.fixture(params=[2, 17, 140])
def views(request, generator):
    first, noise = torch.randn(2, request.param, 48, generator=generator, dtype=torch.float64)
    return first, first + 0.7 * noise


def assert_is(actual, expected):
    # Both are sums of some 10^4 doubles of size 1: 1e-12 is a hundred times what these round.
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)


def google_simclr(first, second):
    """github.com/google-research/simclr, objective.py: each view's mean, added."""
    a, b = normalize(first), normalize(second)
    itself = 1e9 * torch.eye(len(a), dtype=a.dtype)
    total = 0.0
    for one, other in ((a, b), (b, a)):
        logits = torch.cat([one @ other.T, one @ one.T - TEMPERATURE * itself], dim=1) / TEMPERATURE
        total = total + torch.nn.functional.cross_entropy(logits, torch.arange(len(a)))
    return total


def test_nt_xent_is_half_of_the_authors(views):
    assert_is(2 * nt_xent(*views, TEMPERATURE), google_simclr(*views))


def solo_learn_simclr(first, second):
    """github.com/vturrisi/solo-learn, losses/simclr.py: all exponentials at once, masks of indices."""
    z = normalize(torch.cat([first, second]))
    similarity = torch.exp(z @ z.T / TEMPERATURE)
    index = torch.arange(len(first)).repeat(2)
    same = index[:, None] == index
    positive = (similarity * (same & ~torch.eye(len(z), dtype=torch.bool))).sum(dim=1)
    return -(positive / (positive + (similarity * ~same).sum(dim=1))).log().mean()


def test_nt_xent_is_solo_learns(views):
    assert_is(nt_xent(*views, TEMPERATURE), solo_learn_simclr(*views))


def raminnakhli_dcl(first, second):
    """github.com/raminnakhli/Decoupled-Contrastive-Learning, loss/dcl.py, with its mask exact."""
    a, b = normalize(first), normalize(second)
    masked = torch.eye(len(a), dtype=torch.bool)
    total = 0.0
    for one, other in ((a, b), (b, a)):
        within, across = one @ one.T / TEMPERATURE, one @ other.T / TEMPERATURE
        negatives = torch.cat(
            [within.masked_fill(masked, -torch.inf), across.masked_fill(masked, -torch.inf)], 1
        )
        total = total + (negatives.logsumexp(dim=1) - across.diagonal()).mean()
    return total


def test_decoupled_is_half_of_raminnakhlis(views):
    assert_is(2 * decoupled(*views, TEMPERATURE), raminnakhli_dcl(*views))


def test_cross_decoupled_takes_its_negatives_from_the_other_view_alone(views):
    first, second = views
    logits = normalize(first) @ normalize(second).T / TEMPERATURE
    apart = logits.masked_fill(torch.eye(len(first), dtype=torch.bool), -torch.inf)
    expected = (apart.logsumexp(dim=1) - logits.diagonal()).mean() + (
        apart.logsumexp(dim=0) - logits.diagonal()
    ).mean()
    both = cross_decoupled(first, second, TEMPERATURE) + cross_decoupled(second, first, TEMPERATURE)
    assert_is(both, expected)


def metric_learning_nt_xent(embeddings, labels):
    """github.com/KevinMusgrave/pytorch-metric-learning, ntxent_loss.py: a mean over positive pairs."""
    z = normalize(embeddings)
    logits = z @ z.T / TEMPERATURE
    same = labels[:, None] == labels
    negatives = logits.masked_fill(same, -torch.inf).logsumexp(dim=1)
    anchors, positives = (same & ~torch.eye(len(z), dtype=torch.bool)).nonzero().unbind(1)
    of_pairs = torch.logaddexp(logits[anchors, positives], negatives[anchors]) - logits[anchors, positives]
    return of_pairs.mean()


def test_supervised_nt_xent_is_pytorch_metric_learnings_where_singers_have_equally_many_rows(generator):
    embeddings = torch.randn(30, 48, generator=generator, dtype=torch.float64)
    labels = torch.arange(30) % 6
    assert_is(
        supervised_nt_xent(embeddings, labels, TEMPERATURE), metric_learning_nt_xent(embeddings, labels)
    )


def solo_learn_vicreg(first, second):
    """github.com/vturrisi/solo-learn, losses/vicreg.py: the hinges of both views are added, not averaged."""
    loss = 25 * torch.nn.functional.mse_loss(first, second)
    for view in (first, second):
        loss = loss + 25 * torch.relu(1 - (view.var(dim=0) + 1e-4).sqrt()).mean()
        centred = view - view.mean(dim=0)
        covariance = centred.T @ centred / (len(view) - 1)
        loss = loss + (covariance.square().sum() - covariance.diagonal().square().sum()) / view.shape[1]
    return loss


def test_vicreg_with_twice_the_variance_weight_is_solo_learns(views):
    assert_is(vicreg(*views, variance_weight=50.0), solo_learn_vicreg(*views))


def test_vicreg_of_the_release_for_singers(views):
    """github.com/SonyCSLParis/ssl-singer-identity, losses.py, with the weights of vicreg.yaml."""
    first, second = (normalize(view) for view in views)
    expected = 25 * torch.nn.functional.mse_loss(first, second)
    for view in (first, second):
        expected = expected + 12.5 * torch.relu(48**-0.5 - (view.var(dim=0) + 1e-8).sqrt()).mean()
    options = {"variance_weight": 25.0, "covariance_weight": 0.0, "gamma": 48**-0.5, "eps": 1e-8}
    assert_is(vicreg(first, second, **options), expected)
    hinges = (variance(first, 48**-0.5, 1e-8) + variance(second, 48**-0.5, 1e-8)) / 2
    assert_is(25 * invariance(first, second) + 25 * hinges, expected)


def lucidrains_byol(first, second, first_target, second_target):
    """github.com/lucidrains/byol-pytorch, loss_fn: both directions are added."""

    def of(prediction, target):
        return 2 - 2 * (normalize(prediction) * normalize(target)).sum(dim=-1)

    return (of(first, second_target) + of(second, first_target)).mean()


def test_byol_of_both_directions_is_lucidrains(views, generator):
    targets = torch.randn(2, *views[0].shape, generator=generator, dtype=torch.float64).unbind()
    both = byol(views[0], targets[1]) + byol(views[1], targets[0])
    assert_is(both, lucidrains_byol(*views, *targets))


def test_byol_is_two_more_than_twice_lightlys(views):
    """github.com/lightly-ai/lightly, loss/negative_cosine_similarity.py: minus the mean cosine."""
    assert_is(byol(*views), 2 + 2 * -cosine_similarity(*views).mean())


def test_byol_is_the_dimension_times_the_mean_squared_error_of_the_release_for_singers(views):
    """github.com/SonyCSLParis/ssl-singer-identity, trainer_byol.py: nn.MSELoss, a mean over elements."""
    assert_is(byol(*views), 48 * torch.nn.functional.mse_loss(normalize(views[0]), normalize(views[1])))
