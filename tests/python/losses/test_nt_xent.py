import itertools
import math
import subprocess
import sys

import pytest
import torch
from lightly.loss import NTXentLoss
from torch.library import opcheck

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


def loss_and_gradients(function, first, second, temperature):
    first, second = first.detach().requires_grad_(), second.detach().requires_grad_()
    loss = function(first, second, temperature)
    return loss.detach(), torch.cat(torch.autograd.grad(loss, (first, second)))


def views(batch, dim, generator, noise=None, dtype=torch.float64):
    """Unrelated views, or the second one the first with noise."""
    first, second = torch.randn(2, batch, dim, generator=generator, dtype=dtype)
    return first, second if noise is None else first + noise * second


@pytest.mark.parametrize("noise", [None, 0.3])
@pytest.mark.parametrize("temperature", [0.005, 0.07, 0.2, 1.0, 10.0])
@pytest.mark.parametrize("shape", [*itertools.product([1, 2, 3, 17, 140, 513], [1, 2, 64, 128, 1000])])
def test_equals_the_formula(shape, temperature, noise, device, generator):
    dim = shape[1]
    pair = [view.to(device) for view in views(*shape, generator, noise)]
    loss, gradients = loss_and_gradients(nt_xent, *pair, temperature)
    expected, expected_gradients = loss_and_gradients(reference, *pair, temperature)
    # The reference subtracts logits of up to 1 / temperature, each with a few roundings of a sum over dim.
    rounding = 8 * DOUBLE_EPSILON * math.sqrt(dim) / temperature
    assert abs(loss - expected) <= 1e-10 * expected + rounding
    # `rounding` in each softmax, whose gradient by a row is at most 2 / (temperature * length).
    lengths = torch.cat(pair).norm(dim=1)
    assert (gradients - expected_gradients).norm() <= (
        1e-10 * expected_gradients.norm() + rounding * 2 / temperature / lengths.min()
    )


@pytest.mark.parametrize("temperature", [0.005, 0.07, 0.2, 1.0, 10.0])
@pytest.mark.parametrize(("batch", "dim"), [(2, 2), (3, 128), (17, 64), (140, 128), (140, 1000), (513, 64)])
def test_float32_is_as_exact_as_its_input(batch, dim, temperature, device, generator):
    pair = [view.to(device) for view in views(batch, dim, generator, dtype=torch.float32)]
    loss, gradients = loss_and_gradients(nt_xent, *pair, temperature)
    exact, exact_gradients = loss_and_gradients(nt_xent, *(view.double() for view in pair), temperature)
    assert loss.dtype == gradients.dtype == torch.float32
    # Half an ulp of z moves a cosine by 3e-8 and, at T = 0.005, its exponential by 6e-6: less in the mean.
    assert abs(loss.double() - exact) <= 1e-6 * exact
    assert (gradients.double() - exact_gradients).norm() <= 1e-5 * exact_gradients.norm()


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


def test_nan_stays_nan(device):
    first = torch.ones(4, 8, device=device)
    first[2, 3] = torch.nan
    assert nt_xent(first, torch.ones(4, 8, device=device), 0.2).isnan()


def test_the_views_may_be_exchanged(device, generator):
    first, second = (view.to(device) for view in views(150, 20, generator))
    # Two orders of the same sums.
    torch.testing.assert_close(nt_xent(first, second, 0.1), nt_xent(second, first, 0.1), rtol=1e-13, atol=0)


def test_the_lengths_of_rows_do_not_matter(device, generator):
    first, second = (view.to(device) for view in views(19, 20, generator))
    lengths = torch.logspace(-6, 6, 19, dtype=torch.float64, device=device)[:, None]
    torch.testing.assert_close(
        nt_xent(first * lengths, second / lengths, 0.1), nt_xent(first, second, 0.1), rtol=1e-13, atol=0
    )


def test_the_gradient_is_orthogonal_to_its_row(device, generator):
    first, second = (view.to(device) for view in views(19, 20, generator))
    _, gradients = loss_and_gradients(nt_xent, first, second, 0.1)
    rows = torch.cat([first, second])
    # A few roundings of a product of two norms: the loss does not see a row's length.
    assert ((rows * gradients).sum(1).abs() <= 1e-14 * rows.norm(dim=1) * gradients.norm(dim=1)).all()


def test_non_contiguous_input_gives_the_same(device, generator):
    first = torch.randn(20, 34, generator=generator).to(device).t()
    second = torch.randn(34, 40, generator=generator).to(device)[:, ::2]
    loss, gradients = loss_and_gradients(nt_xent, first, second, 0.2)
    expected, expected_gradients = loss_and_gradients(nt_xent, first.contiguous(), second.contiguous(), 0.2)
    assert torch.equal(loss, expected)
    assert torch.equal(gradients, expected_gradients)


def test_repeats_bit_for_bit(device, generator):
    pair = [view.to(device) for view in views(300, 65, generator, dtype=torch.float32)]
    loss, gradients = loss_and_gradients(nt_xent, *pair, 0.1)
    for _ in range(3):
        again, gradients_again = loss_and_gradients(nt_xent, *pair, 0.1)
        assert torch.equal(again, loss)
        assert torch.equal(gradients_again, gradients)


def test_the_number_of_threads_changes_no_bit(generator):
    pair = views(700, 40, generator, dtype=torch.float32)
    threads = torch.get_num_threads()
    results = []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            results.append(loss_and_gradients(nt_xent, *pair, 0.1))
    finally:
        torch.set_num_threads(threads)
    for loss, gradients in results[1:]:
        assert torch.equal(loss, results[0][0])
        assert torch.equal(gradients, results[0][1])


def test_memory_is_linear_in_the_batch():
    pytest.importorskip("resource")  # peak memory of a process: not on Windows
    script = """
import resource, torch
from singerprint.losses import nt_xent
def step(batch):
    first, second = torch.randn(2, batch, 128).unbind()
    nt_xent(first.requires_grad_(), second.requires_grad_(), 0.2).backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
small = step(128)
print((step(4096) - small) * 1024)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    rows, dim = 8192, 128
    # About a dozen tensors of (rows, dim); the matrix of all pairs would be as large as 64 of them.
    assert int(run.stdout) < 15 * rows * dim * 4


def test_gradcheck(device, generator):
    pair = [view.to(device).requires_grad_() for view in views(5, 4, generator)]
    assert torch.autograd.gradcheck(lambda *pair: nt_xent(*pair, 0.3), pair)


def test_a_second_derivative_is_refused_not_wrong(generator):
    first, second = (view.requires_grad_() for view in views(3, 4, generator))
    (gradient,) = torch.autograd.grad(nt_xent(first, second, 0.2), first, create_graph=True)
    with pytest.raises(RuntimeError, match="derivative for singerprint::nt_xent_backward is not implemented"):
        gradient.sum().backward()


def test_the_gradient_of_one_view_alone(device, generator):
    first, second = (view.to(device) for view in views(3, 4, generator))
    _, both = loss_and_gradients(nt_xent, first, second, 0.2)
    first.requires_grad_()
    nt_xent(first, second, 0.2).backward()
    assert torch.equal(first.grad, both[:3])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck(dtype, device):
    pair = [torch.randn(5, 3, dtype=dtype, device=device, requires_grad=True) for _ in range(2)]
    opcheck(torch.ops.singerprint.nt_xent.default, (*pair, 0.2))
    log_sum_exp = torch.ops.singerprint.nt_xent(*pair, 0.2)[1]
    grad_loss = torch.ones((), dtype=dtype, device=device)
    opcheck(
        torch.ops.singerprint.nt_xent_backward.default,
        (grad_loss, *(view.detach() for view in pair), log_sum_exp, 0.2),
    )


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_as_one_graph_forward_and_backward(dynamic, generator):
    compiled = torch.compile(nt_xent, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    for batch in (6, 9):
        pair = views(batch, 5, generator)
        loss, gradients = loss_and_gradients(compiled, *pair, 0.2)
        expected, expected_gradients = loss_and_gradients(nt_xent, *pair, 0.2)
        assert torch.equal(loss, expected)
        assert torch.equal(gradients, expected_gradients)


def test_the_module_is_the_function(generator):
    pair = views(4, 8, generator)
    assert torch.equal(NTXent()(*pair), nt_xent(*pair, 0.2))
    assert repr(NTXent(temperature=0.5)) == "NTXent(temperature=0.5)"
