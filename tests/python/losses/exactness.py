"""How near a loss of two views must come to its formula, and in float32 to itself in float64."""

import math

import torch
from tests.python.losses.gradients import loss_and_gradients

DOUBLE_EPSILON = torch.finfo(torch.float64).eps


def assert_equals_the_formula(contrastive, reference, pair, temperature):
    loss, gradients = loss_and_gradients(contrastive, *pair, temperature)
    expected, expected_gradients = loss_and_gradients(reference, *pair, temperature)
    # Both subtract logits of up to 1 / temperature, each with a few roundings of a sum over dim.
    rounding = 8 * DOUBLE_EPSILON * math.sqrt(pair[0].shape[1]) / temperature
    assert abs(loss - expected) <= 1e-10 * abs(expected) + rounding
    # `rounding` in each softmax, whose gradient by a row is at most 2 / (temperature * length).
    lengths = torch.cat(pair).norm(dim=1)
    assert (gradients - expected_gradients).norm() <= (
        1e-10 * expected_gradients.norm() + rounding * 2 / temperature / lengths.min()
    )


def assert_float32_is_as_exact_as_its_input(contrastive, pair, temperature, size=None):
    """`size`: what the loss is the difference of, where it may be 0 itself."""
    loss, gradients = loss_and_gradients(contrastive, *pair, temperature)
    exact, exact_gradients = loss_and_gradients(contrastive, *(view.double() for view in pair), temperature)
    assert loss.dtype == gradients.dtype == torch.float32
    # Half an ulp of z moves a cosine by 3e-8 and, at T = 0.005, its exponential by 6e-6: less in the mean.
    assert abs(loss.double() - exact) <= 1e-6 * (exact if size is None else size)
    assert (gradients.double() - exact_gradients).norm() <= 1e-5 * exact_gradients.norm()
