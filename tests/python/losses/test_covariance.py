import pytest
import torch
from torch.library import opcheck

from singerprint.losses import covariance

DOUBLE_EPSILON = torch.finfo(torch.float64).eps


def reference(embeddings):
    """One half of the cov_loss of https://github.com/facebookresearch/vicreg, main_vicreg.py."""
    centred = embeddings - embeddings.mean(dim=0)
    matrix = centred.T @ centred / (len(embeddings) - 1)
    return (matrix - torch.diag(matrix.diagonal())).pow(2).sum() / embeddings.shape[1]


def loss_and_gradient(function, embeddings):
    embeddings = embeddings.detach().requires_grad_()
    loss = function(embeddings)
    return loss.detach(), torch.autograd.grad(loss, embeddings)[0]


def correlated(batch, dim, generator, dtype=torch.float64):
    """Dimensions that vary together a little, away from 0."""
    together = torch.linspace(4, 6, batch, dtype=dtype)[:, None]
    return torch.randn(batch, dim, generator=generator, dtype=dtype) + together


@pytest.mark.parametrize("dim", [1, 3, 128, 1000])
@pytest.mark.parametrize("batch", [2, 3, 17, 65, 257, 513])
def test_equals_the_formula(batch, dim, device, generator):
    embeddings = correlated(batch, dim, generator).to(device)
    loss, gradient = loss_and_gradient(covariance, embeddings)
    expected, expected_gradient = loss_and_gradient(reference, embeddings)
    # Sums over the batch and over dim^2 pairs, values ten times their spread: some hundred epsilon.
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-15)
    assert (gradient - expected_gradient).norm() <= 1e-12 * expected_gradient.norm() + 1e-15


@pytest.mark.parametrize(("batch", "dim"), [(2, 2), (17, 64), (65, 128), (257, 128), (140, 1000)])
def test_float32_is_as_exact_as_its_input(batch, dim, device, generator):
    embeddings = correlated(batch, dim, generator, dtype=torch.float32).to(device)
    loss, gradient = loss_and_gradient(covariance, embeddings)
    exact, exact_gradient = loss_and_gradient(covariance, embeddings.double())
    assert loss.dtype == gradient.dtype == torch.float32
    # All is double within: one rounding of each result.
    assert torch.equal(loss, exact.float())
    assert torch.equal(gradient, exact_gradient.float())


def test_the_two_squares_agree_where_they_meet(device, generator):
    square = correlated(65, 65, generator).to(device)
    # A dimension that does not vary adds nothing, but 65 rows are then fewer than 66 columns.
    wider = torch.cat([square, torch.ones(65, 1, dtype=torch.float64, device=device)], dim=1)
    by_columns, gradient = loss_and_gradient(covariance, square)
    by_rows, wider_gradient = loss_and_gradient(covariance, wider)
    # The difference of two sums, of which the larger is some five times the result.
    torch.testing.assert_close(by_rows * 66, by_columns * 65, rtol=1e-13, atol=0)
    assert (wider_gradient[:, :65] * 66 - gradient * 65).norm() <= 1e-13 * 65 * gradient.norm()


@pytest.mark.parametrize(("batch", "dim"), [(513, 1000), (17, 1000)])
def test_one_dimension_above_all_others_keeps_to_the_bound(batch, dim, device, generator):
    embeddings = torch.randn(batch, dim, generator=generator, dtype=torch.float64).to(device)
    embeddings[:, 1:] *= 1e-6
    loss, _ = loss_and_gradient(covariance, embeddings)
    expected, _ = loss_and_gradient(reference, embeddings)
    assert loss >= 0
    # What the docstring says of the sum, here over dim.
    bound = batch * DOUBLE_EPSILON * embeddings.var(dim=0).sum() ** 2
    assert abs(loss - expected) <= bound + 1e-12 * expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dim", [3, 128])
def test_collapsed_rows_cost_nothing(dim, dtype, device, generator):
    row = torch.randn(1, dim, generator=generator, dtype=dtype).to(device)
    loss, gradient = loss_and_gradient(covariance, row.expand(65, -1))
    # Products of the roundings of a mean of 65 doubles.
    assert 0 <= loss <= 1e-28
    assert gradient.abs().max() <= 1e-28


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_dimension_has_no_other(dtype, device, generator):
    loss, gradient = loss_and_gradient(covariance, correlated(17, 1, generator, dtype).to(device))
    assert loss == 0
    assert not gradient.any()


def test_nan_stays_nan(device, generator):
    for batch, dim in ((3, 40), (40, 3)):
        embeddings = torch.randn(batch, dim, generator=generator).to(device)
        embeddings[1, 1] = torch.nan
        loss, gradient = loss_and_gradient(covariance, embeddings)
        assert loss.isnan()
        assert gradient.isnan().any()


def test_non_contiguous_input_gives_the_same(device, generator):
    for shape in ((20, 6), (6, 20)):
        embeddings = torch.randn(*shape, generator=generator).to(device).t()
        for result, expected in zip(
            loss_and_gradient(covariance, embeddings),
            loss_and_gradient(covariance, embeddings.contiguous()),
            strict=True,
        ):
            # Strides choose the order of PyTorch's sums: an epsilon of double, rounded to float.
            torch.testing.assert_close(result, expected, rtol=2**-22, atol=1e-12)


@pytest.mark.parametrize(
    ("embeddings", "error", "sentence"),
    [
        (
            torch.ones(5),
            ValueError,
            "covariance: embeddings must have shape (batch, dim) with at least one row and one column, "
            "got [5]",
        ),
        (
            torch.ones(1, 5),
            ValueError,
            "covariance: embeddings must have at least two rows, as a variance needs, got [1, 5]",
        ),
        (
            torch.ones(2, 5).long(),
            TypeError,
            "covariance: embeddings must have dtype Float or Double, got Long",
        ),
    ],
)
def test_bad_arguments_are_named(embeddings, error, sentence):
    with pytest.raises(error) as caught:
        covariance(embeddings)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("grad_loss", "product", "error", "sentence"),
    [
        (torch.ones(2), torch.ones(2, 2).double(), ValueError, "grad_loss must have shape (), got [2]"),
        (
            torch.tensor(1.0),
            torch.ones(5, 5).double(),
            ValueError,
            "product must have the shape that the forward gave it, [2, 2], got [5, 5]",
        ),
        (torch.tensor(1.0), torch.ones(2, 2), TypeError, "product must have dtype Double, got Float"),
    ],
)
def test_bad_arguments_of_the_backward_are_named(grad_loss, product, error, sentence):
    with pytest.raises(error) as caught:
        torch.ops.singerprint.covariance_backward(grad_loss, torch.ones(2, 5), product)
    assert str(caught.value) == f"covariance_backward: {sentence}"


@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (4, 4)])
def test_gradcheck(shape, device, generator):
    embeddings = torch.randn(*shape, generator=generator, dtype=torch.float64).to(device).requires_grad_()
    assert torch.autograd.gradcheck(covariance, embeddings)


def test_a_second_derivative_is_refused_not_wrong():
    embeddings = torch.randn(3, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(covariance(embeddings), embeddings, create_graph=True)
    with pytest.raises(RuntimeError, match="singerprint::covariance_backward is not implemented"):
        gradient.sum().backward()


@pytest.mark.parametrize("shape", [(3, 7), (7, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck(dtype, shape, device):
    embeddings = torch.randn(*shape, dtype=dtype, device=device, requires_grad=True)
    opcheck(torch.ops.singerprint.covariance.default, (embeddings,))
    product = torch.ops.singerprint.covariance(embeddings.detach())[1]
    grad_loss = torch.ones((), dtype=dtype, device=device)
    opcheck(torch.ops.singerprint.covariance_backward.default, (grad_loss, embeddings.detach(), product))


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_as_one_graph_forward_and_backward(dynamic, generator):
    compiled = torch.compile(covariance, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    for batch in (3, 9):  # fewer rows than columns, and more
        embeddings = torch.randn(batch, 5, generator=generator)
        result = loss_and_gradient(compiled, embeddings)
        expected = loss_and_gradient(covariance, embeddings)
        assert all(torch.equal(one, other) for one, other in zip(result, expected, strict=True))
