"""What the losses over anchors have in common: laws of losses on the angles between rows."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.python.losses.gradients import loss_and_gradients, views
from tests.python.losses.of_views import ARGUMENTS
from tests.python.thread_counts import results_of_threads
from torch.library import opcheck

from singerprint import losses


@pytest.fixture(params=ARGUMENTS)
def name(request):
    return request.param


@pytest.fixture
def contrastive(name):
    return lambda *views_and_temperature: getattr(losses, name)(*ARGUMENTS[name](*views_and_temperature))


def test_nan_stays_nan(contrastive, device):
    first = torch.ones(4, 8, device=device)
    first[2, 3] = torch.nan
    assert contrastive(first, torch.ones(4, 8, device=device), 0.2).isnan()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("temperature", [1e-6, 1e6])
def test_the_ends_of_the_temperature_are_finite(contrastive, temperature, dtype, device, generator):
    pair = [view.to(device) for view in views(65, 16, generator, dtype=dtype)]
    loss, gradients = loss_and_gradients(contrastive, *pair, temperature)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradients).all()


@pytest.mark.parametrize("name", ["nt_xent", "decoupled"])
def test_the_views_may_be_exchanged(contrastive, device, generator):
    first, second = (view.to(device) for view in views(150, 20, generator))
    # Two orders of the same sums.
    torch.testing.assert_close(
        contrastive(first, second, 0.1), contrastive(second, first, 0.1), rtol=1e-13, atol=0
    )


def test_the_lengths_of_rows_do_not_matter(contrastive, device, generator):
    first, second = (view.to(device) for view in views(19, 20, generator))
    lengths = torch.logspace(-6, 6, 19, dtype=torch.float64, device=device)[:, None]
    torch.testing.assert_close(
        contrastive(first * lengths, second / lengths, 0.1),
        contrastive(first, second, 0.1),
        rtol=1e-13,
        atol=0,
    )


def test_non_contiguous_input_gives_the_same(contrastive, device, generator):
    first = torch.randn(20, 34, generator=generator).to(device).t()
    second = torch.randn(34, 40, generator=generator).to(device)[:, ::2]
    loss, gradients = loss_and_gradients(contrastive, first, second, 0.2)
    expected, expected_gradients = loss_and_gradients(
        contrastive, first.contiguous(), second.contiguous(), 0.2
    )
    assert torch.equal(loss, expected)
    assert torch.equal(gradients, expected_gradients)


def test_repeats_bit_for_bit(contrastive, device, generator):
    pair = [view.to(device) for view in views(300, 65, generator, dtype=torch.float32)]
    loss, gradients = loss_and_gradients(contrastive, *pair, 0.1)
    for _ in range(3):
        again, gradients_again = loss_and_gradients(contrastive, *pair, 0.1)
        assert torch.equal(again, loss)
        assert torch.equal(gradients_again, gradients)


def test_the_number_of_threads_changes_no_bit(contrastive, generator):
    pair = views(700, 40, generator, dtype=torch.float32)
    results = results_of_threads(lambda: loss_and_gradients(contrastive, *pair, 0.1))
    for loss, gradients in results[1:]:
        assert torch.equal(loss, results[0][0])
        assert torch.equal(gradients, results[0][1])


def test_memory_is_linear_in_the_batch(name):
    pytest.importorskip("resource")  # peak memory of a process: not on Windows
    script = f"""
import resource, torch
from singerprint.losses import {name}
from tests.python.losses.of_views import ARGUMENTS
def step(batch):
    first, second = torch.randn(2, batch, 128).unbind()
    {name}(*ARGUMENTS["{name}"](first.requires_grad_(), second.requires_grad_(), 0.2)).backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
small = step(128)
print((step(4096) - small) * 1024)
"""
    root = Path(__file__).parents[3]
    run = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    rows, dim = 8192, 128
    # About a dozen tensors of (rows, dim); the matrix of all pairs would be as large as 64 of them.
    assert int(run.stdout) < 15 * rows * dim * 4


def test_gradcheck(contrastive, device, generator):
    pair = [view.to(device).requires_grad_() for view in views(5, 4, generator)]
    assert torch.autograd.gradcheck(lambda *pair: contrastive(*pair, 0.3), pair)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck(name, dtype, device):
    op = getattr(torch.ops.singerprint, name)
    pair = torch.randn(2, 5, 3, dtype=dtype, device=device).unbind()
    arguments = ARGUMENTS[name](*pair, 0.2)
    tensors = [value for value in arguments if isinstance(value, torch.Tensor)]
    numbers = [value for value in arguments if not isinstance(value, torch.Tensor)]
    leaves = [value.clone().requires_grad_(value.is_floating_point()) for value in tensors]
    opcheck(op.default, (*leaves, *numbers))
    log_sum_exp = op(*arguments)[1]
    grad_loss = torch.ones((), dtype=dtype, device=device)
    backward = getattr(torch.ops.singerprint, f"{name}_backward")
    opcheck(backward.default, (grad_loss, *tensors, log_sum_exp, *numbers))


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_as_one_graph_forward_and_backward(contrastive, dynamic, generator):
    torch._dynamo.reset()  # one function serves all losses, and may be compiled eight times
    compiled = torch.compile(contrastive, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    for batch in (6, 9):
        pair = views(batch, 5, generator)
        loss, gradients = loss_and_gradients(compiled, *pair, 0.2)
        expected, expected_gradients = loss_and_gradients(contrastive, *pair, 0.2)
        assert torch.equal(loss, expected)
        assert torch.equal(gradients, expected_gradients)


def test_a_second_derivative_is_refused_not_wrong(contrastive, name, generator):
    first, second = (view.requires_grad_() for view in views(3, 4, generator))
    (gradient,) = torch.autograd.grad(contrastive(first, second, 0.2), first, create_graph=True)
    refusal = f"derivative for singerprint::{name}_backward is not implemented"
    with pytest.raises(RuntimeError, match=refusal):
        gradient.sum().backward()
