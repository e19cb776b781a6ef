"""The op against PyTorch's own layers with the same weights, and what it refuses."""

import pytest
import torch
from torch import nn
from torch.library import opcheck
from torch.nn import functional

from singerprint.models import CnnTransformer, cnn_transformer

TINY = {"front_channels": 4, "dim": 24, "layers": 2, "heads": 3, "hidden": 48}
MELS, DIM = 18, 7  # 5 rows are left of 18 mels


def reference(network, spectrograms):
    """The formula of csrc/nn/cnn_transformer.h, the blocks by torch.nn.TransformerEncoderLayer."""
    state = network.state_dict()
    pictures = spectrograms
    for layer in ("front.0", "front.1"):
        weight, bias = state[f"{layer}.weight"], state[f"{layer}.bias"]
        pictures = functional.conv2d(pictures, weight, bias, stride=2, padding=1).relu()
    columns = torch.stack([picture.permute(2, 1, 0).flatten(1) for picture in pictures])
    tokens = functional.linear(columns, state["tokens.weight"], state["tokens.bias"])
    filters = functional.pad(tokens, (0, 0, 7, 7)).unfold(1, 15, 1) * state["positions.weight"][:, 0]
    tokens = tokens + filters.sum(dim=-1) + state["positions.bias"]
    for layer in pytorch_blocks(network):
        tokens = layer(tokens)
    heard = functional.layer_norm(tokens, (24,), state["norm.weight"], state["norm.bias"], 1e-6)
    shares = (heard @ state["attention_pool.weight"][0]).softmax(dim=1)
    return functional.linear((shares[..., None] * heard).sum(dim=1), state["head.weight"], state["head.bias"])


def pytorch_blocks(network):
    names = {
        "attn.qkv.": "self_attn.in_proj_",
        "attn.proj": "self_attn.out_proj",
        "mlp.fc1": "linear1",
        "mlp.fc2": "linear2",
    }
    for block in network.blocks.children():
        layer = nn.TransformerEncoderLayer(
            24, 3, 48, 0.0, "gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True,
            dtype=network.dtype,
        )  # fmt: skip
        state = block.state_dict()
        for ours, theirs in names.items():
            state = {key.replace(ours, theirs): tensor for key, tensor in state.items()}
        layer.load_state_dict(state)
        yield layer


@pytest.fixture
def network():
    network = CnnTransformer(1, MELS, DIM, **TINY)
    generator = torch.Generator().manual_seed(1)
    for parameter in network.parameters():  # those that begin at 0 or 1 must count too
        nn.init.normal_(parameter, std=0.3, generator=generator)
    return network


@pytest.mark.parametrize("frames", [1, 3, 4, 9, 50, 177])
def test_equals_pytorchs_layers(network, generator, frames):
    spectrograms = torch.randn(3, 1, MELS, frames, generator=generator)
    with torch.no_grad():
        expected = reference(network, spectrograms)
        # The promise, relative; two blocks leave some 1e-6.
        assert (network(spectrograms) - expected).norm() <= 1e-5 * expected.norm()
    # There is something to compare: a thousand times the tolerance.
    assert (expected[0] - expected[1]).norm() > 0.01 * expected[0].norm()


def test_the_size_is_as_its_docstring_says():
    with torch.device("meta"):
        network = cnn_transformer()
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(7.3e6, rel=0.01)


def test_the_level_of_the_signal_is_kept_by_the_front():
    network = cnn_transformer(seed=3)
    spectrograms = torch.randn(2, 1, 80, 60, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first = functional.conv2d(spectrograms, network.front.get_submodule("0").weight, stride=2, padding=1)
    # He et al. 2015: 2 before the ReLU is 1 after it; a fifth for borders and 64 filters of 9 numbers.
    assert first.square().mean() == pytest.approx(2.0, rel=0.2)


def test_the_seed_alone_gives_the_initial_weights():
    before = torch.random.get_rng_state()
    first, again, other = (CnnTransformer(1, MELS, DIM, **TINY, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    for one, same, differing in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, same)
        assert one.unique().numel() == 1 or not torch.equal(one, differing)


def test_a_clip_later_by_whole_tokens_is_pooled_from_the_same_tokens(network, generator):
    """Positions are relative: far from the borders silence before a clip changes nothing but the pooling."""
    clip = torch.randn(1, 1, MELS, 40, generator=generator)
    network.attention_pool.weight.data.zero_()
    quiet = [network(functional.pad(clip, (8 * before, 400 - 8 * before))) for before in (20, 21, 30)]
    for other in quiet[1:]:
        torch.testing.assert_close(other, quiet[0], rtol=1e-4, atol=1e-5)  # sums in another order


def arguments(network, spectrograms):
    return [spectrograms, [parameter.detach().clone() for parameter in network.parameters()], MELS, 3]


def test_opcheck(generator):
    network = CnnTransformer(1, MELS, DIM, **TINY | {"layers": 1})
    values = arguments(network, torch.randn(2, 1, MELS, 41, generator=generator))
    values[1] = [parameter.requires_grad_() for parameter in values[1]]
    opcheck(torch.ops.singerprint.cnn_transformer.default, values)


def test_gradcheck(network, generator):
    spectrograms = torch.randn(2, 1, MELS, 22, generator=generator, dtype=torch.float64, requires_grad=True)
    parameters = [parameter.detach().requires_grad_() for parameter in network.double().parameters()]

    def embed(spectrograms, *parameters):
        return torch.ops.singerprint.cnn_transformer(spectrograms, list(parameters), MELS, 3)

    assert torch.autograd.gradcheck(embed, (spectrograms, *parameters), fast_mode=True)


@pytest.mark.parametrize(
    ("spectrograms", "error", "sentence"),
    [
        (
            torch.ones(1, MELS, 64),
            ValueError,
            "cnn_transformer: spectrograms must have shape (batch, channels, mels, frames), got [1, 18, 64]",
        ),
        (
            torch.ones(2, 1, 40, 64),
            ValueError,
            "cnn_transformer: spectrograms must have shape (batch, channels, mels, frames) with channels = 1 "
            "and mels = 18, got [2, 1, 40, 64]",
        ),
        (
            torch.ones(2, 1, MELS, 0),
            ValueError,
            "cnn_transformer: spectrograms must hold at least one clip, mel and frame, got [2, 1, 18, 0]",
        ),
        (
            torch.ones(1, 1, MELS, 64, dtype=torch.float64),
            TypeError,
            "cnn_transformer: front.0.weight must have dtype Double, got Float",
        ),
    ],
)
def test_bad_spectrograms_are_named(network, spectrograms, error, sentence):
    with pytest.raises(error) as caught:
        network(spectrograms)
    assert str(caught.value) == sentence


def replaced(values, place, tensor):
    return [*values[:place], tensor, *values[place + 1 :]]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            lambda values: replaced(values, 1, values[1][1:]),
            "cnn_transformer: parameters must be 13 tensors and 12 for each block, got 36",
        ),
        (
            lambda values: replaced(values, 1, replaced(values[1], 4, torch.ones(24, 41))),
            "cnn_transformer: tokens.weight must have shape [24, 40], got [24, 41]",
        ),
        (
            lambda values: replaced(values, 2, 0),
            "cnn_transformer: mels must be at least 1, got 0",
        ),
        (
            lambda values: replaced(values, 3, 0),
            "cnn_transformer: heads must divide the dim of the tokens, 24, got 0",
        ),
    ],
)
def test_bad_arguments_are_named(network, generator, spoil, sentence):
    values = arguments(network, torch.randn(2, 1, MELS, 20, generator=generator))
    with pytest.raises(ValueError) as caught:
        torch.ops.singerprint.cnn_transformer(*spoil(values))
    assert str(caught.value) == sentence


@pytest.mark.parametrize("size", ["channels", "mels", "embedding_dim"])
def test_bad_sizes_are_named(size):
    with pytest.raises(ValueError) as caught:
        cnn_transformer(**{size: 0})
    assert str(caught.value) == f"cnn_transformer: {size} must be at least 1, got 0"
