"""Dropout and stochastic depth: torchvision's, drawn as a function of seed, batches so far and row."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.library import opcheck

from singerprint.models import efficientnet_b0, efficientnet_b4

SIZE = (4, 1, 33, 65)


class Scale(nn.Module):
    """Multiplies by what our network drew for the same place."""

    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, branch):
        return branch * self.scale.reshape(len(branch), *[1] * (branch.dim() - self.scale.dim()), -1)


def with_scales(reference, residual_scale, pooled_scale):
    """torchvision's network, its random layers replaced."""
    residual = [block for stage in reference.features[1:-1] for block in stage if block.use_res_connect]
    for block, scale in zip(residual, residual_scale.double(), strict=True):
        block.stochastic_depth = Scale(scale[:, None])
    reference.classifier[0] = Scale(pooled_scale.double())
    return reference


def dropping(network, dropout=0.5, stochastic_depth=0.5):
    network.dropout, network.stochastic_depth = dropout, stochastic_depth
    return network


@pytest.mark.parametrize("make", [efficientnet_b0, efficientnet_b4])
def test_training_equals_torchvisions_with_the_same_draws(generator, torchvision_network, make):
    ours = dropping(make(1, 24).double())
    reference = torchvision_network(1, variant=ours.variant).double()
    ours.load_state_dict(reference.state_dict())
    spectrograms = torch.randn(SIZE, generator=generator, dtype=torch.float64)
    scales = ours._scales(spectrograms)
    expected = with_scales(reference, *scales)(spectrograms)
    result = ours(spectrograms)
    assert (result - expected).norm() <= 1e-10 * expected.norm()  # float64, as without
    result.square().sum().backward()
    expected.square().sum().backward()
    whole = torch.stack([parameter.grad.norm() for parameter in reference.parameters()]).norm()
    for mine, other in zip(ours.parameters(), reference.parameters(), strict=True):
        assert (mine.grad - other.grad).norm() <= 1e-9 * other.grad.norm() + 1e-12 * whole
    for mine, other in zip(ours.buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-10)


def draws(network, batch):
    residual, pooled = network._scales(torch.empty(batch, 1, 1, 1))
    return residual, pooled


@pytest.mark.parametrize(
    ("make", "blocks", "shortcuts"), [(efficientnet_b0, 16, 9), (efficientnet_b4, 32, 25)]
)
def test_probabilities_are_torchvisions(torchvision_network, make, blocks, shortcuts):
    network = make(1, 24, dropout=0.4, stochastic_depth=0.2)
    residual, pooled = draws(network, 20_000)
    reference = [  # torchvision's own probabilities, at its default of 0.2
        0.2 * number / blocks
        for number, block in enumerate(
            block
            for stage in torchvision_network(1, variant=network.variant).features[1:-1]
            for block in stage
        )
        if block.use_res_connect
    ]
    assert residual.shape == (shortcuts, 20_000)
    for scale, probability in zip(residual, reference, strict=True):
        assert set(scale.unique().tolist()) <= {0.0, (1 / (1 - torch.tensor(probability))).item()}
        # 6 standard errors of a share of 20,000.
        bound = 6 * (probability * (1 - probability) / 20_000) ** 0.5
        assert abs((scale == 0).float().mean() - probability) <= bound + 1e-9
    assert abs((pooled == 0).float().mean() - 0.4) <= 6 * (0.24 / pooled.numel()) ** 0.5
    assert pooled.max() == pytest.approx(1 / 0.6)


def test_draws_are_of_seed_batches_and_row(generator):
    network = dropping(efficientnet_b0(1, 8, seed=5))
    residual, pooled = draws(network, 6)
    part, part_pooled = draws(network, 3)
    assert torch.equal(part, residual[:, :3]) and torch.equal(part_pooled, pooled[:3])
    network.first_row = 3
    assert torch.equal(draws(network, 3)[1], pooled[3:])
    network.first_row = 0
    assert torch.equal(draws(dropping(efficientnet_b0(1, 8, seed=5)), 6)[1], pooled)
    assert not torch.equal(draws(dropping(efficientnet_b0(1, 8, seed=6)), 6)[1], pooled)
    network(torch.randn(SIZE, generator=generator))
    assert not torch.equal(draws(network, 6)[1], pooled)


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "state dict"])
def test_a_copy_goes_on_with_the_same_draws(generator, how):
    network = efficientnet_b0(1, 8, dropout=0.5, stochastic_depth=0.5)
    spectrograms = torch.randn(SIZE, generator=generator)
    network(spectrograms)
    if how == "deepcopy":
        other = copy.deepcopy(network)
    elif how == "pickle":
        other = pickle.loads(pickle.dumps(network))
    else:
        other = efficientnet_b0(1, 8, dropout=0.5, stochastic_depth=0.5)
        other.load_state_dict(network.state_dict())
    assert torch.equal(other(spectrograms), network(spectrograms))


def test_the_global_generator_is_not_touched(generator):
    before = torch.random.get_rng_state()
    efficientnet_b0(1, 8, dropout=0.5, stochastic_depth=0.5)(torch.randn(SIZE, generator=generator))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_nothing_is_dropped_in_eval_mode_or_at_0(network, spectrograms):
    expected = network(spectrograms)
    assert torch.equal(dropping(network)(spectrograms), expected)
    assert dropping(network, 0.0, 0.0).train()._scales(spectrograms) == (None, None)
    assert dropping(network, 0.5, 0.0)._scales(spectrograms)[0] is None
    assert dropping(network, 0.0, 0.5)._scales(spectrograms)[1] is None


def test_autocast_drops_too(generator):
    network = efficientnet_b0(1, 8, dropout=0.5, stochastic_depth=0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = network(torch.randn(4, 1, 64, 65, generator=generator))
    result.float().sum().backward()
    assert result.dtype == torch.bfloat16
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
@pytest.mark.parametrize("name", ["dropout", "stochastic_depth"])
def test_bad_probabilities_are_named(name, value):
    with pytest.raises(ValueError) as caught:
        efficientnet_b0(**{name: value})
    assert str(caught.value) == f"efficientnet_b0: {name} must lie in [0, 1), got {value}"


def op_arguments(network, spectrograms, residual_scale, pooled_scale, training=True):
    parameters = [parameter.detach().clone() for parameter in network.parameters()]
    statistics = [tensor.clone() for name, tensor in network.named_buffers() if "num_batches" not in name]
    return [spectrograms, parameters, statistics, training, 0.1, 1e-5, residual_scale, pooled_scale]


def test_the_op_in_eval_mode_takes_scales_too(network, spectrograms):
    ones = torch.ones(9, 2), torch.ones(2, 1280)
    values = op_arguments(network, spectrograms, *ones, training=False)
    expected = torch.ops.singerprint.efficientnet_b0(*values[:-2])
    result = torch.ops.singerprint.efficientnet_b0(*values)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-5)  # the promise
    nothing = torch.ops.singerprint.efficientnet_b0(*values[:-1], torch.zeros(2, 1280))
    assert torch.equal(nothing, network.get_parameter("classifier.1.bias").detach().expand(2, -1))


@pytest.mark.parametrize(
    ("residual", "pooled", "error", "sentence"),
    [
        (torch.ones(8, 2), None, ValueError, "residual_scale must have shape [9, 2], got [8, 2]"),
        (torch.ones(9, 3), None, ValueError, "residual_scale must have shape [9, 2], got [9, 3]"),
        (torch.ones(9), None, ValueError, "residual_scale must have shape [9, 2], got [9]"),
        (None, torch.ones(2, 1281), ValueError, "pooled_scale must have shape [2, 1280], got [2, 1281]"),
        (torch.ones(9, 2, dtype=torch.bool), None, TypeError,
         "residual_scale must have a floating point dtype, got Bool"),
        (None, torch.ones(2, 1280, device="meta"), ValueError,
         "pooled_scale must be on the device cpu, got meta"),
    ],
)  # fmt: skip
def test_bad_scales_are_named(network, spectrograms, residual, pooled, error, sentence):
    with pytest.raises(error) as caught:
        torch.ops.singerprint.efficientnet_b0(*op_arguments(network, spectrograms, residual, pooled))
    assert str(caught.value) == f"efficientnet_b0: {sentence}"


def test_opcheck(network, spectrograms):
    scales = draws(dropping(network.train()), 2)
    values = op_arguments(network, spectrograms, *scales)
    opcheck(
        torch.ops.singerprint.efficientnet_b0.default, values, test_utils=("test_schema", "test_faketensor")
    )
