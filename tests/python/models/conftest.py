"""Networks that the encoder's tests share: torchvision's with fixed weights, and ours with the same."""

import pytest
import torch
import torchvision
from torch import nn

from singerprint.models import efficientnet_b0, efficientnet_b4

DIM = 24  # length of an embedding: the last layer is as simple at any


def torchvision_network(in_channels, seed=0, variant="efficientnet_b0"):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = getattr(torchvision.models, variant)(num_classes=DIM, dropout=0.0)
        if in_channels != 3:
            stem = network.features[0][0]
            network.features[0][0] = nn.Conv2d(
                in_channels, stem.out_channels, 3, stride=2, padding=1, bias=False
            )
    for module in network.modules():
        if isinstance(module, torchvision.ops.StochasticDepth):
            module.p = 0.0
    return network


def fit_statistics(reference, generator):
    """Sets the running statistics to those of a batch: at the initial ones the signal dies out.

    8 x 3 x 3 values a channel are left at the end: with fewer they would not hold for another batch.
    """
    channels = reference.features[0][0].in_channels
    spectrograms = torch.randn(8, channels, 96, 96, generator=generator)
    norms = [module for module in reference.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        reference.train()(spectrograms)
    for norm in norms:
        norm.momentum = 0.1


@pytest.fixture(name="torchvision_network")
def torchvision_network_fixture():
    """The function of that name, for tests that make their own."""
    return torchvision_network


@pytest.fixture(params=[1, 3])
def pair(request):
    """Our network and torchvision's with the same weights, in training mode and float64."""
    reference = torchvision_network(request.param)
    ours = efficientnet_b0(in_channels=request.param, embedding_dim=DIM)
    ours.load_state_dict(reference.state_dict(), strict=True)
    return ours.double(), reference.double()


@pytest.fixture
def b4_pair():
    """As `pair`, of EfficientNet-B4 on one channel."""
    reference = torchvision_network(1, variant="efficientnet_b4")
    ours = efficientnet_b4(in_channels=1, embedding_dim=DIM)
    ours.load_state_dict(reference.state_dict(), strict=True)
    return ours.double(), reference.double()


@pytest.fixture
def fitted_b4_pair(b4_pair, generator):
    """As `fitted_pair`, of EfficientNet-B4 on one channel."""
    return fitted(b4_pair, generator)


@pytest.fixture
def fitted_pair(pair, generator):
    """The pair in float32 and eval mode, with running statistics that fit the weights."""
    return fitted(pair, generator)


def fitted(pair, generator):
    ours, reference = (network.float() for network in pair)
    fit_statistics(reference, generator)
    ours.load_state_dict(reference.state_dict())
    return ours.eval(), reference.eval()


@pytest.fixture
def network():
    """A network in eval mode whose statistics fit its weights."""
    reference = torchvision_network(1)
    fit_statistics(reference, torch.Generator().manual_seed(1))
    network = efficientnet_b0(1, DIM)
    network.load_state_dict(reference.state_dict())
    return network.eval()


@pytest.fixture
def spectrograms(generator):
    return torch.randn(2, 1, 40, 33, generator=generator)
