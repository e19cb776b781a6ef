import math

import pytest
import torch
from tests.python.losses.exactness import assert_equals_the_formula, assert_float32_is_as_exact_as_its_input
from tests.python.losses.gradients import loss_and_gradients, views

from singerprint.losses import CrossDecoupled, cross_decoupled, decoupled

DOUBLE_EPSILON = torch.finfo(torch.float64).eps
MOST_RELEASED = 250  # negatives of the released code in larger batches


def released(first, second, temperature):
    """The loss of Torres et al.'s ssl-singer-identity: negatives by rolling the second view."""
    first, second = (torch.nn.functional.normalize(view) for view in (first, second))
    positives = (first * second).sum(dim=1) / temperature
    rolled = range(1, 1 + min(len(first) - 1, MOST_RELEASED))
    negatives = torch.stack([(first * second.roll(n, 0)).sum(dim=1) for n in rolled]) / temperature
    return (negatives.logsumexp(dim=0) - positives).mean()


def reference(first, second, temperature):
    """The same with all others as negatives."""
    a, b = (torch.nn.functional.normalize(view) for view in (first, second))
    logits = a @ b.T / temperature
    others = torch.eye(len(a), dtype=torch.bool, device=a.device)
    return (logits.masked_fill(others, -torch.inf).logsumexp(dim=1) - logits.diagonal()).mean()


@pytest.mark.parametrize("batch", [2, 3, 33, 140, 251])
def test_equals_the_released_loss(batch, device, generator):
    pair = [view.to(device) for view in views(batch, 48, generator)]
    loss, gradients = loss_and_gradients(cross_decoupled, *pair, 0.2)
    expected, expected_gradients = loss_and_gradients(released, *pair, 0.2)
    assert abs(loss - expected) <= 1e-10 * abs(expected)
    assert (gradients - expected_gradients).norm() <= 1e-10 * expected_gradients.norm()


def test_above_251_rows_the_released_loss_has_fewer_negatives(device, generator):
    pair = [view.to(device) for view in views(300, 8, generator)]
    assert cross_decoupled(*pair, 0.2) > released(*pair, 0.2)


@pytest.mark.parametrize("noise", [None, 0.3])
@pytest.mark.parametrize("temperature", [0.005, 0.2, 10.0])
@pytest.mark.parametrize("dim", [1, 3, 128, 1000])
@pytest.mark.parametrize("batch", [2, 3, 17, 65, 257, 513])
def test_equals_the_formula(batch, dim, temperature, noise, device, generator):
    pair = [view.to(device) for view in views(batch, dim, generator, noise)]
    assert_equals_the_formula(cross_decoupled, reference, pair, temperature)


@pytest.mark.parametrize("temperature", [0.005, 0.07, 0.2, 1.0, 10.0])
@pytest.mark.parametrize(("batch", "dim"), [(2, 3), (3, 128), (17, 1000), (65, 3), (257, 128), (513, 65)])
def test_float32_is_as_exact_as_its_input(batch, dim, temperature, device, generator):
    pair = [view.to(device) for view in views(batch, dim, generator, dtype=torch.float32)]
    # The loss is a difference of two means, either of which has six digits; it may be 0 itself.
    of_negatives = torch.ops.singerprint.cross_decoupled(*pair, temperature)[1].abs().mean()
    assert_float32_is_as_exact_as_its_input(cross_decoupled, pair, temperature, of_negatives)


def test_rows_of_the_anchors_view_are_no_negatives(device):
    # All anchors are alike, and no row of the other view is nearer to one of them than any.
    first = torch.ones(6, 6, dtype=torch.float64, device=device)
    second = torch.eye(6, dtype=torch.float64, device=device)
    assert cross_decoupled(first, second, 0.2).item() == pytest.approx(math.log(5), rel=1e-14)
    assert decoupled(first, second, 0.2) > math.log(10)  # twice the negatives, those of its own view nearer


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("temperature", [0.005, 0.2, 10.0])
def test_collapsed_embeddings_cost_the_log_of_the_negatives(temperature, dtype, device, generator):
    row = torch.randn(1, 128, generator=generator, dtype=dtype).to(device)
    loss, gradients = loss_and_gradients(
        cross_decoupled, row.expand(70, -1), row.expand(70, -1) * 3, temperature
    )
    # All cosines are 1 but for the rounding of a sum of 128 products; the mean over 70 anchors is rounded.
    rounding = 8 * torch.finfo(dtype).eps
    assert abs(loss.item() - math.log(69)) <= rounding / temperature + rounding * math.log(69)
    assert gradients.abs().max() <= rounding / temperature**2


@pytest.mark.parametrize("temperature", [0.005, 0.2, 10.0])
def test_antipodal_views_are_finite_and_exact(temperature, device, generator):
    first = torch.randn(5, 16, generator=generator).to(device)
    loss, gradients = loss_and_gradients(cross_decoupled, first, -first, temperature)
    expected = reference(first.double(), -first.double(), temperature)
    assert torch.isfinite(gradients).all()
    assert abs(loss.double() - expected) <= 1e-6 * expected


def test_zero_rows_are_orthogonal_to_all_and_finite(device):
    loss, gradients = loss_and_gradients(
        cross_decoupled, torch.zeros(3, 4, device=device), torch.eye(3, 4, device=device), 0.5
    )
    # All cosines are 0: log(2) for every anchor.
    assert loss.item() == pytest.approx(math.log(2), rel=1e-6)
    assert torch.isfinite(gradients).all()


def test_the_module_is_the_function(generator):
    pair = views(4, 8, generator)
    assert torch.equal(CrossDecoupled()(*pair), cross_decoupled(*pair, 0.2))
    assert repr(CrossDecoupled(temperature=0.5)) == "CrossDecoupled(temperature=0.5)"
