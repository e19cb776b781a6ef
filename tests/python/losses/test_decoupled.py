import math
import subprocess
import sys

import pytest
import torch
from lightly.loss import DCLLoss
from torch.library import opcheck

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
@pytest.mark.parametrize("dim", [1, 3, 128, 1000])
@pytest.mark.parametrize("batch", [2, 3, 17, 65, 257, 513])
def test_equals_the_formula(batch, dim, temperature, noise, device, generator):
    pair = [view.to(device) for view in views(batch, dim, generator, noise)]
    loss, gradients = loss_and_gradients(decoupled, *pair, temperature)
    expected, expected_gradients = loss_and_gradients(reference, *pair, temperature)
    # Both subtract logits of up to 1 / temperature, each with a few roundings of a sum over dim.
    rounding = 8 * DOUBLE_EPSILON * math.sqrt(dim) / temperature
    assert abs(loss - expected) <= 1e-10 * abs(expected) + rounding
    # `rounding` in each softmax, whose gradient by a row is at most 2 / (temperature * length).
    lengths = torch.cat(pair).norm(dim=1)
    assert (gradients - expected_gradients).norm() <= (
        1e-10 * expected_gradients.norm() + rounding * 2 / temperature / lengths.min()
    )


@pytest.mark.parametrize("temperature", [0.005, 0.07, 0.2, 1.0, 10.0])
@pytest.mark.parametrize(("batch", "dim"), [(2, 3), (3, 128), (17, 1000), (65, 3), (257, 128), (513, 65)])
def test_float32_is_as_exact_as_its_input(batch, dim, temperature, device, generator):
    pair = [view.to(device) for view in views(batch, dim, generator, dtype=torch.float32)]
    loss, gradients = loss_and_gradients(decoupled, *pair, temperature)
    exact, exact_gradients = loss_and_gradients(decoupled, *(view.double() for view in pair), temperature)
    assert loss.dtype == gradients.dtype == torch.float32
    # The loss is a difference of two means, either of which has six digits; it may be 0 itself.
    of_negatives = torch.ops.singerprint.decoupled(*pair, temperature)[1]
    assert abs(loss.double() - exact) <= 1e-6 * of_negatives.abs().mean()
    # Half an ulp of z moves a cosine by 3e-8 and, at T = 0.005, its exponential by 6e-6: less in the mean.
    assert (gradients.double() - exact_gradients).norm() <= 1e-5 * exact_gradients.norm()


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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("temperature", [1e-6, 1e6])
def test_the_ends_of_the_temperature_are_finite(temperature, dtype, device, generator):
    pair = [view.to(device) for view in views(65, 16, generator, dtype=dtype)]
    loss, gradients = loss_and_gradients(decoupled, *pair, temperature)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradients).all()


def test_zero_rows_are_orthogonal_to_all_and_finite(device):
    first = torch.zeros(3, 4, device=device)
    second = torch.eye(3, 4, device=device)
    loss, gradients = loss_and_gradients(decoupled, first, second, 0.5)
    # All cosines are 0: log(4) for every anchor.
    assert loss.item() == pytest.approx(math.log(4), rel=1e-6)
    assert torch.isfinite(gradients).all()


def test_nan_stays_nan(device):
    first = torch.ones(4, 8, device=device)
    first[2, 3] = torch.nan
    assert decoupled(first, torch.ones(4, 8, device=device), 0.2).isnan()


def test_the_views_may_be_exchanged(device, generator):
    first, second = (view.to(device) for view in views(150, 20, generator))
    # Two orders of the same sums.
    torch.testing.assert_close(
        decoupled(first, second, 0.1), decoupled(second, first, 0.1), rtol=1e-13, atol=0
    )


def test_the_lengths_of_rows_do_not_matter(device, generator):
    first, second = (view.to(device) for view in views(19, 20, generator))
    lengths = torch.logspace(-6, 6, 19, dtype=torch.float64, device=device)[:, None]
    torch.testing.assert_close(
        decoupled(first * lengths, second / lengths, 0.1), decoupled(first, second, 0.1), rtol=1e-13, atol=0
    )


def test_non_contiguous_input_gives_the_same(device, generator):
    first = torch.randn(20, 34, generator=generator).to(device).t()
    second = torch.randn(34, 40, generator=generator).to(device)[:, ::2]
    loss, gradients = loss_and_gradients(decoupled, first, second, 0.2)
    expected, expected_gradients = loss_and_gradients(decoupled, first.contiguous(), second.contiguous(), 0.2)
    assert torch.equal(loss, expected)
    assert torch.equal(gradients, expected_gradients)


def test_repeats_bit_for_bit(device, generator):
    pair = [view.to(device) for view in views(300, 65, generator, dtype=torch.float32)]
    loss, gradients = loss_and_gradients(decoupled, *pair, 0.1)
    for _ in range(3):
        again, gradients_again = loss_and_gradients(decoupled, *pair, 0.1)
        assert torch.equal(again, loss)
        assert torch.equal(gradients_again, gradients)


def test_the_number_of_threads_changes_no_bit(generator):
    pair = views(700, 40, generator, dtype=torch.float32)
    threads = torch.get_num_threads()
    results = []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            results.append(loss_and_gradients(decoupled, *pair, 0.1))
    finally:
        torch.set_num_threads(threads)
    for loss, gradients in results[1:]:
        assert torch.equal(loss, results[0][0])
        assert torch.equal(gradients, results[0][1])


def test_memory_is_linear_in_the_batch():
    pytest.importorskip("resource")  # peak memory of a process: not on Windows
    script = """
import resource, torch
from singerprint.losses import decoupled
def step(batch):
    first, second = torch.randn(2, batch, 128).unbind()
    decoupled(first.requires_grad_(), second.requires_grad_(), 0.2).backward()
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
    assert torch.autograd.gradcheck(lambda *pair: decoupled(*pair, 0.3), pair)


def test_a_second_derivative_is_refused_not_wrong(generator):
    first, second = (view.requires_grad_() for view in views(3, 4, generator))
    (gradient,) = torch.autograd.grad(decoupled(first, second, 0.2), first, create_graph=True)
    refusal = "derivative for singerprint::decoupled_backward is not implemented"
    with pytest.raises(RuntimeError, match=refusal):
        gradient.sum().backward()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck(dtype, device):
    pair = [torch.randn(5, 3, dtype=dtype, device=device, requires_grad=True) for _ in range(2)]
    opcheck(torch.ops.singerprint.decoupled.default, (*pair, 0.2))
    log_sum_exp = torch.ops.singerprint.decoupled(*pair, 0.2)[1]
    grad_loss = torch.ones((), dtype=dtype, device=device)
    opcheck(
        torch.ops.singerprint.decoupled_backward.default,
        (grad_loss, *(view.detach() for view in pair), log_sum_exp, 0.2),
    )


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_as_one_graph_forward_and_backward(dynamic, generator):
    compiled = torch.compile(decoupled, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    for batch in (6, 9):
        pair = views(batch, 5, generator)
        loss, gradients = loss_and_gradients(compiled, *pair, 0.2)
        expected, expected_gradients = loss_and_gradients(decoupled, *pair, 0.2)
        assert torch.equal(loss, expected)
        assert torch.equal(gradients, expected_gradients)


def test_the_module_is_the_function(generator):
    pair = views(4, 8, generator)
    assert torch.equal(Decoupled()(*pair), decoupled(*pair, 0.1))
    assert repr(Decoupled(temperature=0.5)) == "Decoupled(temperature=0.5)"
