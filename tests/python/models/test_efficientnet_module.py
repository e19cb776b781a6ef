"""What an nn.Module must be able to do, of the module whose network is one op."""

import copy

import pytest
import torch
from tests.python.models.copies import COPIES
from torch import nn

from singerprint.models import efficientnet_b0


def test_only_training_changes_the_buffers(network, spectrograms):
    before = copy.deepcopy(network.state_dict())
    network(spectrograms)
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    network.train()(spectrograms)
    changed = {key for key, tensor in network.state_dict().items() if not torch.equal(tensor, before[key])}
    assert changed == {name for name, _ in network.named_buffers()}
    assert network.state_dict()["features.0.1.num_batches_tracked"] == 2


def assigned(network):
    with torch.device("meta"):
        other = efficientnet_b0(1, network.embedding_dim)
    other.load_state_dict(copy.deepcopy(network.state_dict()), assign=True)
    return other.eval()


@pytest.mark.parametrize("copied", [*COPIES, assigned], ids=lambda copied: copied.__name__)
def test_copies_embed_alike_and_are_independent(network, spectrograms, copied):
    expected = network(spectrograms)
    other = copied(network)
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
    assert result.shape == (5, network.embedding_dim)
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
    assert seen == {
        "input": (2, 1, 40, 33),
        "output": (2, network.embedding_dim),
        "gradient": (2, network.embedding_dim),
    }


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
def test_compiles_as_one_graph(network, generator, training):
    network.train(training)
    eager = copy.deepcopy(network)
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    spectrograms = torch.randn(4, 1, 96, 97, generator=generator)
    result, expected = compiled(spectrograms), eager(spectrograms)
    # Other orders of float32 sums; in training each path is within the promised 1e-5 of float64.
    assert (result - expected).norm() <= (2e-5 if training else 1e-5) * expected.norm()
    result.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    for (name, mine), other in zip(network.named_buffers(), eager.buffers(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-6, msg=name)


def test_a_state_dict_that_does_not_fit_names_its_keys(network):
    state = network.state_dict()
    state["classifier.1.scale"] = state.pop("classifier.1.bias")
    with pytest.raises(RuntimeError, match=r'"classifier\.1\.bias"[^$]*"classifier\.1\.scale"'):
        network.load_state_dict(state)
