"""The op and its module against torchvision and timm, and what an nn.Module must be able to do.

The oracles are compared in float64, where every difference in the order of operations is far below a wrong
formula, and once in float32 on spectrograms whose last feature map still has enough values for the variances
of the batch norms.
"""

import copy
import io
import pickle

import pytest
import timm
import torch
import torchvision
from torch import nn
from torch.library import opcheck

from singerprint.models import EfficientNet, efficientnet_b0

DIM = 24


def torchvision_network(in_channels, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = torchvision.models.efficientnet_b0(num_classes=DIM, dropout=0.0)
        if in_channels != 3:
            network.features[0][0] = nn.Conv2d(in_channels, 32, 3, stride=2, padding=1, bias=False)
    for module in network.modules():
        if isinstance(module, torchvision.ops.StochasticDepth):
            module.p = 0.0
    return network


def timm_network(reference, in_channels):
    network = timm.create_model("efficientnet_b0", num_classes=DIM, in_chans=in_channels)
    # Both list their tensors in the order of computation, under different keys.
    state = dict(zip(network.state_dict(), reference.state_dict().values(), strict=True))
    network.load_state_dict(state)
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


@pytest.fixture(params=[1, 3])
def pair(request):
    """Our network and torchvision's with the same weights, in training mode and float64."""
    reference = torchvision_network(request.param)
    ours = efficientnet_b0(in_channels=request.param, embedding_dim=DIM)
    ours.load_state_dict(reference.state_dict(), strict=True)
    return ours.double(), reference.double()


def spectrograms_for(network, generator, *, batch=3, mels=40, frames=33, dtype=torch.float64):
    return torch.randn(batch, network.in_channels, mels, frames, generator=generator, dtype=dtype)


def assert_equal_training(ours, reference, spectrograms, tolerance, of_one_tensor):
    """One training step: embeddings, gradients (by their norms) and buffers; the reference in float64.

    Relative errors: tolerance for the embeddings and buffers, 10 * tolerance for the gradient as a whole, and
    of_one_tensor for the part of it that belongs to one tensor.
    """
    weights = torch.linspace(-1, 1, DIM, dtype=torch.float64)
    mine, other = ours(spectrograms.to(ours.dtype)).double(), reference(spectrograms)
    assert (mine - other).norm() <= tolerance * other.norm()
    (mine * weights).sum().backward()
    (other * weights).sum().backward()
    gradients = torch.cat([parameter.grad.flatten() for parameter in ours.parameters()])
    expected = torch.cat([parameter.grad.flatten() for parameter in reference.parameters()])
    assert (gradients - expected).norm() <= 10 * tolerance * expected.norm()
    compared = 0
    for (name, parameter), other in zip(ours.named_parameters(), reference.parameters(), strict=True):
        if other.grad.norm() > 1e-9 * expected.norm():
            assert (parameter.grad - other.grad).norm() <= of_one_tensor * other.grad.norm(), name
            compared += 1
    # All but the shifts of 16 blocks' last batch norms: the next batch norm takes them out, their gradient is
    # 0.
    assert compared >= 213 - 16
    for (name, mine), other in zip(ours.named_buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(mine.to(other.dtype), other, rtol=tolerance, atol=tolerance, msg=name)


def test_training_equals_torchvision(pair, generator):
    ours, reference = pair
    # float64 has 2e-16: some hundred thousand roundings and the division by small variances leave 1e-11.
    assert_equal_training(ours, reference, spectrograms_for(ours, generator), 1e-11, of_one_tensor=1e-10)


def test_training_equals_timm(pair, generator):
    ours, reference = pair
    other = timm_network(reference, ours.in_channels).double().train()
    assert_equal_training(ours, other, spectrograms_for(ours, generator), 1e-11, of_one_tensor=1e-10)


def test_training_in_float32_equals_torchvision(pair, generator):
    ours, reference = pair[0].float(), pair[1]
    spectrograms = spectrograms_for(ours, generator, batch=4, mels=96, frames=97)
    # The promise: embeddings within 1e-5, gradients within 1e-4, relative. Most of it is used up by PyTorch's
    # channels_last batch norm, which adds the values of a channel up one by one in float32: torchvision's own
    # network is as far away in that format. For a single tensor up to 1.3e-4 was seen, over 8 sets of
    # weights.
    assert_equal_training(ours, reference, spectrograms, 1e-5, of_one_tensor=5e-4)


@pytest.mark.parametrize("grad", [True, False], ids=["batch norm", "folded"])
def test_eval_equals_torchvision_with_real_statistics(pair, generator, grad):
    ours, reference = (network.float() for network in pair)
    fit_statistics(reference, generator)
    ours.load_state_dict(reference.state_dict())
    ours, reference = ours.eval(), reference.eval()
    spectrograms = spectrograms_for(ours, generator, dtype=torch.float32)
    with torch.set_grad_enabled(grad):
        expected = reference(spectrograms)
        assert (expected[0] - expected[1]).abs().max() > 0.1  # there is something to compare
        torch.testing.assert_close(ours(spectrograms), expected, rtol=0, atol=1e-5)


def test_key_order_and_shapes_are_torchvisions():
    ours, reference = efficientnet_b0(3, DIM).state_dict(), torchvision_network(3).state_dict()
    assert [(key, tensor.shape, tensor.dtype) for key, tensor in ours.items()] == [
        (key, tensor.shape, tensor.dtype) for key, tensor in reference.items()
    ]


def test_initial_weights_are_distributed_as_torchvisions():
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


# What an nn.Module must be able to do.


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


def test_only_training_changes_the_buffers(network, spectrograms):
    before = copy.deepcopy(network.state_dict())
    network(spectrograms)
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    network.train()(spectrograms)
    changed = {key for key, tensor in network.state_dict().items() if not torch.equal(tensor, before[key])}
    assert changed == {name for name, _ in network.named_buffers()}
    assert network.state_dict()["features.0.1.num_batches_tracked"] == 2


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "torch.save", "assign"])
def test_copies_embed_alike_and_are_independent(network, spectrograms, how):
    expected = network(spectrograms)
    if how == "deepcopy":
        other = copy.deepcopy(network)
    elif how == "pickle":
        other = pickle.loads(pickle.dumps(network))
    elif how == "torch.save":
        buffer = io.BytesIO()
        torch.save(network, buffer)
        buffer.seek(0)
        other = torch.load(buffer, weights_only=False)
    else:
        with torch.device("meta"):
            other = efficientnet_b0(1, DIM)
        other.load_state_dict(copy.deepcopy(network.state_dict()), assign=True)
        other.eval()
    assert torch.equal(other(spectrograms), expected)
    with torch.no_grad():
        for tensor in other.parameters():
            tensor.zero_()
    assert torch.equal(network(spectrograms), expected)
    assert not other(spectrograms).any()


def test_to_moves_parameters_and_buffers(network, spectrograms):
    assert network.to(torch.float64) is network
    assert network(spectrograms.double()).dtype == torch.float64
    assert network.dtype == torch.float64
    assert network.bfloat16()(spectrograms.bfloat16()).dtype == torch.bfloat16


def test_on_the_meta_device_shapes_are_computed(network):
    result = network.to("meta")(torch.empty(5, 1, 80, 345, device="meta"))
    assert result.shape == (5, DIM)
    assert result.device.type == "meta"


@pytest.mark.parametrize("training", [True, False])
def test_autocast_computes_in_bfloat16(network, generator, training):
    network.train(training)
    spectrograms = torch.randn(4, 1, 64, 65, generator=generator)
    expected = copy.deepcopy(network)(spectrograms)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = network(spectrograms)
    assert result.dtype == torch.bfloat16
    # bfloat16 keeps 8 bits; 81 layers make 0.11 of it, and of torchvision's network 0.10.
    assert (result.float() - expected).norm() < 0.2 * expected.norm()
    result.float().sum().backward()
    assert all(parameter.grad.dtype == torch.float32 for parameter in network.parameters())


def test_hooks_see_input_output_and_gradient(network, spectrograms):
    seen = {}
    network.register_forward_pre_hook(lambda _, inputs: seen.update(input=inputs[0].shape))
    network.register_forward_hook(lambda _, inputs, output: seen.update(output=output.shape))
    network.register_full_backward_hook(lambda _, inputs, outputs: seen.update(gradient=outputs[0].shape))
    network(spectrograms.requires_grad_()).sum().backward()
    assert seen == {"input": (2, 1, 40, 33), "output": (2, DIM), "gradient": (2, DIM)}


def test_functional_call_takes_other_parameters(network, spectrograms):
    zeros = {name: torch.zeros_like(parameter) for name, parameter in network.named_parameters()}
    assert not torch.func.functional_call(network, zeros, spectrograms).any()


# The gradients of the depthwise filters have other strides in a dimension of size 1, which DDP remarks upon.
@pytest.mark.filterwarnings("ignore:Grad strides do not match")
def test_distributed_data_parallel_trains_alike(network, spectrograms, tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        parallel = nn.parallel.DistributedDataParallel(copy.deepcopy(network).train())
        parallel(spectrograms).square().sum().backward()
    finally:
        torch.distributed.destroy_process_group()
    network.train()(spectrograms).square().sum().backward()
    for mine, other in zip(network.parameters(), parallel.module.parameters(), strict=True):
        assert torch.equal(mine.grad, other.grad)


@pytest.mark.parametrize("training", [True, False])
def test_compiles_as_one_graph(network, spectrograms, training):
    network.train(training)
    eager = copy.deepcopy(network)
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    result, expected = compiled(spectrograms), eager(spectrograms)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-5)  # other orders of float32 sums
    result.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    for (name, mine), other in zip(network.named_buffers(), eager.buffers(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-6, msg=name)


# The op.


def arguments(network, spectrograms, training=False):
    parameters = [parameter.detach().clone() for parameter in network.parameters()]
    statistics = [
        buffer.clone() for name, buffer in network.named_buffers() if "num_batches_tracked" not in name
    ]
    return [spectrograms, parameters, statistics, training, 0.1, 1e-5]


def test_opcheck(network, spectrograms):
    # In training mode, in which the op changes its arguments.
    opcheck(torch.ops.singerprint.efficientnet_b0.default, arguments(network, spectrograms, training=True))


@pytest.mark.parametrize("training", [True, False])
def test_gradcheck_of_input_and_of_some_parameters(network, generator, training):
    # 6 x 2 x 2 values a channel: with fewer, the batch norms are too steep for differences.
    spectrograms = torch.randn(6, 1, 36, 40, generator=generator, dtype=torch.float64, requires_grad=True)
    values = arguments(network.double(), spectrograms, training)
    chosen = ["features.0.1.weight", "features.1.0.block.1.fc1.bias", "features.4.0.block.1.1.bias"]
    places = [[name for name, _ in network.named_parameters()].index(name) for name in chosen]

    def embed(spectrograms, *replaced):
        parameters = list(values[1])
        for place, tensor in zip(places, replaced, strict=True):
            parameters[place] = tensor
        statistics = [tensor.clone() for tensor in values[2]]
        return torch.ops.singerprint.efficientnet_b0(spectrograms, parameters, statistics, *values[3:])

    inputs = [values[1][place].clone().requires_grad_() for place in places]
    assert torch.autograd.gradcheck(embed, (spectrograms, *inputs), fast_mode=True)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_clips_of_a_batch_do_not_meet_in_eval_mode(network, generator, batch):
    spectrograms = torch.randn(batch, 1, 33, 41, generator=generator)
    alone = torch.cat([network(clip) for clip in spectrograms.split(1)])
    torch.testing.assert_close(network(spectrograms), alone, rtol=0, atol=1e-5)  # the project's promise


def test_non_contiguous_input_gives_the_same(network, generator):
    spectrograms = torch.randn(2, 33, 41, 2, generator=generator).permute(0, 3, 2, 1)[:, :1]
    with torch.no_grad():
        assert torch.equal(network(spectrograms), network(spectrograms.contiguous()))


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 1, 1, 3), (1, 1, 33, 1)])
def test_the_smallest_spectrograms_are_embedded(network, shape):
    assert network(torch.ones(shape)).isfinite().all()


def replaced(values, place, tensor):
    return [*values[:place], tensor, *values[place + 1 :]]


BAD_SPECTROGRAMS = [
    (
        torch.ones(1, 40, 33),
        ValueError,
        "efficientnet_b0: spectrograms must have shape (batch, channels, mels, frames), got [1, 40, 33]",
    ),
    (
        torch.ones(2, 3, 40, 33),
        ValueError,
        "efficientnet_b0: spectrograms must have shape (batch, channels, mels, frames) with channels = 1, "
        "got [2, 3, 40, 33]",
    ),
    (
        torch.ones(0, 1, 40, 33),
        ValueError,
        "efficientnet_b0: spectrograms must hold at least one clip, mel and frame, got [0, 1, 40, 33]",
    ),
    (
        torch.ones(2, 1, 40, 0),
        ValueError,
        "efficientnet_b0: spectrograms must hold at least one clip, mel and frame, got [2, 1, 40, 0]",
    ),
    (
        torch.ones(2, 1, 40, 33, dtype=torch.int64),
        TypeError,
        "efficientnet_b0: spectrograms must have a floating point dtype, got Long",
    ),
    (
        torch.ones(2, 1, 40, 33, dtype=torch.float64),
        TypeError,
        "efficientnet_b0: features.0.0.weight must have dtype Double, got Float",
    ),
    (
        torch.ones(2, 1, 40, 33, device="meta"),
        ValueError,
        "efficientnet_b0: features.0.0.weight must be on the device meta, got cpu",
    ),
]


@pytest.mark.parametrize(("spectrograms", "error", "sentence"), BAD_SPECTROGRAMS)
def test_bad_spectrograms_are_named(network, spectrograms, error, sentence):
    with pytest.raises(error) as caught:
        network(spectrograms)
    assert str(caught.value) == sentence


def test_one_value_per_channel_is_no_batch_to_train_on(network):
    network.train()(torch.ones(1, 1, 33, 32))
    with pytest.raises(ValueError) as caught:
        network(torch.ones(1, 1, 32, 32))
    assert str(caught.value) == (
        "efficientnet_b0: spectrograms must have more than 32 mels or frames to train on a single clip, "
        "got [1, 1, 32, 32]"
    )


def without_last(values, place):
    return replaced(values, place, values[place][:-1])


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            lambda values: without_last(values, 1),
            "efficientnet_b0: parameters must be 213 tensors, got 212",
        ),
        (
            lambda values: replaced(values, 1, []),
            "efficientnet_b0: parameters must be 213 tensors, got 0",
        ),
        (
            lambda values: without_last(values, 2),
            "efficientnet_b0: running_statistics must be 98 tensors, got 97",
        ),
        (
            lambda values: replaced(values, 1, [values[1][0], torch.ones(33), *values[1][2:]]),
            "efficientnet_b0: features.0.1.weight must have shape [32], got [33]",
        ),
        (
            lambda values: replaced(values, 2, [torch.ones(31), *values[2][1:]]),
            "efficientnet_b0: features.0.1.running_mean must have shape [32], got [31]",
        ),
        (lambda values: replaced(values, 4, 1.5), "efficientnet_b0: momentum must lie in [0, 1], got 1.5"),
        (lambda values: replaced(values, 5, 0.0), "efficientnet_b0: eps must be positive, got 0"),
    ],
)
def test_bad_arguments_are_named(network, spectrograms, spoil, sentence):
    with pytest.raises(ValueError) as caught:
        torch.ops.singerprint.efficientnet_b0(*spoil(arguments(network, spectrograms)))
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ((0, 1000), "efficientnet_b0: in_channels must be at least 1, got 0"),
        ((1, -1), "efficientnet_b0: embedding_dim must be at least 1, got -1"),
    ],
)
def test_bad_sizes_are_named(sizes, sentence):
    with pytest.raises(ValueError) as caught:
        EfficientNet(*sizes)
    assert str(caught.value) == sentence


def test_a_state_dict_that_does_not_fit_names_its_keys(network):
    state = network.state_dict()
    state["classifier.1.scale"] = state.pop("classifier.1.bias")
    with pytest.raises(RuntimeError, match=r'"classifier\.1\.bias"[^$]*"classifier\.1\.scale"'):
        network.load_state_dict(state)
