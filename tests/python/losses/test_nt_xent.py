import itertools
import math

import pytest
import torch
from lightly.loss import NTXentLoss
from tests.python.losses.exactness import assert_equals_the_formula, assert_float32_is_as_exact_as_its_input
from tests.python.losses.gradients import loss_and_gradients, views

from singerprint.losses import NTXent, nt_xent

DOUBLE_EPSILON = torch.finfo(torch.float64).eps
FLOAT_EPSILON = torch.finfo(torch.float32).eps


def reference(first, second, temperature):
    """Chen et al. 2020, equation 1 (https://arxiv.org/abs/2002.05709): a masked log-softmax."""
    batch = len(first)
    z = torch.nn.functional.normalize(torch.cat([first, second]))
    logits = (z @ z.T / temperature).fill_diagonal_(-torch.inf)
    anchors = torch.arange(2 * batch, device=z.device)
    return -torch.log_softmax(logits, dim=1)[anchors, anchors.roll(batch)].mean()


@pytest.mark.parametrize("noise", [None, 0.3])
@pytest.mark.parametrize("temperature", [0.005, 0.07, 0.2, 1.0, 10.0])
@pytest.mark.parametrize("shape", [*itertools.product([1, 2, 3, 17, 140, 513], [1, 2, 64, 128, 1000])])
def test_equals_the_formula(shape, temperature, noise, device, generator):
    pair = [view.to(device) for view in views(*shape, generator, noise)]
    assert_equals_the_formula(nt_xent, reference, pair, temperature)


@pytest.mark.parametrize("temperature", [0.005, 0.07, 0.2, 1.0, 10.0])
@pytest.mark.parametrize(("batch", "dim"), [(2, 2), (3, 128), (17, 64), (140, 128), (140, 1000), (513, 64)])
def test_float32_is_as_exact_as_its_input(batch, dim, temperature, device, generator):
    pair = [view.to(device) for view in views(batch, dim, generator, dtype=torch.float32)]
    assert_float32_is_as_exact_as_its_input(nt_xent, pair, temperature)


def test_a_small_loss_keeps_its_digits_in_float32(device, generator):
    first, second = (view.to(device) for view in views(32, 128, generator, 0.3, dtype=torch.float32))
    loss, _ = loss_and_gradients(nt_xent, first, second, 0.02)
    exact, _ = loss_and_gradients(nt_xent, first.double(), second.double(), 0.02)
    assert exact < 1e-12  # log_softmax in float32 gives 0 or 1e-7 here
    assert (
        abs(loss.double() - exact) <= 4 * FLOAT_EPSILON / 0.02 * exact
    )  # a cosine's error over the temperature


def test_equals_lightly(generator):
    first, second = views(33, 48, generator)
    for temperature in (0.1, 0.5):
        loss, gradients = loss_and_gradients(nt_xent, first, second, temperature)
        theirs = NTXentLoss(temperature=temperature)
        expected = loss_and_gradients(lambda a, b, _, theirs=theirs: theirs(a, b), first, second, temperature)
        assert abs(loss - expected[0]) <= 1e-10 * expected[0]
        assert (gradients - expected[1]).norm() <= 1e-10 * expected[1].norm()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("temperature", [0.005, 0.2, 10.0])
def test_collapsed_embeddings_cost_the_log_of_the_others(temperature, dtype, device, generator):
    row = torch.randn(1, 128, generator=generator, dtype=dtype).to(device)
    loss, gradients = loss_and_gradients(nt_xent, row.expand(70, -1), row.expand(70, -1) * 3, temperature)
    # All cosines are 1 but for the rounding of a sum of 128 products; the mean over 140 anchors is rounded.
    rounding = 8 * torch.finfo(dtype).eps
    assert abs(loss.item() - math.log(139)) <= rounding / temperature + rounding * math.log(139)
    assert gradients.abs().max() <= 8 * torch.finfo(dtype).eps / temperature**2


@pytest.mark.parametrize("temperature", [0.005, 0.2, 10.0])
def test_antipodal_views_are_finite_and_exact(temperature, device, generator):
    first = torch.randn(5, 16, generator=generator).to(device)
    loss, gradients = loss_and_gradients(nt_xent, first, -first, temperature)
    expected = reference(first.double(), -first.double(), temperature)
    assert torch.isfinite(gradients).all()
    assert abs(loss.double() - expected) <= 1e-6 * expected


def test_zero_rows_are_orthogonal_to_all_and_finite(device):
    first = torch.zeros(3, 4, device=device)
    second = torch.eye(3, 4, device=device)
    loss, gradients = loss_and_gradients(nt_xent, first, second, 0.5)
    # All cosines are 0: log(5) for every anchor.
    assert loss.item() == pytest.approx(math.log(5), rel=1e-6)
    assert torch.isfinite(gradients).all()


def test_one_pair_has_no_negatives_and_costs_nothing(device):
    loss, gradients = loss_and_gradients(
        nt_xent, torch.ones(1, 3, device=device), -torch.ones(1, 3, device=device), 0.1
    )
    assert loss == 0
    assert torch.equal(gradients, torch.zeros(2, 3, device=device))


def test_the_gradient_is_orthogonal_to_its_row(device, generator):
    first, second = (view.to(device) for view in views(19, 20, generator))
    _, gradients = loss_and_gradients(nt_xent, first, second, 0.1)
    rows = torch.cat([first, second])
    # A few roundings of a product of two norms: the loss does not see a row's length.
    assert ((rows * gradients).sum(1).abs() <= 1e-14 * rows.norm(dim=1) * gradients.norm(dim=1)).all()


def test_the_gradient_of_one_view_alone(device, generator):
    first, second = (view.to(device) for view in views(3, 4, generator))
    _, both = loss_and_gradients(nt_xent, first, second, 0.2)
    first.requires_grad_()
    nt_xent(first, second, 0.2).backward()
    assert torch.equal(first.grad, both[:3])


def test_the_module_is_the_function(generator):
    pair = views(4, 8, generator)
    assert torch.equal(NTXent()(*pair), nt_xent(*pair, 0.2))
    assert repr(NTXent(temperature=0.5)) == "NTXent(temperature=0.5)"
