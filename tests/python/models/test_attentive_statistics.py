"""Weighted mean and deviation of frames, and what the weights are made of."""

import pytest
import torch
from torch.library import opcheck

from singerprint.models import AttentiveStatistics, attentive_statistics

EPS = 1e-6


def reference(frames, scores):
    """Okabe et al. 2018, equations 3 to 6: https://arxiv.org/abs/1803.10963."""
    weights = scores.exp() / scores.exp().sum(dim=1, keepdim=True)
    mean = torch.einsum("bt,bdt->bd", weights, frames)
    variance = torch.einsum("bt,bdt->bd", weights, frames**2) - mean**2
    return torch.cat([mean, variance.sqrt()], dim=1)


@pytest.fixture
def inputs(generator):
    frames = torch.randn(3, 5, 7, generator=generator, dtype=torch.float64) + 2
    return frames, torch.randn(3, 7, generator=generator, dtype=torch.float64)


def test_it_equals_the_papers_formula(inputs):
    # A difference of squares about 4 in float64: 1e-15, under a root.
    torch.testing.assert_close(attentive_statistics(*inputs), reference(*inputs), rtol=0, atol=1e-12)


def test_the_order_of_frames_does_not_matter(inputs, generator):
    order = torch.randperm(7, generator=generator)
    mixed = attentive_statistics(*(tensor[..., order] for tensor in inputs))
    torch.testing.assert_close(mixed, attentive_statistics(*inputs), rtol=0, atol=1e-14)


def test_a_number_added_to_all_scores_does_not_matter(inputs):
    frames, scores = inputs
    moved = attentive_statistics(frames, scores + 1000)
    torch.testing.assert_close(moved, attentive_statistics(frames, scores), rtol=0, atol=1e-12)  # 1e-13 lost


def test_a_single_frame_is_its_own_mean(inputs):
    frames, scores = (tensor[..., :1] for tensor in inputs)
    result = attentive_statistics(frames, scores)
    assert torch.equal(result[:, :5], frames[..., 0])
    assert torch.equal(result[:, 5:], torch.full_like(frames[..., 0], EPS).sqrt())


@pytest.mark.parametrize("value", [0.0, 1.0, 1e4])
def test_equal_frames_have_a_gradient_without_nan(value):
    frames = torch.full((2, 5, 7), value, requires_grad=True)
    scores = torch.zeros(2, 7, requires_grad=True)
    attentive_statistics(frames, scores).sum().backward()
    torch.testing.assert_close(frames.grad, torch.full_like(frames, 1 / 7))  # of the mean alone
    # By translation of all frames nothing is gained: 0 but for the rounding of value / 7.
    assert scores.grad.abs().max() <= 1e-6 * max(value, 1)


def test_half_precision_is_summed_in_float32(inputs):
    frames, scores = (tensor.bfloat16() for tensor in inputs)
    expected = attentive_statistics(frames.float(), scores.float()).bfloat16()
    assert torch.equal(attentive_statistics(frames, scores), expected)


def test_non_contiguous_input_and_no_clip(inputs):
    frames, scores = inputs
    transposed = frames.transpose(1, 2).contiguous().transpose(1, 2)
    expected = attentive_statistics(frames, scores)
    # The order of a sum of 7.
    torch.testing.assert_close(attentive_statistics(transposed, scores), expected, rtol=0, atol=1e-14)
    assert attentive_statistics(frames[:0], scores[:0]).shape == (0, 10)


def test_gradcheck(inputs):
    frames, scores = (tensor.requires_grad_() for tensor in inputs)
    assert torch.autograd.gradcheck(attentive_statistics, (frames, scores))
    assert torch.autograd.gradgradcheck(attentive_statistics, (frames, scores))


def test_opcheck(inputs):
    frames, scores = (tensor.requires_grad_() for tensor in inputs)
    opcheck(torch.ops.singerprint.attentive_statistics.default, (frames, scores, EPS))


def test_compiles_as_one_graph(generator):
    module = AttentiveStatistics(5)
    frames = torch.randn(2, 5, 11, generator=generator)
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(frames), module(frames))


@pytest.mark.parametrize(
    ("frames", "scores", "eps", "error", "sentence"),
    [
        (torch.ones(2, 7), torch.ones(2, 7), EPS, ValueError,
         "frames must have shape (batch, dim, frames), got [2, 7]"),
        (torch.ones(2, 5, 0), torch.ones(2, 0), EPS, ValueError,
         "frames must hold at least one frame, got [2, 5, 0]"),
        (torch.ones(2, 5, 7), torch.ones(2, 6), EPS, ValueError, "scores must have shape [2, 7], got [2, 6]"),
        (torch.ones(2, 5, 7), torch.ones(14), EPS, ValueError, "scores must have shape [2, 7], got [14]"),
        (torch.ones(2, 5, 7), torch.ones(2, 7), 0.0, ValueError, "eps must be positive, got 0"),
        (torch.ones(2, 5, 7, dtype=torch.int64), torch.ones(2, 7), EPS, TypeError,
         "frames must have a floating point dtype, got Long"),
        (torch.ones(2, 5, 7), torch.ones(2, 7, dtype=torch.bool), EPS, TypeError,
         "scores must have a floating point dtype, got Bool"),
        (torch.ones(2, 5, 7), torch.ones(2, 7, device="meta"), EPS, ValueError,
         "scores must be on the device cpu, got meta"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(frames, scores, eps, error, sentence):
    with pytest.raises(error) as caught:
        attentive_statistics(frames, scores, eps)
    assert str(caught.value) == f"attentive_statistics: {sentence}"


def test_scores_are_a_perceptron_of_each_frame(generator):
    module = AttentiveStatistics(5, 3, generator=generator)
    frames = torch.randn(2, 5, 11, generator=generator)
    hidden = torch.tanh(torch.einsum("hd,bdt->bth", module.hidden.weight, frames) + module.hidden.bias)
    scores = torch.einsum("h,bth->bt", module.score.weight[0], hidden)
    # Sums of 5 and 3 products in another order.
    torch.testing.assert_close(module(frames), attentive_statistics(frames, scores), rtol=0, atol=1e-5)


def test_the_generator_alone_gives_the_initial_weights():
    before = torch.random.get_rng_state()
    first, again = (AttentiveStatistics(4, 2, generator=torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.hidden.weight, again.hidden.weight)
    assert not torch.equal(first.hidden.weight, AttentiveStatistics(4, 2).hidden.weight)
    with pytest.raises(ValueError) as caught:
        AttentiveStatistics(4, 0)
    assert str(caught.value) == "attentive_statistics: hidden_dim must be at least 1, got 0"
