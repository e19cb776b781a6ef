import math

import pytest
import torch
from torch.library import opcheck

from singerprint.losses import variance


def reference(embeddings, gamma=1.0, eps=1e-4):
    """Twice a view's share in the std_loss of https://github.com/facebookresearch/vicreg, main_vicreg.py."""
    return torch.relu(gamma - torch.sqrt(embeddings.var(dim=0) + eps)).mean()


def loss_and_gradient(function, embeddings, *options):
    embeddings = embeddings.detach().requires_grad_()
    loss = function(embeddings, *options)
    return loss.detach(), torch.autograd.grad(loss, embeddings)[0]


@pytest.mark.parametrize("gamma", [1.0, 0.0884, 3.0])
@pytest.mark.parametrize("dim", [1, 3, 128, 1000])
@pytest.mark.parametrize("batch", [2, 3, 17, 65, 257, 513])
def test_equals_the_formula(batch, dim, gamma, device, generator):
    # A tenth and more of the columns on either side of gamma = 1.
    spread = torch.linspace(0.1, 2, dim, dtype=torch.float64)
    embeddings = (torch.randn(batch, dim, generator=generator, dtype=torch.float64) * spread + 5).to(device)
    loss, gradient = loss_and_gradient(variance, embeddings, gamma)
    expected, expected_gradient = loss_and_gradient(reference, embeddings, gamma)
    # Means near 5 of values with a spread of 0.1: a few hundred epsilon.
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-15)
    assert (gradient - expected_gradient).norm() <= 1e-12 * expected_gradient.norm()


def test_float32_is_as_exact_as_its_input(device, generator):
    embeddings = (0.5 * torch.randn(140, 100, generator=generator) + 100).to(device)
    loss, gradient = loss_and_gradient(variance, embeddings)
    exact, exact_gradient = loss_and_gradient(variance, embeddings.double())
    assert loss.dtype == gradient.dtype == torch.float32
    # All is double within: one rounding of each result, however far the mean lies from 0.
    assert torch.equal(loss, exact.float())
    assert torch.equal(gradient, exact_gradient.float())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_collapsed_rows_have_a_finite_loss_and_gradient(dtype, device, generator):
    row = torch.randn(1, 50, generator=generator, dtype=dtype).to(device)
    loss, gradient = loss_and_gradient(variance, row.expand(65, -1))
    # The variance is 0 up to the square of an epsilon.
    torch.testing.assert_close(loss, torch.tensor(1 - math.sqrt(1e-4), dtype=dtype, device=device))
    # c / (dim * (batch - 1) * sqrt(eps)) with c the rounding of the mean of 65 doubles.
    assert gradient.abs().max() <= 1e-14


def test_what_is_added_to_all_rows_does_not_matter(device, generator):
    embeddings = torch.randn(20, 6, generator=generator, dtype=torch.float64).to(device)
    torch.testing.assert_close(variance(embeddings + 3), variance(embeddings), rtol=1e-13, atol=1e-15)


def test_nan_stays_nan(device):
    embeddings = torch.randn(3, 4, device=device)
    embeddings[1, 1] = torch.nan
    loss, gradient = loss_and_gradient(variance, embeddings)
    assert loss.isnan()
    assert gradient[:, 1].isnan().all()


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (
            (torch.ones(0, 5),),
            ValueError,
            "variance: embeddings must have shape (batch, dim) with at least one row and one column, "
            "got [0, 5]",
        ),
        (
            (torch.ones(1, 5),),
            ValueError,
            "variance: embeddings must have at least two rows, as a variance needs, got [1, 5]",
        ),
        (
            (torch.ones(2, 5).half(),),
            TypeError,
            "variance: embeddings must have dtype Float or Double, got Half",
        ),
        ((torch.ones(2, 5), 0.0), ValueError, "variance: gamma must be positive and finite, got 0"),
        ((torch.ones(2, 5), math.nan), ValueError, "variance: gamma must be positive and finite, got nan"),
        ((torch.ones(2, 5), 1.0, -1.0), ValueError, "variance: eps must be positive and finite, got -1"),
        ((torch.ones(2, 5), 1.0, math.inf), ValueError, "variance: eps must be positive and finite, got inf"),
    ],
)
def test_bad_arguments_are_named(arguments, error, sentence):
    with pytest.raises(error) as caught:
        variance(*arguments)
    assert str(caught.value) == sentence


def test_a_bad_gradient_of_the_loss_is_named():
    with pytest.raises(ValueError, match=r"^variance_backward: grad_loss must have shape \(\), got \[2\]$"):
        torch.ops.singerprint.variance_backward(torch.ones(2), torch.ones(2, 5), 1.0, 1e-4)


def test_gradcheck(device, generator):
    embeddings = torch.randn(4, 6, generator=generator, dtype=torch.float64).to(device).requires_grad_()
    assert torch.autograd.gradcheck(variance, (embeddings, 1.1, 1e-4))


def test_a_second_derivative_is_refused_not_wrong():
    embeddings = torch.randn(3, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(variance(embeddings), embeddings, create_graph=True)
    with pytest.raises(RuntimeError, match="singerprint::variance_backward is not implemented"):
        gradient.sum().backward()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck(dtype, device):
    embeddings = torch.randn(5, 3, dtype=dtype, device=device, requires_grad=True)
    opcheck(torch.ops.singerprint.variance.default, (embeddings, 1.0, 1e-4))
    grad_loss = torch.ones((), dtype=dtype, device=device)
    opcheck(torch.ops.singerprint.variance_backward.default, (grad_loss, embeddings.detach(), 1.0, 1e-4))


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_as_one_graph_forward_and_backward(dynamic, generator):
    compiled = torch.compile(variance, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    for batch in (3, 9):
        embeddings = torch.randn(batch, 5, generator=generator)
        result = loss_and_gradient(compiled, embeddings)
        expected = loss_and_gradient(variance, embeddings)
        assert all(torch.equal(one, other) for one, other in zip(result, expected, strict=True))
