"""EfficientNet-B0 against torchvision's: same weights, one channel, clips of 4 s.

In both memory formats; training also against the channels_last network compiled by torch.compile (inductor).
"""

import copy
from functools import partial

import torch
import torchvision
from benchmarks.harness import compare
from torch import nn

from singerprint.models import efficientnet_b0

MELS, FRAMES = 80, 345  # 4 s at 44.1 kHz, hop 512


def torchvision_network(in_channels):
    """Without dropout and stochastic depth, which the op does not have."""
    reference = torchvision.models.efficientnet_b0(num_classes=1000, dropout=0.0)
    reference.features[0][0] = nn.Conv2d(in_channels, 32, 3, stride=2, padding=1, bias=False)
    for module in reference.modules():
        if isinstance(module, torchvision.ops.StochasticDepth):
            module.p = 0.0
    return reference


def networks():
    """Ours first."""
    reference = torchvision_network(in_channels=1)
    ours = efficientnet_b0(in_channels=1, embedding_dim=1000)
    ours.load_state_dict(reference.state_dict())
    channels_last = copy.deepcopy(reference).to(memory_format=torch.channels_last)
    return {"singerprint": ours, "torchvision": reference, "torchvision channels_last": channels_last}


def macs_of(network, spectrograms):
    """Multiply-adds of one clip in convolutions and linear layers."""
    total = 0

    def count(module, _, output):
        nonlocal total
        total += output[0].numel() * module.weight[0].numel()

    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        network(spectrograms[:1])
    for hook in hooks:
        hook.remove()
    return total


def checked_equal(case, functions):
    """Every contender's result against ours."""
    results = {name: function() for name, function in functions.items()}
    ours = results["singerprint"]
    for name, result in results.items():
        error = ((result - ours).norm() / ours.norm()).item()
        # Training: PyTorch's channels_last batch norms round by some 1e-5 (see the op's tests).
        if not error < 1e-4:
            raise AssertionError(f"efficientnet_b0: {name} differs by {error:.1e} at {case}")
    return functions


def in_format_of(name, spectrograms):
    """What a user of that contender would hand over."""
    channels_last = "channels_last" in name
    return spectrograms.to(memory_format=torch.channels_last) if channels_last else spectrograms


def inference(models, batch):
    spectrograms = torch.randn(batch, 1, MELS, FRAMES)
    macs = macs_of(models["torchvision"].eval(), spectrograms)

    def embed(name):
        with torch.inference_mode():
            return models[name].eval()(in_format_of(name, spectrograms))

    case = f"inference {batch} x 1 x {MELS} x {FRAMES}"
    functions = checked_equal(case, {name: partial(embed, name) for name in models})
    return with_clips_per_second(batch, compare(case, functions, flops=2 * batch * macs, seconds=3.0))


def training(models, batch):
    channels_last = copy.deepcopy(models["torchvision channels_last"]).train()
    models = {**models, "torch.compile channels_last": torch.compile(channels_last)}
    spectrograms = torch.randn(batch, 1, MELS, FRAMES)
    weights = torch.randn(batch, 1000)

    def step(name):
        network = models[name].train()
        network.zero_grad()
        embeddings = network(in_format_of(name, spectrograms))
        (embeddings * weights).sum().backward()
        return embeddings.detach()

    def embeddings_and_gradients(name):
        embeddings = step(name)
        gradients = torch.cat([parameter.grad.flatten() for parameter in models[name].parameters()])
        return torch.cat([embeddings.flatten() / embeddings.norm(), gradients / gradients.norm()])

    case = f"training step {batch} x 1 x {MELS} x {FRAMES}"
    checked_equal(case, {name: partial(embeddings_and_gradients, name) for name in models})
    functions = {name: partial(step, name) for name in models}
    return with_clips_per_second(batch, compare(case, functions, seconds=5.0))


def with_clips_per_second(batch, rows):
    return [{**row, "clips_per_s": batch / row["median_ms"] * 1e3} for row in rows]


def fit_statistics(network):
    """Running statistics that fit the weights: with the initial ones all embeddings are near 0."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.randn(8, network.features[0][0].in_channels, MELS, FRAMES))
    for norm in norms:
        norm.momentum = 0.1


def run():
    torch.manual_seed(0)
    models = networks()
    fit_statistics(models["torchvision"])
    for network in models.values():
        network.load_state_dict(models["torchvision"].state_dict())
    return [*inference(models, 1), *inference(models, 32), *training(models, 16)]
