import itertools
import math

import pytest
import torch
from tests.python.losses.gradients import loss_and_gradients, views

from singerprint.losses import AMSoftmax, am_softmax

DOUBLE_EPSILON = torch.finfo(torch.float64).eps
FLOAT_EPSILON = torch.finfo(torch.float32).eps


def reference(embeddings, weights, singers, scale, margin):
    """Wang et al. 2018, equation 6 (https://arxiv.org/abs/1801.05599), by cross entropy."""
    cosines = torch.nn.functional.normalize(embeddings) @ torch.nn.functional.normalize(weights).T
    taken_off = margin * torch.nn.functional.one_hot(singers, len(weights)).to(cosines.dtype)
    return torch.nn.functional.cross_entropy(scale * (cosines - taken_off), singers)


def problem(batch, singers, dim, generator, dtype=torch.float64):
    return (
        torch.randn(batch, dim, generator=generator, dtype=dtype),
        torch.randn(singers, dim, generator=generator, dtype=dtype),
        torch.randint(singers, (batch,), generator=generator),
    )


@pytest.mark.parametrize("margin", [0.0, 0.2, 2.0])
@pytest.mark.parametrize("scale", [0.1, 30.0, 200.0])
@pytest.mark.parametrize(
    ("batch", "singers", "dim"),
    [
        (1, 1, 1),
        (1, 2, 3),
        (3, 1, 5),
        (17, 700, 1),
        (65, 3, 1000),
        (140, 257, 128),
        (513, 65, 3),
        (513, 513, 64),
    ],
)
def test_equals_the_formula(batch, singers, dim, scale, margin, device, generator):
    embeddings, weights, truth = (x.to(device) for x in problem(batch, singers, dim, generator))
    loss, gradients = loss_and_gradients(am_softmax, embeddings, weights, truth, scale, margin)
    expected, expected_gradients = loss_and_gradients(reference, embeddings, weights, truth, scale, margin)
    # The reference subtracts logits of up to 3 * scale, each with a few roundings of a sum over dim.
    rounding = 24 * DOUBLE_EPSILON * math.sqrt(dim) * scale
    assert abs(loss - expected) <= 1e-10 * expected + rounding
    # `rounding` in each softmax, whose gradient by a row is at most 2 * scale / length.
    lengths = torch.cat([embeddings, weights]).norm(dim=1)
    assert (gradients - expected_gradients).norm() <= (
        1e-10 * expected_gradients.norm() + rounding * 2 * scale / lengths.min()
    )


@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0, 30.0, 200.0])
@pytest.mark.parametrize(
    ("batch", "singers", "dim"), [(9, 2, 3), (65, 3, 128), (140, 300, 64), (17, 700, 1000), (513, 65, 32)]
)
def test_float32_is_as_exact_as_its_input(batch, singers, dim, scale, device, generator):
    *matrices, truth = (x.to(device) for x in problem(batch, singers, dim, generator, torch.float32))
    loss, gradients = loss_and_gradients(am_softmax, *matrices, truth, scale, 0.2)
    exact, exact_gradients = loss_and_gradients(
        am_softmax, *(x.double() for x in matrices), truth, scale, 0.2
    )
    assert loss.dtype == gradients.dtype == torch.float32
    # Half an ulp of z moves a cosine by 3e-8 and, at 200, its exponential by 6e-6: less in the mean.
    assert abs(loss.double() - exact) <= 1e-6 * exact
    assert (gradients.double() - exact_gradients).norm() <= 1e-5 * exact_gradients.norm()


def test_a_small_loss_keeps_its_digits_in_float32(device, generator):
    weights, embeddings = views(32, 128, generator, 0.1, dtype=torch.float32)
    arguments = (torch.arange(32, device=device), 50.0, 0.0)
    loss = am_softmax(embeddings.to(device), weights.to(device), *arguments)
    exact = am_softmax(embeddings.double().to(device), weights.double().to(device), *arguments)
    assert exact < 1e-12  # cross entropy in float32 gives 0 or 1e-7 here
    assert abs(loss.double() - exact) <= 4 * FLOAT_EPSILON * 50 * exact  # a cosine's error times the scale


def test_without_a_margin_it_is_cross_entropy_of_the_cosines(device, generator):
    embeddings, weights, singers = (x.to(device) for x in problem(33, 9, 20, generator))
    cosines = torch.nn.functional.cosine_similarity(embeddings[:, None], weights, dim=2)
    expected = torch.nn.functional.cross_entropy(30 * cosines, singers)
    assert abs(am_softmax(embeddings, weights, singers, 30.0, 0.0) - expected) <= 1e-13 * expected


def test_a_margin_makes_every_embedding_cost_more(device, generator):
    embeddings, weights, singers = (x.to(device) for x in problem(33, 9, 20, generator))
    losses = [am_softmax(embeddings, weights, singers, 30.0, margin) for margin in (0.0, 0.1, 0.2, 0.4)]
    assert losses == sorted(losses)
    # The slope by the margin is the scale times what the softmax misses: at most the scale.
    assert all(0 < (b - a).item() <= 30.0 * 0.2 for a, b in itertools.pairwise(losses))


@pytest.mark.parametrize("scale", [0.1, 30.0, 200.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_collapsed_rows_cost_the_log_of_the_singers(scale, dtype, device, generator):
    row = torch.randn(1, 128, generator=generator, dtype=dtype).to(device)
    singers = torch.arange(70, device=device)
    loss, gradients = loss_and_gradients(
        am_softmax, row.expand(70, -1), row.expand(140, -1) * 3, singers, scale, 0.0
    )
    # All cosines are 1 but for the rounding of a sum of 128 products; the mean over 70 rows is rounded.
    rounding = 8 * torch.finfo(dtype).eps
    assert abs(loss.item() - math.log(140)) <= rounding * scale + rounding * math.log(140)
    # Either a rounding of the weights or of a logit, times the slope of the scale.
    assert gradients.abs().max() <= rounding * scale * max(scale, 1)


@pytest.mark.parametrize("scale", [0.1, 30.0, 200.0])
def test_antipodal_rows_are_finite_and_exact(scale, device, generator):
    weights = torch.randn(5, 16, generator=generator).to(device)
    singers = torch.arange(5, device=device)
    loss, gradients = loss_and_gradients(am_softmax, -weights, weights, singers, scale, 0.2)
    expected = reference(-weights.double(), weights.double(), singers, scale, 0.2)
    assert torch.isfinite(gradients).all()
    assert abs(loss.double() - expected) <= 1e-6 * expected


def test_zero_rows_are_orthogonal_to_all_and_finite(device):
    singers = torch.tensor([0, 2, 2], device=device)
    loss, gradients = loss_and_gradients(
        am_softmax, torch.zeros(3, 4, device=device), torch.eye(3, 4, device=device), singers, 30.0, 0.0
    )
    assert loss.item() == pytest.approx(math.log(3), rel=1e-6)  # all cosines are 0
    assert torch.isfinite(gradients).all()


def test_a_singer_who_is_not_in_the_batch_is_pushed_away_only(device, generator):
    embeddings, weights, _ = (x.to(device) for x in problem(9, 4, 6, generator))
    singers = torch.tensor([0, 1, 3], device=device).repeat(3)
    _, gradients = loss_and_gradients(am_softmax, embeddings, weights, singers, 5.0, 0.2)
    moved = weights[2] - 0.01 * gradients[9 + 2]
    towards = torch.nn.functional.cosine_similarity(embeddings, weights[2], dim=1)
    away = torch.nn.functional.cosine_similarity(embeddings, moved, dim=1)
    weight = torch.softmax(5 * torch.cosine_similarity(embeddings[:, None], weights, dim=2), dim=1)[:, 2]
    assert (weight * away).sum() < (weight * towards).sum()


def test_nan_of_a_weight_stays_nan(device):
    weights = torch.eye(3, device=device)
    weights[1, 2] = torch.nan
    singers = torch.zeros(2, dtype=torch.int64, device=device)
    assert am_softmax(torch.ones(2, 3, device=device), weights, singers).isnan()


def test_a_singer_outside_gives_nan_on_cuda_and_waits_for_nothing(device):
    if device.type != "cuda":
        pytest.skip("the CPU refuses it: test_labelled_errors.py")
    singers = torch.tensor([0, 3], device=device)
    loss, gradients = loss_and_gradients(
        am_softmax, torch.ones(2, 3, device=device), torch.eye(3, device=device), singers
    )
    assert loss.isnan()
    assert gradients.isnan().any()


def test_the_module_is_the_function(generator):
    embeddings, _, singers = problem(5, 3, 8, generator, torch.float32)
    module = AMSoftmax(8, 3)
    assert torch.equal(
        module(embeddings, singers), am_softmax(embeddings, module.weights, singers, 30.0, 0.2)
    )
    assert repr(module) == "AMSoftmax(dim=8, singers=3, scale=30.0, margin=0.2)"
    assert list(module.state_dict()) == ["weights"]


def test_the_first_directions_depend_on_the_seed_alone():
    state = torch.get_rng_state()
    weights = [AMSoftmax(8, 300, seed=seed).weights for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    torch.testing.assert_close(weights[0].norm(dim=1), torch.ones(300))


def test_a_few_steps_learn_the_singers(generator):
    centres = torch.randn(6, 16, generator=generator)
    singers = torch.arange(60) % 6
    embeddings = centres[singers] + 0.3 * torch.randn(60, 16, generator=generator)
    objective = AMSoftmax(16, 6)
    optimizer = torch.optim.SGD(objective.parameters(), lr=0.1)
    for _ in range(50):
        optimizer.zero_grad()
        objective(embeddings, singers).backward()
        optimizer.step()
    cosines = torch.nn.functional.normalize(embeddings) @ torch.nn.functional.normalize(objective.weights).T
    assert torch.equal(cosines.argmax(dim=1), singers)
