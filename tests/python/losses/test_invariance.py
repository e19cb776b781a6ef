import pytest
import torch
from tests.python.losses.gradients import loss_and_gradients
from torch.library import opcheck

from singerprint.losses import invariance


def reference(first, second):
    """The repr_loss of https://github.com/facebookresearch/vicreg, main_vicreg.py."""
    return torch.nn.functional.mse_loss(first, second)


@pytest.mark.parametrize("dim", [1, 3, 128, 1000])
@pytest.mark.parametrize("batch", [1, 2, 17, 257])
def test_equals_the_formula(batch, dim, device, generator):
    views = torch.randn(2, batch, dim, generator=generator, dtype=torch.float64).to(device)
    loss, gradients = loss_and_gradients(invariance, *views)
    expected, expected_gradients = loss_and_gradients(reference, *views)
    # Two orders of a sum of squares, and a few roundings of each element.
    torch.testing.assert_close(loss, expected, rtol=1e-13, atol=0)
    torch.testing.assert_close(gradients, expected_gradients, rtol=1e-14, atol=0)


def test_float32_is_as_exact_as_its_input(device, generator):
    views = torch.randn(2, 140, 100, generator=generator).to(device)
    loss, gradients = loss_and_gradients(invariance, *views)
    exact, exact_gradients = loss_and_gradients(invariance, *views.double())
    assert loss.dtype == gradients.dtype == torch.float32
    # All is double within: one rounding of each result.
    assert torch.equal(loss, exact.float())
    assert torch.equal(gradients, exact_gradients.float())


def test_equal_views_cost_nothing_and_stay(device, generator):
    view = torch.randn(4, 5, generator=generator).to(device)
    loss, gradients = loss_and_gradients(invariance, view, view)
    assert loss == 0
    assert not gradients.any()


def test_nan_stays_nan(device):
    first = torch.ones(3, 4, device=device)
    first[1, 1] = torch.nan
    assert invariance(first, torch.ones(3, 4, device=device)).isnan()


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (
            (torch.ones(0, 5), torch.ones(0, 5)),
            ValueError,
            "invariance: first must have shape (batch, dim) with at least one row and one column, got [0, 5]",
        ),
        (
            (torch.ones(2, 5), torch.ones(2, 4)),
            ValueError,
            "invariance: second must have the shape of first, [2, 5], got [2, 4]",
        ),
        (
            (torch.ones(2, 5), torch.ones(2, 5).double()),
            TypeError,
            "invariance: second must have dtype Float, got Double",
        ),
    ],
)
def test_bad_arguments_are_named(arguments, error, sentence):
    with pytest.raises(error) as caught:
        invariance(*arguments)
    assert str(caught.value) == sentence


def test_a_bad_gradient_of_the_loss_is_named():
    with pytest.raises(ValueError, match=r"^invariance_backward: grad_loss must have shape \(\), got \[2\]$"):
        torch.ops.singerprint.invariance_backward(torch.ones(2), torch.ones(2, 5), torch.ones(2, 5))


def test_gradcheck(device, generator):
    views = torch.randn(2, 3, 4, generator=generator, dtype=torch.float64).to(device)
    assert torch.autograd.gradcheck(invariance, [view.clone().requires_grad_() for view in views])


def test_a_second_derivative_is_refused_not_wrong():
    first = torch.randn(3, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(invariance(first, torch.ones(3, 4)), first, create_graph=True)
    with pytest.raises(RuntimeError, match="singerprint::invariance_backward is not implemented"):
        gradient.sum().backward()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck(dtype, device):
    views = [torch.randn(5, 3, dtype=dtype, device=device, requires_grad=True) for _ in range(2)]
    opcheck(torch.ops.singerprint.invariance.default, tuple(views))
    grad_loss = torch.ones((), dtype=dtype, device=device)
    opcheck(
        torch.ops.singerprint.invariance_backward.default, (grad_loss, *(view.detach() for view in views))
    )


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_as_one_graph_forward_and_backward(dynamic, generator):
    compiled = torch.compile(invariance, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    for batch in (3, 9):
        views = torch.randn(2, batch, 5, generator=generator)
        result = loss_and_gradients(compiled, *views)
        expected = loss_and_gradients(invariance, *views)
        assert all(torch.equal(one, other) for one, other in zip(result, expected, strict=True))
