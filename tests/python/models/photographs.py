"""torchvision's and timm's networks of photographs, with random weights and statistics that fit them."""

import timm
import torch
import torchvision
from torch import nn


def randomised(network, seed):
    """A network of photographs whose every weight and statistic is its own."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() < 2:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
            else:
                nn.init.kaiming_normal_(parameter, generator=generator)
            assert parameter.isfinite().all(), name
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.randn(8, 3, 96, 96, generator=generator))
    return network.eval()


def torchvision_network():
    return randomised(torchvision.models.efficientnet_b0(dropout=0.0, stochastic_depth_prob=0.0), 1)


def timm_network():
    return randomised(timm.create_model("efficientnet_b0"), 2)
