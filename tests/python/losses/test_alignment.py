import math

import pytest
import torch
from tests.python.losses.gradients import loss_and_gradients, views
from tests.python.thread_counts import results_of_threads
from torch.library import opcheck

from singerprint.losses import Alignment, alignment, byol

DOUBLE_EPSILON = torch.finfo(torch.float64).eps


def reference(first, second, alpha):
    """`align_loss` of the authors (https://github.com/SsnL/align_uniform), with their normalisation."""
    u, v = (torch.nn.functional.normalize(view) for view in (first, second))
    return (u - v).norm(dim=1).pow(alpha).mean()


@pytest.mark.parametrize("noise", [None, 0.3])
@pytest.mark.parametrize("alpha", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("dim", [3, 128, 1000])
@pytest.mark.parametrize("batch", [1, 2, 3, 17, 65, 257, 513])
def test_equals_the_authors(batch, dim, alpha, noise, device, generator):
    pair = [view.to(device) for view in views(batch, dim, generator, noise)]
    loss, gradients = loss_and_gradients(alignment, *pair, alpha)
    expected, expected_gradients = loss_and_gradients(reference, *pair, alpha)
    assert abs(loss - expected) <= 1e-10 * expected
    assert (gradients - expected_gradients).norm() <= 1e-10 * expected_gradients.norm()


@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("batch", [1, 2, 17, 513])
def test_in_one_dimension_views_agree_or_oppose(batch, alpha, device, generator):
    first, second = (view.to(device) for view in views(batch, 1, generator))
    loss, gradients = loss_and_gradients(alignment, first, second, alpha)
    opposed = (first * second < 0).double().mean().item()
    assert loss.item() == pytest.approx(opposed * 2**alpha, rel=1e-14, abs=1e-15)
    # No direction is left: what stays is the rounding of 1 - 1, times a slope of at most
    # alpha * 2^(alpha - 1) or, for a distance of a few epsilon, of its inverse.
    shortest = torch.cat([first, second]).abs().min()
    assert gradients.abs().max() <= 8 / batch / shortest * (DOUBLE_EPSILON * 2**alpha if alpha >= 2 else 1)


@pytest.mark.parametrize("alpha", [1.0, 1.5, 2.0, 4.0])
@pytest.mark.parametrize(("batch", "dim"), [(2, 3), (17, 128), (257, 65), (513, 1000)])
def test_float32_is_as_exact_as_its_input(batch, dim, alpha, device, generator):
    for noise in (None, 0.3, 1e-3):
        pair = [view.to(device) for view in views(batch, dim, generator, noise, torch.float32)]
        loss, gradients = loss_and_gradients(alignment, *pair, alpha)
        exact, exact_gradients = loss_and_gradients(alignment, *(view.double() for view in pair), alpha)
        assert loss.dtype == gradients.dtype == torch.float32
        # All sums are double: one rounding of each result.
        assert abs(loss.double() - exact) <= 2**-24 * exact
        assert (gradients.double() - exact_gradients).norm() <= 2**-24 * exact_gradients.norm()


def test_views_that_nearly_agree_keep_their_digits(device, generator):
    first, second = views(9, 64, generator)
    step = 1e-6 * (second - first * (first * second).sum(1, True) / first.square().sum(1, True))
    # To first order the distance is the step, at a right angle to the row, over the row's length.
    expected = (step.norm(dim=1) / first.norm(dim=1)).mean()
    loss = alignment(first.to(device), (first + step).to(device), 1.0)
    # The next order is the angle squared, 1e-12, and elements of 1 / 8 are rounded to 1e-17, a share of 1e-11
    # of the step; in 2 - 2 cos, which is 1e-12 here, the rounding of 1 would be a share of 1e-4.
    assert abs(loss.cpu() - expected) <= 1e-10 * expected


@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
def test_the_loss_runs_from_0_to_2_to_the_power(alpha, device):
    rows = torch.tensor([[3.0, 4.0]], device=device)
    turned = torch.tensor([[-8.0, 6.0]], device=device)
    for second, expected in ((rows * 2, 0.0), (turned, 2 ** (alpha / 2)), (-rows, 2**alpha)):
        # A few roundings in double, then one in float32.
        assert alignment(rows, second, alpha).item() == pytest.approx(expected, rel=6e-8, abs=1e-15)


def test_alpha_2_is_byol(device, generator):
    pair = [view.to(device) for view in views(40, 30, generator)]
    loss, gradients = loss_and_gradients(alignment, *pair, 2.0)
    expected, expected_gradients = loss_and_gradients(lambda a, b, _: byol(a, b), *pair, 2.0)
    torch.testing.assert_close(loss, expected, rtol=1e-14, atol=0)  # |u - v|^2 and 2 - 2 cos: few roundings
    assert torch.equal(gradients, expected_gradients)


@pytest.mark.parametrize("alpha", [1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_equal_and_opposite_views_have_finite_gradients(sign, alpha, device, generator):
    first, _ = views(50, 128, generator, dtype=torch.float32)
    loss, gradients = loss_and_gradients(alignment, first.to(device), (sign * first).to(device), alpha)
    assert loss.item() == pytest.approx(0 if sign == 1 else 2**alpha, rel=6e-8, abs=0)
    # Neither has a direction to go: what stays is the rounding of 1 - 1 in double.
    assert gradients.abs().max() <= 1e-14


def test_zero_rows_are_orthogonal_and_have_finite_gradients(device):
    first, second = torch.zeros(2, 4, device=device), torch.eye(2, 4, device=device)
    for alpha in (1.0, 2.0, 3.0):
        for pair in ((first, second), (second, first), (first, first)):
            loss, gradients = loss_and_gradients(alignment, *pair, alpha)
            assert loss.item() == pytest.approx(2 ** (alpha / 2), rel=6e-8)  # one rounding to float32
            assert torch.isfinite(gradients).all()


def test_nan_stays_nan(device):
    first = torch.ones(3, 4, device=device)
    first[1, 1] = torch.nan
    assert alignment(first, torch.ones(3, 4, device=device)).isnan()


def test_the_lengths_of_rows_do_not_matter(device, generator):
    first, second = (view.to(device) for view in views(7, 20, generator))
    torch.testing.assert_close(
        alignment(first * 1e6, second * 1e-6), alignment(first, second), rtol=1e-14, atol=0
    )


def test_the_views_may_be_exchanged(device, generator):
    first, second = (view.to(device) for view in views(7, 20, generator))
    assert torch.equal(alignment(first, second), alignment(second, first))


def test_non_contiguous_input_gives_the_same(device, generator):
    first = torch.randn(20, 6, generator=generator).to(device).t()
    second = torch.randn(6, 40, generator=generator).to(device)[:, ::2]
    loss, gradients = loss_and_gradients(alignment, first, second, 2.0)
    expected, expected_gradients = loss_and_gradients(alignment, first.contiguous(), second.contiguous(), 2.0)
    assert torch.equal(loss, expected)
    assert torch.equal(gradients, expected_gradients)


def test_repeats_bit_for_bit_with_any_number_of_threads(generator):
    pair = views(700, 33, generator, dtype=torch.float32)
    results = results_of_threads(lambda: loss_and_gradients(alignment, *pair, 1.5), counts=(1, 1, 2, 3))
    for loss, gradients in results[1:]:
        assert torch.equal(loss, results[0][0])
        assert torch.equal(gradients, results[0][1])


NO_ROWS = "first must have shape (batch, dim) with at least one row and one column, got"
PAIR = (torch.ones(2, 5), torch.ones(2, 5))


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ((torch.ones(5), torch.ones(5)), ValueError, f"{NO_ROWS} [5]"),
        ((torch.ones(0, 5), torch.ones(0, 5)), ValueError, f"{NO_ROWS} [0, 5]"),
        (
            (torch.ones(2, 5), torch.ones(2, 4)),
            ValueError,
            "second must have the shape of first, [2, 5], got [2, 4]",
        ),
        (
            (torch.ones(2, 5).long(), torch.ones(2, 5).long()),
            TypeError,
            "first must have dtype Float or Double, got Long",
        ),
        (
            (torch.ones(2, 5), torch.ones(2, 5).double()),
            TypeError,
            "second must have dtype Float, got Double",
        ),
        (
            (torch.ones(2, 5), torch.ones(2, 5, device="meta")),
            ValueError,
            "second must be on the device cpu, got meta",
        ),
        ((*PAIR, 0.5), ValueError, "alpha must be between 1 and 100, got 0.5"),
        ((*PAIR, 101.0), ValueError, "alpha must be between 1 and 100, got 101"),
        ((*PAIR, math.nan), ValueError, "alpha must be between 1 and 100, got nan"),
    ],
)
def test_bad_arguments_are_named(arguments, error, sentence):
    with pytest.raises(error) as caught:
        alignment(*arguments)
    assert str(caught.value) == f"alignment: {sentence}"


def test_a_bad_gradient_of_the_loss_is_named():
    with pytest.raises(ValueError, match=r"^alignment_backward: grad_loss must have shape \(\), got \[2\]$"):
        torch.ops.singerprint.alignment_backward(torch.ones(2), *PAIR, 2.0)


@pytest.mark.parametrize("alpha", [1.0, 1.5, 2.0, 3.0])
def test_gradcheck(alpha, device, generator):
    pair = [view.to(device).requires_grad_() for view in views(3, 4, generator)]
    assert torch.autograd.gradcheck(lambda *pair: alignment(*pair, alpha), pair)


def test_a_second_derivative_is_refused_not_wrong(generator):
    first, second = (view.requires_grad_() for view in views(3, 4, generator))
    (gradient,) = torch.autograd.grad(alignment(first, second), first, create_graph=True)
    refusal = "derivative for singerprint::alignment_backward is not implemented"
    with pytest.raises(RuntimeError, match=refusal):
        gradient.sum().backward()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck(dtype, device):
    pair = [torch.randn(5, 3, dtype=dtype, device=device, requires_grad=True) for _ in range(2)]
    opcheck(torch.ops.singerprint.alignment.default, (*pair, 2.0))
    grad_loss = torch.ones((), dtype=dtype, device=device)
    opcheck(
        torch.ops.singerprint.alignment_backward.default, (grad_loss, *(view.detach() for view in pair), 2.0)
    )


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_as_one_graph_forward_and_backward(dynamic, generator):
    compiled = torch.compile(alignment, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    for batch in (6, 9):
        pair = views(batch, 5, generator)
        loss, gradients = loss_and_gradients(compiled, *pair, 2.0)
        expected, expected_gradients = loss_and_gradients(alignment, *pair, 2.0)
        assert torch.equal(loss, expected)
        assert torch.equal(gradients, expected_gradients)


def test_the_module_is_the_function(generator):
    pair = views(4, 8, generator)
    assert torch.equal(Alignment()(*pair), alignment(*pair, 2.0))
    assert repr(Alignment(alpha=1.0)) == "Alignment(alpha=1.0)"
