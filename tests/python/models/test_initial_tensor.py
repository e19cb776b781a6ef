"""The first values of an EfficientNet's tensors."""

import torch

from singerprint.models import efficientnet_b0


def test_initial_weights_are_distributed_as_torchvisions(torchvision_network):
    ours, reference = efficientnet_b0(3, 1000).state_dict(), torchvision_network(3).state_dict()
    for key, tensor in ours.items():
        if key.endswith("0.weight") and tensor.dim() == 4:
            # The standard error of a spread over n values is 1 / sqrt(2 n), on both sides: 6 of them.
            bound = 6 / tensor.numel() ** 0.5
            assert abs(tensor.std() / reference[key].std() - 1) < bound, key
        elif not key.startswith("classifier"):
            assert tensor.dim() == 4 or torch.equal(tensor, reference[key]), key
    weight = ours["classifier.1.weight"]
    assert 0.999 / 1000**0.5 < weight.abs().max() <= 1 / 1000**0.5
    assert not ours["classifier.1.bias"].any()


def test_the_seed_alone_gives_the_initial_weights():
    before = torch.random.get_rng_state()
    first, again, other = efficientnet_b0(seed=1), efficientnet_b0(seed=1), efficientnet_b0(seed=2)
    assert torch.equal(torch.random.get_rng_state(), before)
    key = "features.1.0.block.0.0.weight"
    assert torch.equal(first.state_dict()[key], again.state_dict()[key])
    assert not torch.equal(first.state_dict()[key], other.state_dict()[key])
