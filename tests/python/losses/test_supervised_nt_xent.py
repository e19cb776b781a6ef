import math

import pytest
import torch
from tests.python.losses.gradients import loss_and_gradients, views

from singerprint.losses import SupervisedNTXent, nt_xent, supervised_nt_xent

DOUBLE_EPSILON = torch.finfo(torch.float64).eps
FLOAT_EPSILON = torch.finfo(torch.float32).eps


def of_pairs(embeddings, singers, temperature):
    """The loss of each pair, as in pytorch-metric-learning's NTXentLoss, and which pairs are positive."""
    z = torch.nn.functional.normalize(embeddings)
    logits = z @ z.T / temperature
    same = singers[:, None] == singers
    negatives = logits.masked_fill(same, -torch.inf).logsumexp(dim=1, keepdim=True)
    return torch.logaddexp(logits, negatives) - logits, same.clone().fill_diagonal_(False)


def reference(embeddings, singers, temperature):
    """The mean over the positives of an anchor, then over the anchors that have one."""
    losses, positive = of_pairs(embeddings, singers, temperature)
    anchors = positive.any(dim=1)
    return ((losses * positive).sum(dim=1)[anchors] / positive.sum(dim=1)[anchors]).mean()


def loss_and_gradient(function, embeddings, *options):
    embeddings = embeddings.detach().requires_grad_()
    loss = function(embeddings, *options)
    return loss.detach(), torch.autograd.grad(loss, embeddings)[0]


def rows_and_singers(batch, dim, generator, noise=None, dtype=torch.float64):
    """Unrelated rows, or those of a singer alike; singers of one to about ten rows, in no order."""
    singers = torch.randint(-2, max(batch // 4, 0), (batch,), generator=generator)
    singers[:3] = torch.tensor([-1, -1, -2])  # at least one pair and two singers
    rows = torch.randn(batch, dim, generator=generator, dtype=dtype)
    centres = torch.randn(batch + 2, dim, generator=generator, dtype=dtype)
    return rows if noise is None else centres[singers] + noise * rows, singers


@pytest.mark.parametrize("noise", [None, 0.3])
@pytest.mark.parametrize("temperature", [0.005, 0.2, 10.0])
@pytest.mark.parametrize("dim", [1, 3, 128, 1000])
@pytest.mark.parametrize("batch", [3, 5, 17, 65, 257, 513])
def test_equals_the_formula(batch, dim, temperature, noise, device, generator):
    embeddings, singers = (x.to(device) for x in rows_and_singers(batch, dim, generator, noise))
    loss, gradient = loss_and_gradient(supervised_nt_xent, embeddings, singers, temperature)
    expected, expected_gradient = loss_and_gradient(reference, embeddings, singers, temperature)
    # The reference subtracts logits of up to 1 / temperature, each with a few roundings of a sum over dim.
    rounding = 8 * DOUBLE_EPSILON * math.sqrt(dim) / temperature
    assert abs(loss - expected) <= 1e-10 * expected + rounding
    # `rounding` in each softmax, whose gradient by a row is at most 2 / (temperature * length).
    assert (gradient - expected_gradient).norm() <= (
        1e-10 * expected_gradient.norm() + rounding * 2 / temperature / embeddings.norm(dim=1).min()
    )


@pytest.mark.parametrize("temperature", [0.005, 0.07, 0.2, 1.0, 10.0])
@pytest.mark.parametrize(("batch", "dim"), [(3, 2), (17, 64), (65, 3), (140, 1000), (513, 128)])
def test_float32_is_as_exact_as_its_input(batch, dim, temperature, device, generator):
    embeddings, singers = rows_and_singers(batch, dim, generator, dtype=torch.float32)
    embeddings, singers = embeddings.to(device), singers.to(device)
    loss, gradient = loss_and_gradient(supervised_nt_xent, embeddings, singers, temperature)
    exact, exact_gradient = loss_and_gradient(supervised_nt_xent, embeddings.double(), singers, temperature)
    assert loss.dtype == gradient.dtype == torch.float32
    # Half an ulp of z moves a cosine by 3e-8 and, at T = 0.005, its exponential by 6e-6: less in the mean.
    assert abs(loss.double() - exact) <= 1e-6 * exact
    assert (gradient.double() - exact_gradient).norm() <= 1e-5 * exact_gradient.norm()


def test_a_small_loss_keeps_its_digits_in_float32(device, generator):
    embeddings = torch.randn(8, 128, generator=generator, dtype=torch.float32).repeat(4, 1)
    embeddings = (embeddings + 0.1 * torch.randn(32, 128, generator=generator)).to(device)
    singers = torch.arange(32, device=device) % 8
    loss = supervised_nt_xent(embeddings, singers, 0.02)
    exact = supervised_nt_xent(embeddings.double(), singers, 0.02)
    assert exact < 1e-12  # logaddexp in float32 gives 0 or 1e-7 here
    # A cosine's error over the temperature.
    assert abs(loss.double() - exact) <= 4 * FLOAT_EPSILON / 0.02 * exact


@pytest.mark.parametrize("temperature", [0.005, 0.2, 10.0])
@pytest.mark.parametrize("batch", [2, 17, 140, 513])
def test_with_two_rows_of_every_singer_it_is_nt_xent(batch, temperature, device, generator):
    first, second = (view.to(device) for view in views(batch, 20, generator, 0.3))
    singers = torch.randperm(batch, generator=generator).to(device)
    loss, gradients = loss_and_gradients(
        lambda a, b: supervised_nt_xent(torch.cat([a, b]), singers.repeat(2), temperature), first, second
    )
    expected, expected_gradients = loss_and_gradients(nt_xent, first, second, temperature)
    # The sums come in another order; a rounding of a cosine counts 1 / temperature times.
    rounding = 64 * DOUBLE_EPSILON / temperature
    assert abs(loss - expected) <= rounding * expected
    assert (gradients - expected_gradients).norm() <= rounding * expected_gradients.norm()


def test_with_equally_many_rows_it_is_the_mean_over_pairs(device, generator):
    embeddings = torch.randn(60, 16, generator=generator, dtype=torch.float64).to(device)
    singers = torch.arange(60, device=device) % 12
    losses, positive = of_pairs(embeddings, singers, 0.2)
    # Two orders of the same sums.
    torch.testing.assert_close(
        supervised_nt_xent(embeddings, singers, 0.2), losses[positive].mean(), rtol=1e-13, atol=0
    )


def test_a_singer_weighs_as_many_times_as_it_has_rows(device):
    # All cosines are 0: an anchor costs the log of one and its negatives. Six rows, three and one.
    singers = torch.tensor([0, 1, 0, 2, 0, 0, 1, 0, 1, 0], device=device)
    loss = supervised_nt_xent(torch.eye(10, dtype=torch.float64, device=device), singers, 0.2)
    assert loss.item() == pytest.approx((6 * math.log(1 + 4) + 3 * math.log(1 + 7)) / 9, rel=1e-14)


def test_the_order_of_rows_and_the_names_of_singers_do_not_matter(device, generator):
    embeddings, singers = (x.to(device) for x in rows_and_singers(257, 20, generator))
    loss, gradient = loss_and_gradient(supervised_nt_xent, embeddings, singers, 0.1)
    order = torch.randperm(257, generator=generator).to(device)
    moved, moved_gradient = loss_and_gradient(supervised_nt_xent, embeddings[order], 7 - singers[order], 0.1)
    # Other orders of the same sums, a rounding of a cosine counted ten times.
    torch.testing.assert_close(moved, loss, rtol=1e-13, atol=0)
    assert (moved_gradient - gradient[order]).norm() <= 1e-13 * gradient.norm()


def test_one_singer_alone_has_no_negatives_and_costs_nothing(device, generator):
    embeddings = torch.randn(70, 8, generator=generator).to(device)
    singers = torch.full((70,), 3, device=device)
    loss, gradient = loss_and_gradient(supervised_nt_xent, embeddings, singers, 0.1)
    assert loss == 0
    assert torch.equal(gradient, torch.zeros_like(gradient))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("temperature", [0.005, 0.2, 10.0])
def test_collapsed_embeddings_cost_the_log_of_the_others(temperature, dtype, device, generator):
    row = torch.randn(1, 128, generator=generator, dtype=dtype).to(device)
    singers = torch.arange(140, device=device) % 20
    loss, gradient = loss_and_gradient(supervised_nt_xent, row.expand(140, -1), singers, temperature)
    # All cosines are 1 but for the rounding of a sum of 128 products; the means of 6 and of 140 are rounded.
    rounding = 16 * torch.finfo(dtype).eps
    assert abs(loss.item() - math.log(134)) <= rounding / temperature + rounding * math.log(134)
    # Either a rounding of the weights or of a logit, times the slope of 1 / temperature.
    assert gradient.abs().max() <= rounding / temperature * max(1, 1 / temperature)


@pytest.mark.parametrize("temperature", [0.005, 0.2, 10.0])
def test_antipodal_rows_are_finite_and_exact(temperature, device, generator):
    row = torch.randn(5, 16, generator=generator).to(device)
    embeddings, singers = torch.cat([row, -row]), torch.arange(5, device=device).repeat(2)
    loss, gradient = loss_and_gradient(supervised_nt_xent, embeddings, singers, temperature)
    expected = reference(embeddings.double(), singers, temperature)
    assert torch.isfinite(gradient).all()
    assert abs(loss.double() - expected) <= 1e-6 * expected


def test_zero_rows_are_orthogonal_to_all_and_finite(device):
    singers = torch.tensor([0, 0, 1, 1], device=device)
    loss, gradient = loss_and_gradient(supervised_nt_xent, torch.zeros(4, 3, device=device), singers, 0.5)
    # All cosines are 0: log(3) for every anchor.
    assert loss.item() == pytest.approx(math.log(3), rel=1e-6)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("row", [0, 3])
def test_nan_of_an_anchor_and_of_a_negative_stays_nan(row, device):
    embeddings = torch.ones(4, 8, device=device)
    embeddings[row, 2] = torch.nan
    assert supervised_nt_xent(embeddings, torch.tensor([1, 1, 2, 3], device=device), 0.2).isnan()


def test_without_a_positive_cuda_gives_nan_and_waits_for_nothing(device):
    if device.type != "cuda":
        pytest.skip("the CPU refuses it: test_labelled_errors.py")
    embeddings, singers = torch.eye(3, device=device), torch.arange(3, device=device)
    loss, gradient = loss_and_gradient(supervised_nt_xent, embeddings, singers, 0.2)
    assert loss.isnan()
    assert gradient.isnan().any()


def test_the_module_is_the_function(generator):
    embeddings, singers = rows_and_singers(9, 8, generator)
    assert torch.equal(SupervisedNTXent()(embeddings, singers), supervised_nt_xent(embeddings, singers, 0.2))
    assert repr(SupervisedNTXent(temperature=0.5)) == "SupervisedNTXent(temperature=0.5)"
