"""Native training with dropped branches, and of EfficientNet-B4: float32 on the CPU against float64.

The oracle is our own network in float64, made of PyTorch's operators, with the same draws; that one is held
against torchvision in test_efficientnet_dropping.
"""

import copy

import pytest
import torch
from tests.python.models.is_native import is_native
from tests.python.models.native_training import DIM, gradients_of, loss_of, relative_error

from singerprint.models import efficientnet_b0, efficientnet_b4

# Seen are 5e-6 and 2e-5 of B0, 1e-5 and 4e-5 of B4, which has twice the blocks.
EMBEDDING_BOUND = {"efficientnet_b0": 1e-5, "efficientnet_b4": 2e-5}
GRADIENT_BOUND = 1e-4


def dropping(make, probability=0.5, dropout=0.5):
    return make(1, DIM, dropout=dropout, stochastic_depth=probability).train()


def features_by(network, spectrograms, residual_scale):
    return network._call("_features", spectrograms, residual_scale)


@pytest.mark.parametrize(
    ("make", "probability", "batch", "mels", "frames"),
    [
        (efficientnet_b0, 0.5, 4, 96, 97),
        (efficientnet_b0, 0.9, 3, 65, 129),
        (efficientnet_b0, 0.5, 1, 80, 345),
        (efficientnet_b4, 0.0, 3, 65, 97),
        (efficientnet_b4, 0.5, 4, 96, 97),
    ],
)
def test_it_equals_float64_with_the_same_draws(generator, make, probability, batch, mels, frames):
    ours = dropping(make, probability)
    reference = copy.deepcopy(ours).double()
    mine = torch.randn(batch, 1, mels, frames, generator=generator).requires_grad_()
    other = mine.detach().double().requires_grad_()
    if probability:
        assert len(ours._scales(mine).residual.unique()) > 2  # zeros, and each block's 1 / (1 - probability)
    embeddings, expected = ours(mine), reference(other)
    assert relative_error(embeddings, expected) <= EMBEDDING_BOUND[ours.variant]
    loss_of(embeddings).backward()
    loss_of(expected).backward()
    assert relative_error(gradients_of(ours), gradients_of(reference)) <= GRADIENT_BOUND
    assert relative_error(mine.grad, other.grad) <= GRADIENT_BOUND
    for (name, buffer), expected in zip(ours.named_buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(buffer.to(expected.dtype), expected, rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize("make", [efficientnet_b0, efficientnet_b4])
def test_it_is_native(generator, make):
    network = dropping(make)
    spectrograms = torch.randn(3, 1, 40, 40, generator=generator)
    assert is_native(lambda: loss_of(network(spectrograms)).backward())
    scale = network._scales(spectrograms).residual
    assert is_native(lambda: features_by(network, spectrograms, scale.double()))
    assert not is_native(lambda: features_by(network, spectrograms, scale.clone().requires_grad_()))
    with torch.no_grad():  # which asks for no gradient of it
        assert is_native(lambda: features_by(network, spectrograms, scale.clone().requires_grad_()))


def test_a_factor_of_one_changes_no_bit(generator):
    network = dropping(efficientnet_b0)
    spectrograms = torch.randn(3, 1, 40, 40, generator=generator)
    results = []
    for scale in (None, torch.ones(9, 3)):
        network.zero_grad()
        features = features_by(network, spectrograms, scale)
        features[:, 0].sum().backward()
        results.append([features, *(parameter.grad for parameter in network.features.parameters())])
    assert all(torch.equal(mine, other) for mine, other in zip(*results, strict=True))


def test_dtype_and_layout_of_the_factors_do_not_matter(generator):
    network = dropping(efficientnet_b0)
    spectrograms = torch.randn(3, 1, 40, 40, generator=generator)
    scale = torch.tensor([0.0, 1.25, 2.0]).repeat(9, 1)
    expected = features_by(network, spectrograms, scale)
    for other in (scale.double(), scale.bfloat16(), scale.t().contiguous().t(), scale[:1].expand(9, 3)):
        assert torch.equal(features_by(network, spectrograms, other), expected)


def test_a_gradient_of_the_factors_is_that_of_the_operators(generator):
    network = dropping(efficientnet_b0)
    spectrograms = torch.randn(3, 1, 64, 66, generator=generator)
    mine = network._scales(spectrograms).residual.requires_grad_()
    other = mine.detach().double().requires_grad_()
    reference = copy.deepcopy(network).double()
    features_by(network, spectrograms, mine)[:, 0].sum().backward()
    features_by(reference, spectrograms.double(), other)[:, 0].sum().backward()
    # PyTorch's operators in float32: their channels_last batch norms leave some 1e-5.
    assert relative_error(mine.grad, other.grad) <= 1e-3


def test_changing_the_factors_before_the_gradient_is_refused(generator):
    network = dropping(efficientnet_b0)
    spectrograms = torch.randn(3, 1, 40, 40, generator=generator)
    scale = torch.ones(9, 3)
    features = features_by(network, spectrograms, scale)
    scale.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        features.sum().backward()
