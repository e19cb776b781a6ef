import math
import subprocess
import sys

import pytest
import torch
from tests.python.thread_counts import results_of_threads
from torch.library import opcheck

from singerprint.losses import Uniformity, uniformity

DOUBLE_EPSILON = torch.finfo(torch.float64).eps


def reference(embeddings, t):
    """`uniform_loss` of the authors (https://github.com/SsnL/align_uniform), with their normalisation."""
    z = torch.nn.functional.normalize(embeddings)
    return torch.pdist(z).pow(2).mul(-t).exp().mean().log()


def loss_and_gradient(function, embeddings, t):
    embeddings = embeddings.detach().requires_grad_()
    loss = function(embeddings, t)
    return loss.detach(), torch.autograd.grad(loss, embeddings)[0]


def rows(batch, dim, generator, dtype=torch.float64):
    return torch.randn(batch, dim, generator=generator, dtype=dtype)


@pytest.mark.parametrize("t", [0.05, 0.5, 2.0, 10.0, 100.0])
@pytest.mark.parametrize("dim", [1, 3, 128, 1000])
@pytest.mark.parametrize("batch", [2, 3, 17, 65, 257, 513])
def test_equals_the_authors(batch, dim, t, device, generator):
    embeddings = rows(batch, dim, generator).to(device)
    loss, gradient = loss_and_gradient(uniformity, embeddings, t)
    expected, expected_gradient = loss_and_gradient(reference, embeddings, t)
    # Each cosine has a few roundings of a sum over dim; 2 t + log(batch^2) comes on top and goes again.
    rounding = 8 * DOUBLE_EPSILON * math.sqrt(dim) * (2 * t + 2 * math.log(batch))
    assert abs(loss - expected) <= 1e-10 * abs(expected) + rounding
    # `rounding` in each weight; the weights add up to 1, a row's gradient is at most 4 t / length of them.
    assert (gradient - expected_gradient).norm() <= (
        1e-10 * expected_gradient.norm() + rounding * 4 * t / embeddings.norm(dim=1).min()
    )


@pytest.mark.parametrize("t", [0.05, 0.5, 2.0, 10.0, 100.0])
@pytest.mark.parametrize(("batch", "dim"), [(2, 3), (3, 128), (17, 1000), (65, 3), (257, 128), (513, 65)])
def test_float32_is_as_exact_as_its_input(batch, dim, t, device, generator):
    embeddings = rows(batch, dim, generator, dtype=torch.float32).to(device)
    loss, gradient = loss_and_gradient(uniformity, embeddings, t)
    exact, exact_gradient = loss_and_gradient(uniformity, embeddings.double(), t)
    assert loss.dtype == gradient.dtype == torch.float32
    # Half an ulp of z moves a squared distance by 6e-8, its exponential by t times that: less in the mean.
    assert abs(loss.double() - exact) <= 1e-6 * abs(exact)
    assert (gradient.double() - exact_gradient).norm() <= 1e-5 * exact_gradient.norm()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("t", [1e-6, 2.0, 1e5])
def test_collapsed_embeddings_cost_nothing(t, dtype, device, generator):
    row = rows(1, 128, generator, dtype).to(device)
    loss, gradient = loss_and_gradient(uniformity, row.expand(70, -1), t)
    # All cosines are 1 but for the rounding of a sum of 128 products; 2 log(70) comes on top and goes again.
    rounding = 8 * torch.finfo(dtype).eps
    assert abs(loss.item()) <= rounding * 2 * t + 16 * DOUBLE_EPSILON * math.log(70)
    # The weights of all rows add up to 1; `rounding` is what is left of the direction of the row itself.
    assert gradient.abs().max() <= rounding * 4 * t


@pytest.mark.parametrize("t", [1e-6, 2.0, 1e5])
def test_antipodal_rows_cost_all_there_is(t, device, generator):
    row = rows(1, 16, generator).to(device)
    loss, gradient = loss_and_gradient(uniformity, torch.cat([row, -3 * row]), t)
    # -4 t, with 2 t + log 2 added and taken off.
    assert abs(loss.item() + 4 * t) <= 8 * DOUBLE_EPSILON * (2 * t + math.log(2))
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("t", [1e-6, 1e5])
def test_the_ends_of_t_are_finite(t, dtype, device, generator):
    loss, gradient = loss_and_gradient(uniformity, rows(65, 16, generator, dtype).to(device), t)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()


def test_rows_at_right_angles_cost_twice_t(device):
    # 1 - 0 in every pair: exact but for 2 t + log(20), added and taken off.
    assert uniformity(torch.eye(5, device=device), 3.0).item() == pytest.approx(-6.0, rel=1e-7)


def test_zero_rows_are_orthogonal_to_all_and_finite(device):
    loss, gradient = loss_and_gradient(uniformity, torch.zeros(3, 4, device=device), 2.0)
    assert loss.item() == pytest.approx(-4.0, rel=1e-7)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("row", [0, 2, 3])
def test_nan_stays_nan(row, device):
    embeddings = torch.ones(4, 8, device=device)
    embeddings[row, 3] = torch.nan
    assert uniformity(embeddings).isnan()


def test_the_order_of_rows_does_not_matter(device, generator):
    embeddings = rows(300, 20, generator).to(device)
    # Two orders of the same sums.
    torch.testing.assert_close(uniformity(embeddings.flip(0)), uniformity(embeddings), rtol=1e-13, atol=0)


def test_the_lengths_of_rows_do_not_matter(device, generator):
    embeddings = rows(19, 20, generator).to(device)
    lengths = torch.logspace(-6, 6, 19, dtype=torch.float64, device=device)[:, None]
    torch.testing.assert_close(uniformity(embeddings * lengths), uniformity(embeddings), rtol=1e-13, atol=0)


def test_the_gradient_is_orthogonal_to_its_row(device, generator):
    embeddings = rows(19, 20, generator).to(device)
    _, gradient = loss_and_gradient(uniformity, embeddings, 2.0)
    # A few roundings of a product of two norms: the loss does not see a row's length.
    radial = (embeddings * gradient).sum(1).abs()
    assert (radial <= 1e-14 * embeddings.norm(dim=1) * gradient.norm(dim=1)).all()


def test_non_contiguous_input_gives_the_same(device, generator):
    for embeddings in (rows(20, 34, generator).to(device).t(), rows(34, 40, generator).to(device)[:, ::2]):
        loss, gradient = loss_and_gradient(uniformity, embeddings, 2.0)
        expected, expected_gradient = loss_and_gradient(uniformity, embeddings.contiguous(), 2.0)
        assert torch.equal(loss, expected)
        assert torch.equal(gradient, expected_gradient)


def test_repeats_bit_for_bit(device, generator):
    embeddings = rows(600, 65, generator, dtype=torch.float32).to(device)
    loss, gradient = loss_and_gradient(uniformity, embeddings, 2.0)
    for _ in range(3):
        again, gradient_again = loss_and_gradient(uniformity, embeddings, 2.0)
        assert torch.equal(again, loss)
        assert torch.equal(gradient_again, gradient)


def test_the_number_of_threads_changes_no_bit(generator):
    embeddings = rows(1401, 40, generator, dtype=torch.float32)
    results = results_of_threads(lambda: loss_and_gradient(uniformity, embeddings, 2.0))
    for loss, gradient in results[1:]:
        assert torch.equal(loss, results[0][0])
        assert torch.equal(gradient, results[0][1])


def test_memory_is_linear_in_the_batch():
    pytest.importorskip("resource")  # peak memory of a process: not on Windows
    script = """
import resource, torch
from singerprint.losses import uniformity
def step(batch):
    uniformity(torch.randn(batch, 128, requires_grad=True)).backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
small = step(256)
print((step(8192) - small) * 1024)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    batch, dim = 8192, 128
    # About a dozen tensors of (batch, dim); the matrix of all pairs would be as large as 64 of them.
    assert int(run.stdout) < 15 * batch * dim * 4


def test_gradcheck(device, generator):
    embeddings = rows(6, 4, generator).to(device).requires_grad_()
    assert torch.autograd.gradcheck(uniformity, (embeddings,))


def test_a_second_derivative_is_refused_not_wrong(generator):
    embeddings = rows(3, 4, generator).requires_grad_()
    (gradient,) = torch.autograd.grad(uniformity(embeddings), embeddings, create_graph=True)
    refusal = "derivative for singerprint::uniformity_backward is not implemented"
    with pytest.raises(RuntimeError, match=refusal):
        gradient.sum().backward()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck(dtype, device):
    embeddings = torch.randn(5, 3, dtype=dtype, device=device, requires_grad=True)
    opcheck(torch.ops.singerprint.uniformity.default, (embeddings, 2.0))
    log_sum_exp = torch.ops.singerprint.uniformity(embeddings, 2.0)[1]
    grad_loss = torch.ones((), dtype=dtype, device=device)
    opcheck(
        torch.ops.singerprint.uniformity_backward.default, (grad_loss, embeddings.detach(), log_sum_exp, 2.0)
    )


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_as_one_graph_forward_and_backward(dynamic, generator):
    compiled = torch.compile(uniformity, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    for batch in (6, 9):
        embeddings = rows(batch, 5, generator)
        loss, gradient = loss_and_gradient(compiled, embeddings, 2.0)
        expected, expected_gradient = loss_and_gradient(uniformity, embeddings, 2.0)
        assert torch.equal(loss, expected)
        assert torch.equal(gradient, expected_gradient)


def test_the_module_is_the_function(generator):
    embeddings = rows(4, 8, generator)
    assert torch.equal(Uniformity()(embeddings), uniformity(embeddings, 2.0))
    assert repr(Uniformity(t=0.5)) == "Uniformity(t=0.5)"
