import math

import pytest
import torch
from lightly.loss import VICRegLoss
from tests.python.losses.gradients import loss_and_gradients
from tests.python.thread_counts import results_of_threads
from torch.library import opcheck

from singerprint.losses import VICReg, covariance, invariance, variance, vicreg

PAIR = (torch.ones(2, 5), torch.ones(2, 5))
OPTIONS = (25.0, 25.0, 1.0, 1.0, 1e-4)


def off_diagonal(matrix):
    return matrix - torch.diag(matrix.diagonal())


def reference(x, y, sim_coeff=25.0, std_coeff=25.0, cov_coeff=1.0, gamma=1.0):
    """https://github.com/facebookresearch/vicreg, main_vicreg.py, VICReg.forward (there gamma = 1)."""
    repr_loss = torch.nn.functional.mse_loss(x, y)
    std_loss = cov_loss = 0
    for view in (x - x.mean(dim=0), y - y.mean(dim=0)):
        std_loss = std_loss + torch.relu(gamma - torch.sqrt(view.var(dim=0) + 1e-4)).mean() / 2
        cov = view.T @ view / (len(view) - 1)
        cov_loss = cov_loss + off_diagonal(cov).pow(2).sum() / view.shape[1]
    return sim_coeff * repr_loss + std_coeff * std_loss + cov_coeff * cov_loss


def views(batch, dim, generator, dtype=torch.float64):
    first, noise = torch.randn(2, batch, dim, generator=generator, dtype=dtype)
    return first, first + 0.3 * noise


@pytest.mark.parametrize("options", [(), (1.0, 0.0, 100.0, 0.5), (0.0, 3.0, 0.0, 2.0)])
@pytest.mark.parametrize("dim", [1, 3, 128, 1000])
@pytest.mark.parametrize("batch", [2, 3, 17, 65, 257, 513])
def test_equals_the_formula(batch, dim, options, device, generator):
    pair = [view.to(device) for view in views(batch, dim, generator)]
    loss, gradients = loss_and_gradients(vicreg, *pair, *options)
    expected, expected_gradients = loss_and_gradients(reference, *pair, *options)
    # Sums over the batch and over dim^2 pairs in two orders: some hundred epsilon.
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-15)
    assert (gradients - expected_gradients).norm() <= 1e-12 * expected_gradients.norm()


@pytest.mark.parametrize(("batch", "dim"), [(2, 2), (3, 128), (17, 3), (140, 128), (140, 1000), (513, 128)])
def test_float32_is_as_exact_as_its_input(batch, dim, device, generator):
    pair = [view.to(device) for view in views(batch, dim, generator, dtype=torch.float32)]
    loss, gradients = loss_and_gradients(vicreg, *pair)
    exact, exact_gradients = loss_and_gradients(vicreg, *(view.double() for view in pair))
    assert loss.dtype == gradients.dtype == torch.float32
    # All is double within: one rounding of each result, far inside 1e-6 and 1e-5.
    assert torch.equal(loss, exact.float())
    assert torch.equal(gradients, exact_gradients.float())


@pytest.mark.parametrize(("batch", "dim"), [(33, 48), (48, 33)])
@pytest.mark.parametrize("weights", [(25.0, 25.0, 1.0), (25.0, 25.0, 100.0)])
def test_equals_lightly(batch, dim, weights, generator):
    pair = views(batch, dim, generator)
    # Their factors are those of the released code: the variances halved, the covariances not.
    theirs = VICRegLoss(*weights)
    loss, gradients = loss_and_gradients(vicreg, *pair, *weights)
    expected, expected_gradients = loss_and_gradients(theirs, *pair)
    assert abs(loss - expected) <= 1e-10 * expected
    assert (gradients - expected_gradients).norm() <= 1e-10 * expected_gradients.norm()


@pytest.mark.parametrize("shape", [(17, 40), (40, 17)])
def test_is_the_weighted_sum_of_its_terms(shape, device, generator):
    first, second = (view.to(device) for view in views(*shape, generator))
    expected = (
        2 * invariance(first, second)
        + 3 * (variance(first, 1.5) + variance(second, 1.5)) / 2
        + 4 * (covariance(first) + covariance(second))
    )
    # The same terms, added in another order.
    torch.testing.assert_close(vicreg(first, second, 2, 3, 4, 1.5), expected, rtol=1e-15, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("batch", "dim"), [(2, 1), (65, 3), (65, 1000)])
def test_collapsed_rows_have_a_finite_loss_and_gradient(batch, dim, dtype, device, generator):
    row = torch.randn(1, dim, generator=generator, dtype=dtype).to(device)
    loss, gradients = loss_and_gradients(vicreg, row.expand(batch, -1), row.expand(batch, -1))
    torch.testing.assert_close(loss, torch.tensor(24.75, dtype=dtype, device=device))
    # 25 / 2 * c / (dim * (batch - 1) * sqrt(eps)), c the rounding of a mean of 65 doubles.
    assert gradients.abs().max() <= 1e-12


def test_the_views_may_be_exchanged(device, generator):
    first, second = (view.to(device) for view in views(17, 40, generator))
    # The same terms, added in another order.
    torch.testing.assert_close(vicreg(first, second), vicreg(second, first), rtol=1e-15, atol=0)


def test_what_is_added_to_all_rows_of_both_views_does_not_matter(device, generator):
    first, second = (view.to(device) for view in views(17, 40, generator))
    # Values of 10 carry ten times the epsilon of values of 1.
    torch.testing.assert_close(vicreg(first + 10, second + 10), vicreg(first, second), rtol=1e-13, atol=0)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_nan_stays_nan(value, device):
    first = torch.randn(4, 8, device=device)
    first[2, 3] = value
    assert vicreg(first, torch.ones(4, 8, device=device)).isnan()


def test_non_contiguous_input_gives_the_same(device, generator):
    first = torch.randn(20, 6, generator=generator).to(device).t()
    second = torch.randn(6, 40, generator=generator).to(device)[:, ::2]
    loss, gradients = loss_and_gradients(vicreg, first, second)
    expected, expected_gradients = loss_and_gradients(vicreg, first.contiguous(), second.contiguous())
    # Strides choose the order of PyTorch's sums: an epsilon of double, rounded to float.
    torch.testing.assert_close(loss, expected, rtol=2**-23, atol=0)
    assert (gradients - expected_gradients).norm() <= 2**-23 * expected_gradients.norm()


@pytest.mark.parametrize("shape", [(300, 130), (130, 300)])
def test_runs_repeat_and_threads_change_the_last_bits_at_most(shape, generator):
    pair = views(*shape, generator)
    results = results_of_threads(lambda: loss_and_gradients(vicreg, *pair), counts=(1, 1, 3))
    for first, second, other in zip(*results, strict=True):
        assert torch.equal(first, second)
        # PyTorch's matrix product and its sum over all elements split their sums by the number of threads.
        assert (first - other).norm() <= 1e-13 * first.norm()


@pytest.mark.parametrize("shape", [(4, 300_000), (300_000, 4)])
def test_the_larger_square_is_never_made(shape, device, generator):
    # 300,000 squared in float64 is 720 GB.
    pair = [view.to(device) for view in views(*shape, generator, dtype=torch.float32)]
    loss, gradients = loss_and_gradients(vicreg, *pair)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradients).all()


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (
            (torch.ones(0, 5), torch.ones(0, 5)),
            ValueError,
            "first must have shape (batch, dim) with at least one row and one column, got [0, 5]",
        ),
        (
            (torch.ones(1, 5), torch.ones(1, 5)),
            ValueError,
            "first must have at least two rows, as a variance needs, got [1, 5]",
        ),
        (
            (torch.ones(2, 5), torch.ones(2, 4)),
            ValueError,
            "second must have the shape of first, [2, 5], got [2, 4]",
        ),
        (
            (torch.ones(2, 5).half(), torch.ones(2, 5).half()),
            TypeError,
            "first must have dtype Float or Double, got Half",
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
        ((*PAIR, -1.0), ValueError, "invariance_weight must be finite and not negative, got -1"),
        ((*PAIR, 1.0, math.nan), ValueError, "variance_weight must be finite and not negative, got nan"),
        (
            (*PAIR, 1.0, 1.0, math.inf),
            ValueError,
            "covariance_weight must be finite and not negative, got inf",
        ),
        ((*PAIR, 1.0, 1.0, 1.0, 0.0), ValueError, "gamma must be positive and finite, got 0"),
        ((*PAIR, 1.0, 1.0, 1.0, 1.0, 0.0), ValueError, "eps must be positive and finite, got 0"),
    ],
)
def test_bad_arguments_are_named(arguments, error, sentence):
    with pytest.raises(error) as caught:
        vicreg(*arguments)
    assert str(caught.value) == f"vicreg: {sentence}"


@pytest.mark.parametrize(
    ("grad_loss", "products", "error", "sentence"),
    [
        (torch.ones(1), torch.ones(2, 2, 2).double(), ValueError, "grad_loss must have shape (), got [1]"),
        (
            torch.tensor(1.0),
            torch.ones(2, 5, 5).double(),
            ValueError,
            "products must have the shape that the forward gave it, [2, 2, 2], got [2, 5, 5]",
        ),
    ],
)
def test_bad_arguments_of_the_backward_are_named(grad_loss, products, error, sentence):
    with pytest.raises(error) as caught:
        torch.ops.singerprint.vicreg_backward(grad_loss, *PAIR, products, *OPTIONS)
    assert str(caught.value) == f"vicreg_backward: {sentence}"


@pytest.mark.parametrize("shape", [(3, 7), (7, 3)])
def test_gradcheck(shape, device, generator):
    pair = [view.to(device).requires_grad_() for view in views(*shape, generator)]
    assert torch.autograd.gradcheck(lambda first, second: vicreg(first, second, 2, 3, 4, 1.1), pair)


def test_a_second_derivative_is_refused_not_wrong(generator):
    first, second = (view.requires_grad_() for view in views(3, 4, generator))
    (gradient,) = torch.autograd.grad(vicreg(first, second), first, create_graph=True)
    with pytest.raises(RuntimeError, match="derivative for singerprint::vicreg_backward is not implemented"):
        gradient.sum().backward()


@pytest.mark.parametrize("shape", [(5, 3), (3, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck(dtype, shape, device):
    pair = [torch.randn(*shape, dtype=dtype, device=device, requires_grad=True) for _ in range(2)]
    opcheck(torch.ops.singerprint.vicreg.default, (*pair, *OPTIONS))
    detached = [view.detach() for view in pair]
    products = torch.ops.singerprint.vicreg(*detached, *OPTIONS)[1]
    grad_loss = torch.ones((), dtype=dtype, device=device)
    opcheck(torch.ops.singerprint.vicreg_backward.default, (grad_loss, *detached, products, *OPTIONS))


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_as_one_graph_forward_and_backward(dynamic, generator):
    compiled = torch.compile(vicreg, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    for batch in (4, 9):  # fewer rows than columns, and more
        pair = views(batch, 6, generator)
        loss, gradients = loss_and_gradients(compiled, *pair)
        expected, expected_gradients = loss_and_gradients(vicreg, *pair)
        assert torch.equal(loss, expected)
        assert torch.equal(gradients, expected_gradients)


def test_autocast_changes_no_bit(generator):
    pair = views(33, 20, generator, dtype=torch.float32)
    expected, expected_gradients = loss_and_gradients(vicreg, *pair)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, gradients = loss_and_gradients(vicreg, *pair)
    assert torch.equal(loss, expected)
    assert torch.equal(gradients, expected_gradients)


def test_the_module_is_the_function(generator):
    pair = views(4, 8, generator)
    assert torch.equal(VICReg()(*pair), vicreg(*pair))
    assert torch.equal(VICReg(1, 2, 3, 0.5)(*pair), vicreg(*pair, 1, 2, 3, 0.5))
    assert repr(VICReg(1, 2, 3, 0.5)) == (
        "VICReg(invariance_weight=1, variance_weight=2, covariance_weight=3, gamma=0.5)"
    )
