"""What PyTorch's users do to an nn.Module, done to the network and to the encoder.

A torch::nn::Module bound to Python loses most of this (state_dict, copies, chained calls, tracing); that is
why one op computes the network and a Python module owns the tensors. test_efficientnet_module.py has what is
particular to the network: its buffers, autocast, hooks and compilation.
"""

import copy
import io

import pytest
import torch
from tests.python.distributed.rank_processes import run_on_ranks
from tests.python.models.copies import COPIES
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from singerprint.models import EfficientNet, EncoderConfig, SingerEncoder, efficientnet_b0

DIM = 8
CONFIG = EncoderConfig(embedding_dim=DIM, n_mels=40)


def fitted(module, inputs):
    """In eval mode, with statistics of these inputs: at the initial ones the signal dies out."""
    network = module if isinstance(module, EfficientNet) else module.network
    patch = pytest.MonkeyPatch()
    patch.setattr("singerprint.models.efficientnet.MOMENTUM", 1.0)  # one batch sets them
    with torch.no_grad():
        module.train()(inputs)
    patch.undo()
    assert network.training
    return module.eval()


@pytest.fixture(scope="module", params=["network", "encoder"])
def fitted_case(request):
    generator = torch.Generator().manual_seed(0)
    if request.param == "network":
        return fitted(efficientnet_b0(1, DIM), torch.randn(8, 1, 96, 96, generator=generator)), torch.randn(
            3, 1, 40, 65, generator=generator
        )
    return fitted(SingerEncoder(CONFIG), torch.randn(16, 33_000, generator=generator)), torch.randn(
        3, 16_000, generator=generator
    )


@pytest.fixture
def case(fitted_case):
    """A module in eval mode, and inputs for it."""
    return copy.deepcopy(fitted_case[0]), fitted_case[1].clone()


def differs(one, other):
    return not torch.equal(one, other)


def test_it_is_a_module_with_tensors_by_name(case):
    module, _ = case
    assert isinstance(module, nn.Module)
    assert all(isinstance(parameter, nn.Parameter) for parameter in module.parameters())
    named = dict(module.named_parameters()) | dict(module.named_buffers())
    assert set(named) == set(module.state_dict())
    assert len(dict(module.named_parameters())) == 213


def test_a_state_dict_goes_into_another_module(case):
    module, inputs = case
    other = (
        type(module)(CONFIG, seed=1) if isinstance(module, SingerEncoder) else efficientnet_b0(1, DIM, seed=1)
    )
    assert differs(other.eval()(inputs), module(inputs))
    assert str(other.load_state_dict(module.state_dict())) == "<All keys matched successfully>"
    assert torch.equal(other(inputs), module(inputs))


def test_in_a_sequential_its_keys_gain_a_prefix(case):
    module, inputs = case
    chain = nn.Sequential(module, nn.Linear(DIM, 2))
    keys = [f"0.{key}" for key in module.state_dict()] + ["1.weight", "1.bias"]
    assert list(chain.state_dict()) == keys
    assert chain(inputs).shape == (3, 2)


def test_apply_visits_every_part_once(case):
    module, _ = case
    visited = []
    assert module.apply(visited.append) is module
    assert visited[-1] is module
    assert sorted(map(id, visited)) == sorted(map(id, module.modules()))


@pytest.mark.parametrize("copied", COPIES, ids=lambda copied: copied.__name__)
def test_copies_embed_alike_and_are_independent(case, copied):
    module, inputs = case
    expected = module(inputs)
    other = copied(module)
    assert torch.equal(other(inputs), expected)
    nn.init.zeros_(next(other.parameters()))
    assert torch.equal(module(inputs), expected)
    assert differs(other(inputs), expected)


@pytest.mark.parametrize(
    "call",
    [
        lambda module: module.train(),
        lambda module: module.eval(),
        lambda module: module.to("cpu"),
        lambda module: module.to(torch.float64),
        lambda module: module.to("cpu", torch.bfloat16),
        lambda module: module.to(memory_format=torch.channels_last),
        lambda module: module.float(),
        lambda module: module.double(),
        lambda module: module.half(),
        lambda module: module.bfloat16(),
        lambda module: module.cpu(),
        lambda module: module.requires_grad_(False),
    ],
)
def test_calls_can_be_chained(case, call):
    module, _ = case
    assert call(module) is module


# Of the norm. float32 and float64 round 81 layers; bfloat16 keeps 8 bits and float16 11.
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 1e-5), (torch.float16, 0.05), (torch.bfloat16, 0.3)],
)
def test_in_another_dtype_it_gives_the_same_embedding(case, dtype, tolerance):
    module, inputs = case
    expected = module(inputs)
    module.to(dtype)
    assert {tensor.dtype for tensor in module.parameters()} == {dtype}
    # The encoder's waveforms stay float32: its front end gives the network what that is made of.
    result = module(inputs.to(dtype) if isinstance(module, EfficientNet) else inputs)
    assert result.dtype == dtype
    assert (result.double() - expected.double()).norm() <= tolerance * expected.norm()


def test_gradients_are_set_and_taken_away(case):
    module, inputs = case
    module.train()(inputs).square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in module.parameters())
    module.zero_grad(set_to_none=False)
    assert not any(parameter.grad.any() for parameter in module.parameters())
    module.zero_grad(set_to_none=True)
    assert all(parameter.grad is None for parameter in module.parameters())


def test_an_optimizer_changes_what_it_embeds(case):
    module, inputs = case
    before = module(inputs).detach()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    module(inputs).square().sum().backward()
    optimizer.step()
    assert differs(module(inputs), before)


def test_frozen_parameters_get_no_gradient(case):
    module, inputs = case
    module.requires_grad_(False)
    assert not module(inputs).requires_grad
    last = list(module.parameters())[-1]
    last.requires_grad_(True)
    module(inputs).sum().backward()
    # Each embedding adds the bias once.
    torch.testing.assert_close(last.grad, torch.full((DIM,), 3.0))


def test_modules_can_be_added(case):
    module, inputs = case
    expected = module(inputs)
    module.add_module("projection", nn.Linear(DIM, 3))
    module.head = nn.Linear(DIM, 5)
    assert {"projection.weight", "head.bias"} < set(module.state_dict())
    assert torch.equal(module(inputs), expected)


def test_hooks_may_replace_input_and_output(case):
    module, inputs = case
    doubled = module.register_forward_hook(lambda _, inputs, output: 2 * output)
    first = module.register_forward_pre_hook(lambda _, inputs: (inputs[0][:1],))
    with torch.no_grad():
        result = module(inputs)
        doubled.remove()
        first.remove()
        # A clip has the same bits in every batch.
        assert torch.equal(result, 2 * module(inputs)[:1])


def test_hooks_of_the_encoders_network_fire():
    encoder = SingerEncoder.untrained(embedding_dim=DIM, n_mels=40)
    seen = []
    encoder.network.register_forward_hook(lambda _, inputs, output: seen.append(inputs[0].shape))
    encoder.embed_batch(torch.ones(2, 5_000))
    assert seen == [(2, 1, 40, 10)]


# torch.jit is deprecated in favour of torch.export (test_export.py); what is traced keeps working.
@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_it_is_traced_and_the_trace_is_saved(case):
    module, inputs = case
    with torch.no_grad():
        traced = torch.jit.trace(module, (inputs,))
        file = io.BytesIO()
        torch.jit.save(traced, file)
        file.seek(0)
        # PyTorch's convolutions instead of ours, which traces do not see: other orders of sums.
        expected = module(inputs)
        torch.testing.assert_close(
            torch.jit.load(file)(inputs), expected, rtol=0, atol=1e-5 * expected.norm()
        )


def test_its_graph_is_made_of_pytorchs_operators():
    module, inputs = efficientnet_b0(1, DIM).train(), torch.randn(2, 1, 40, 65)
    graph = make_fx(module)(inputs)
    targets = {str(node.target) for node in graph.graph.nodes if node.op == "call_function"}
    assert {"aten.convolution.default", "aten.silu.default", "aten.mean.dim", "aten.addmm.default"} < targets
    assert any("batch_norm" in target for target in targets)
    assert not any("singerprint" in target for target in targets)


def test_the_encoders_graph_holds_one_more_operator():
    module = SingerEncoder.untrained(embedding_dim=DIM, n_mels=40)
    graph = make_fx(module)(torch.randn(2, 5_000))
    targets = [str(node.target) for node in graph.graph.nodes if node.op == "call_function"]
    assert [target for target in targets if "singerprint" in target] == ["singerprint.log_mel.default"]


def test_autocast_of_the_encoder_leaves_the_front_end_alone():
    encoder = SingerEncoder.untrained(embedding_dim=DIM, n_mels=40)
    seen = {}
    encoder.network.register_forward_pre_hook(lambda _, inputs: seen.update(image=inputs[0]))
    waveforms = torch.randn(2, 16_000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        encoder(waveforms)
        expected = seen["image"]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert encoder(waveforms).dtype == torch.bfloat16
    assert seen["image"].dtype == torch.float32
    assert torch.equal(seen["image"], expected)


def test_gradients_reach_the_waveforms():
    encoder = SingerEncoder(EncoderConfig(embedding_dim=2, n_mels=8, n_fft=64, hop_length=32)).double()
    generator = torch.Generator().manual_seed(0)
    # 40 frames and 8 mels leave 2 values a channel of each clip; a batch of 6 gives batch norms 12.
    waveforms = torch.randn(6, 39 * 32, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(encoder.train(), (waveforms,), fast_mode=True)


def test_gradients_can_be_differentiated():
    network = efficientnet_b0(1, 2).double().eval()
    generator = torch.Generator().manual_seed(0)
    spectrograms = torch.randn(2, 1, 8, 9, generator=generator, dtype=torch.float64, requires_grad=True)
    fitted(network, torch.randn(8, 1, 96, 96, generator=generator, dtype=torch.float64))
    assert torch.autograd.gradgradcheck(network, (spectrograms,), fast_mode=True)


WAVEFORMS = (4, 16_000)


def gradients_of_one_rank():
    """Gradients of this rank's half of the batch, averaged by DistributedDataParallel."""
    encoder = SingerEncoder(CONFIG).eval()  # batch norms of one rank's clips would differ from those of all
    parallel = nn.parallel.DistributedDataParallel(encoder)
    ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
    waveforms = torch.randn(WAVEFORMS, generator=torch.Generator().manual_seed(0)).chunk(ranks)[rank]
    parallel(waveforms).square().mean().backward()
    return {name: parameter.grad for name, parameter in encoder.named_parameters()}


def test_two_ranks_get_the_gradients_of_one_process(tmp_path):
    first, second = run_on_ranks(2, gradients_of_one_rank, tmp_path / "run")
    encoder = SingerEncoder(CONFIG).eval()
    encoder(torch.randn(WAVEFORMS, generator=torch.Generator().manual_seed(0))).square().mean().backward()
    expected = torch.cat([parameter.grad.flatten() for parameter in encoder.parameters()])
    # Sums of float32 in another order.
    for gradients in (first, second):
        found = torch.cat([gradient.flatten() for gradient in gradients.values()])
        assert (found - expected).norm() <= 1e-5 * expected.norm()
