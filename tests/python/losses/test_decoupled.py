import math

import pytest
import torch
from lightly.loss import DCLLoss
from tests.python.losses.exactness import assert_equals_the_formula, assert_float32_is_as_exact_as_its_input
from tests.python.losses.gradients import loss_and_gradients, views

from singerprint.losses import Decoupled, decoupled, nt_xent

DOUBLE_EPSILON = torch.finfo(torch.float64).eps


def reference(first, second, temperature):
    """Yeh et al. 2022, equation 6 without weights (https://arxiv.org/abs/2110.06848)."""
    batch = len(first)
    z = torch.nn.functional.normalize(torch.cat([first, second]))
    logits = z @ z.T / temperature
    anchors = torch.arange(2 * batch, device=z.device)
    positives = logits[anchors, anchors.roll(batch)]
    itself_or_partner = (anchors[:, None] - anchors) % batch == 0
    return (logits.masked_fill(itself_or_partner, -torch.inf).logsumexp(dim=1) - positives).mean()


@pytest.mark.parametrize("noise", [None, 0.3])
@pytest.mark.parametrize("temperature", [0.005, 0.07, 0.2, 1.0, 10.0])
@pytest.mark.parametrize("dim", [1, 3, 128, 1000])
@pytest.mark.parametrize("batch", [2, 3, 17, 65, 257, 513])
def test_equals_the_formula(batch, dim, temperature, noise, device, generator):
    pair = [view.to(device) for view in views(batch, dim, generator, noise)]
    assert_equals_the_formula(decoupled, reference, pair, temperature)


@pytest.mark.parametrize("temperature", [0.005, 0.07, 0.2, 1.0, 10.0])
@pytest.mark.parametrize(("batch", "dim"), [(2, 3), (3, 128), (17, 1000), (65, 3), (257, 128), (513, 65)])
def test_float32_is_as_exact_as_its_input(batch, dim, temperature, device, generator):
    pair = [view.to(device) for view in views(batch, dim, generator, dtype=torch.float32)]
    # The loss is a difference of two means, either of which has six digits; it may be 0 itself.
    of_negatives = torch.ops.singerprint.decoupled(*pair, temperature)[1].abs().mean()
    assert_float32_is_as_exact_as_its_input(decoupled, pair, temperature, of_negatives)


@pytest.mark.parametrize("temperature", [0.07, 0.1, 0.5])
def test_equals_lightly(temperature, generator):
    first, second = views(33, 48, generator)
    loss, gradients = loss_and_gradients(decoupled, first, second, temperature)
    theirs = DCLLoss(temperature=temperature)  # the mean of both directions' means: the factor is 1
    expected = loss_and_gradients(lambda a, b, _: theirs(a, b), first, second, temperature)
    assert abs(loss - expected[0]) <= 1e-10 * abs(expected[0])
    assert (gradients - expected[1]).norm() <= 1e-10 * expected[1].norm()


def test_nt_xent_adds_the_positive_to_the_denominator(device):
    # Two pairs whose rows lie all at the same angles: every anchor has the same margin m, DCL is m and
    # NT-Xent log(1 + exp(m)).
    first = torch.eye(2, 5, dtype=torch.float64, device=device)
    second = first + 0.5 * torch.eye(5, dtype=torch.float64, device=device)[3:]
    margin = decoupled(first, second, 0.2)
    torch.testing.assert_close(nt_xent(first, second, 0.2), torch.log1p(torch.exp(margin)))


def test_a_pair_told_apart_well_pulls_as_strongly_as_ever(device, generator):
    first, second = (view.to(device) for view in views(32, 128, generator, 0.3))
    _, gradients = loss_and_gradients(decoupled, first, second, 0.02)
    _, of_nt_xent = loss_and_gradients(nt_xent, first, second, 0.02)
    # NT-Xent's gradient is that times exp(margin), here exp(-30) and less.
    assert gradients.norm() > 1e6 * of_nt_xent.norm()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("temperature", [0.005, 0.2, 10.0])
def test_collapsed_embeddings_cost_the_log_of_the_negatives(temperature, dtype, device, generator):
    row = torch.randn(1, 128, generator=generator, dtype=dtype).to(device)
    loss, gradients = loss_and_gradients(decoupled, row.expand(70, -1), row.expand(70, -1) * 3, temperature)
    # All cosines are 1 but for the rounding of a sum of 128 products; the mean over 140 anchors is rounded.
    rounding = 8 * torch.finfo(dtype).eps
    assert abs(loss.item() - math.log(138)) <= rounding / temperature + rounding * math.log(138)
    assert gradients.abs().max() <= rounding / temperature**2


@pytest.mark.parametrize("temperature", [0.005, 0.2, 10.0])
def test_antipodal_views_are_finite_and_exact(temperature, device, generator):
    first = torch.randn(5, 16, generator=generator).to(device)
    loss, gradients = loss_and_gradients(decoupled, first, -first, temperature)
    expected = reference(first.double(), -first.double(), temperature)
    assert torch.isfinite(gradients).all()
    assert abs(loss.double() - expected) <= 1e-6 * expected


def test_zero_rows_are_orthogonal_to_all_and_finite(device):
    first = torch.zeros(3, 4, device=device)
    second = torch.eye(3, 4, device=device)
    loss, gradients = loss_and_gradients(decoupled, first, second, 0.5)
    # All cosines are 0: log(4) for every anchor.
    assert loss.item() == pytest.approx(math.log(4), rel=1e-6)
    assert torch.isfinite(gradients).all()


def test_the_module_is_the_function(generator):
    pair = views(4, 8, generator)
    assert torch.equal(Decoupled()(*pair), decoupled(*pair, 0.1))
    assert repr(Decoupled(temperature=0.5)) == "Decoupled(temperature=0.5)"
