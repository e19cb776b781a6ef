"""`torch.set_float32_matmul_precision`: the losses over all pairs follow it on CUDA, and not on the CPU."""

import pytest
import torch
from tests.python.losses.gradients import loss_and_gradients, views

from singerprint import losses

TEMPERATURE = 0.2
SINGERS = torch.arange(65).repeat(2)
LOSSES = {
    "nt_xent": lambda first, second: losses.nt_xent(first, second, TEMPERATURE),
    "decoupled": lambda first, second: losses.decoupled(first, second, TEMPERATURE),
    "cross_decoupled": lambda first, second: losses.cross_decoupled(first, second, TEMPERATURE),
    "supervised_nt_xent": lambda first, second: losses.supervised_nt_xent(
        torch.cat([first, second]), SINGERS.to(first.device), TEMPERATURE
    ),
    "uniformity": lambda first, second: losses.uniformity(torch.cat([first, second]), 0.5 / TEMPERATURE),
    "am_softmax": lambda first, second: losses.am_softmax(
        first, second, SINGERS[:65].to(first.device), 1.0 / TEMPERATURE, 0.2
    ),
}
# Of a cosine: tests/cpp/losses/pairwise_block_test.cpp has the reasons.
COSINE_ERROR = {"highest": 2.0**-20, "high": 2.0**-20, "medium": 2.0**-8}


@pytest.fixture(params=["high", "medium", "highest"])
def precision(request):
    torch.set_float32_matmul_precision(request.param)
    yield request.param
    torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_within_the_error_of_its_cosines(name, precision, device, generator):
    first, second = (view.to(device) for view in views(65, 128, generator, dtype=torch.float32))
    loss, gradients = loss_and_gradients(LOSSES[name], first, second)
    exact, exact_gradients = loss_and_gradients(LOSSES[name], first.double(), second.double())
    bound = COSINE_ERROR[precision] / TEMPERATURE + 1e-6  # a logit's error; float32's last digits
    assert abs(loss.double() - exact) <= bound
    # A weight's error and that of its product, on rows as unrelated as the errors are.
    assert (gradients.double() - exact_gradients).norm() <= 3 * bound * exact_gradients.norm()


@pytest.mark.parametrize("name", LOSSES)
def test_the_cpu_does_not_ask(name, precision, generator):
    pair = views(65, 128, generator, dtype=torch.float32)
    loss, gradients = loss_and_gradients(LOSSES[name], *pair)
    torch.set_float32_matmul_precision("highest")
    expected, expected_gradients = loss_and_gradients(LOSSES[name], *pair)
    assert torch.equal(loss, expected), precision
    assert torch.equal(gradients, expected_gradients), precision
