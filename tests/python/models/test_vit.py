"""The op against timm's vision transformer with the same weights, and what it refuses.

The oracle is timm's network without its last norm and head, as the published code (Desblancs et al. 2024)
takes its blocks: position embeddings, patches and blocks, then the class token alone.
"""

import pytest
import timm
import torch
from timm.models.vision_transformer import VisionTransformer as TimmTransformer
from torch import nn
from torch.library import opcheck

from singerprint.models import VisionTransformer, vit_s16

TINY = {"dim": 24, "layers": 2, "heads": 3, "hidden": 48}
MELS, FRAMES, DIM = 32, 64, 7  # 2 rows and 4 columns of patches


class Reference(nn.Module):
    """timm's blocks, then the embedding's layer under its published name."""

    def __init__(self, blocks, dim, embedding_dim):
        super().__init__()
        self.blocks = blocks
        self.feature_map_layer = nn.Sequential(nn.Linear(dim, embedding_dim), nn.GELU())

    def forward(self, spectrograms):
        return self.feature_map_layer(self.blocks.forward_features(spectrograms)[:, 0])

    def published_state(self):
        layer = self.feature_map_layer.state_dict(prefix="feature_map_layer.")
        return self.blocks.state_dict() | layer


def reference_for(channels=1):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        blocks = TimmTransformer(
            img_size=(MELS, FRAMES), in_chans=channels, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2,
            num_classes=0, final_norm=False, dynamic_img_size=True,
        )  # fmt: skip
        for parameter in blocks.parameters():  # those that begin at 0 or 1 must count too
            nn.init.normal_(parameter, std=0.3)
        return Reference(blocks, 24, DIM).eval()


def with_weights_of(reference, channels=1):
    network = VisionTransformer(channels, MELS, FRAMES, DIM, **TINY)
    network.load_state_dict(reference.published_state(), strict=True)
    return network


@pytest.fixture
def pair():
    reference = reference_for()
    return with_weights_of(reference), reference


@pytest.fixture
def network(pair):
    return pair[0]


@pytest.fixture
def spectrograms(generator):
    return torch.randn(2, 1, MELS, FRAMES, generator=generator)


@pytest.mark.parametrize("channels", [1, 2])
def test_equals_timm(generator, channels):
    reference = reference_for(channels)
    spectrograms = torch.randn(3, channels, MELS, FRAMES, generator=generator)
    expected = reference(spectrograms)
    assert (expected[0] - expected[1]).norm() > 0.1 * expected[0].norm()  # there is something to compare
    # The promise, relative; two blocks leave some 1e-6.
    found = with_weights_of(reference, channels)(spectrograms)
    assert (found - expected).norm() <= 1e-5 * expected.norm()


@pytest.mark.parametrize("frames", [16, 48, 64, 80, 200])
def test_gradients_equal_timms_at_any_length(pair, generator, frames):
    ours, reference = pair
    spectrograms = torch.randn(2, 1, MELS, frames // 16 * 16, generator=generator)
    mine, other = spectrograms.clone().requires_grad_(), spectrograms.clone().requires_grad_()
    found, expected = ours(mine), reference(other)
    assert (found - expected).norm() <= 1e-5 * expected.norm()
    weights = torch.linspace(-1, 1, DIM)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    assert (mine.grad - other.grad).norm() <= 1e-4 * other.grad.norm()
    gradients = dict(reference.blocks.named_parameters()) | dict(reference.named_parameters())
    for name, parameter in ours.named_parameters():
        expected = gradients[name].grad
        assert (parameter.grad - expected).norm() <= 1e-4 * expected.norm() + 1e-9, name


def test_the_published_size_has_the_published_number_of_weights():
    with torch.device("meta"):
        published = vit_s16(channels=2, frames=240)
    assert sum(parameter.numel() for parameter in published.parameters()) == 22_325_888


def test_vit_s16_loads_the_weights_of_timms_vit_small():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        blocks = timm.create_model(
            "vit_small_patch16_224", img_size=(32, 32), in_chans=1, num_classes=0
        ).eval()
    blocks.norm = nn.Identity()
    ours = vit_s16(mels=32, frames=32, embedding_dim=9).eval()
    missing, unexpected = ours.load_state_dict(blocks.state_dict(), strict=False)
    assert (missing, unexpected) == (["feature_map_layer.0.weight", "feature_map_layer.0.bias"], [])
    spectrograms = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    last = ours.feature_map_layer.get_submodule("0")
    with torch.no_grad():
        expected = nn.functional.gelu(
            nn.functional.linear(blocks.forward_features(spectrograms)[:, 0], last.weight, last.bias)
        )
        assert (ours(spectrograms) - expected).norm() <= 1e-5 * expected.norm()


def test_initial_weights_are_distributed_as_timms():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        blocks = TimmTransformer(img_size=(128, 240), in_chans=1, embed_dim=192, depth=1, num_heads=3)
        reference = blocks.state_dict()
    ours = VisionTransformer(1, 128, 240, 50, dim=192, layers=1, heads=3, hidden=768).state_dict()
    assert [key for key in ours if "feature_map" not in key] == [
        key for key in reference if not key.startswith(("norm.", "head."))
    ]
    for key, tensor in ours.items():
        if key.startswith("feature_map_layer"):
            assert 0.9 / 192**0.5 < tensor.abs().max() <= 1 / 192**0.5  # PyTorch's own, as published
        elif reference[key].std() > 0:
            # The standard error of a spread over n values is 1 / sqrt(2 n), on both sides: 6 of them.
            assert abs(tensor.std() / reference[key].std() - 1) < 6 / tensor.numel() ** 0.5, key
        else:
            assert torch.equal(tensor, reference[key]), key


def test_frames_beyond_the_last_patch_do_not_count(network, spectrograms):
    longer = torch.cat([spectrograms, torch.full((2, 1, MELS, 15), 9.0)], dim=3)
    assert torch.equal(network(longer), network(spectrograms))


@pytest.mark.parametrize("frames", [1, 5, 15])
def test_less_than_a_patch_is_repeated(network, spectrograms, frames):
    short = spectrograms[..., :frames]
    repeated = torch.cat([short] * 16, dim=3)[..., :16]
    assert torch.equal(network(short), network(repeated))


def arguments(network, spectrograms):
    return [spectrograms, [parameter.detach().clone() for parameter in network.parameters()], MELS, 3]


def test_opcheck(generator):
    network = VisionTransformer(1, MELS, FRAMES, DIM, **TINY | {"layers": 1})
    values = arguments(network, torch.randn(2, 1, MELS, 100, generator=generator))  # positions interpolated
    values[1] = [parameter.requires_grad_() for parameter in values[1]]
    opcheck(torch.ops.singerprint.vit.default, values)


@pytest.mark.parametrize("frames", [7, 64, 80])
def test_gradcheck(network, generator, frames):
    spectrograms = torch.randn(
        1, 1, MELS, frames, generator=generator, dtype=torch.float64, requires_grad=True
    )
    parameters = [parameter.detach().requires_grad_() for parameter in network.double().parameters()]

    def embed(spectrograms, *parameters):
        return torch.ops.singerprint.vit(spectrograms, list(parameters), MELS, 3)

    assert torch.autograd.gradcheck(embed, (spectrograms, *parameters), fast_mode=True)


BAD_SPECTROGRAMS = [
    (
        torch.ones(1, 32, 64),
        ValueError,
        "vit: spectrograms must have shape (batch, channels, mels, frames), got [1, 32, 64]",
    ),
    (
        torch.ones(2, 3, 40, 64),
        ValueError,
        "vit: spectrograms must have shape (batch, channels, mels, frames) with channels = 1 and mels = 32, "
        "got [2, 3, 40, 64]",
    ),
    (
        torch.ones(0, 1, 32, 64),
        ValueError,
        "vit: spectrograms must hold at least one clip, mel and frame, got [0, 1, 32, 64]",
    ),
    (
        torch.ones(1, 1, 32, 64, dtype=torch.int64),
        TypeError,
        "vit: spectrograms must have a floating point dtype, got Long",
    ),
    (
        torch.ones(1, 1, 32, 64, dtype=torch.float64),
        TypeError,
        "vit: cls_token must have dtype Double, got Float",
    ),
    (
        torch.ones(1, 1, 32, 64, device="meta"),
        ValueError,
        "vit: cls_token must be on the device meta, got cpu",
    ),
]


@pytest.mark.parametrize(("spectrograms", "error", "sentence"), BAD_SPECTROGRAMS)
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
            lambda values: replaced(values, 1, values[1][:-1]),
            "vit: parameters must be 6 tensors and 12 for each block, got 29",
        ),
        (
            lambda values: replaced(values, 1, []),
            "vit: parameters must be 6 tensors and 12 for each block, got 0",
        ),
        (
            lambda values: replaced(values, 1, replaced(values[1], 1, torch.ones(1, 10, 24))),
            "vit: pos_embed must have shape [1, 9, 24], got [1, 10, 24]",
        ),
        (
            lambda values: replaced(values, 1, replaced(values[1], 2, torch.ones(()))),
            "vit: cls_token must have shape [1, 1, 1], got [1, 1, 24]",
        ),
        (
            lambda values: replaced(values, 1, replaced(values[1], 19, torch.ones(1))),
            "vit: blocks.1.attn.qkv.bias must have shape [72], got [1]",
        ),
        (
            lambda values: replaced(values, 2, 40),
            "vit: mels must be a positive multiple of 16, got 40",
        ),
        (
            lambda values: replaced(values, 3, 5),
            "vit: heads must divide the dim of the tokens, 24, got 5",
        ),
    ],
)
def test_bad_arguments_are_named(network, spectrograms, spoil, sentence):
    with pytest.raises(ValueError) as caught:
        torch.ops.singerprint.vit(*spoil(arguments(network, spectrograms)))
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ({"channels": 0}, "vit: channels must be at least 1, got 0"),
        ({"mels": 100}, "vit: mels must be a positive multiple of 16, got 100"),
        ({"frames": 15}, "vit: frames must be at least 16, got 15"),
        ({"embedding_dim": -1}, "vit: embedding_dim must be at least 1, got -1"),
    ],
)
def test_bad_sizes_are_named(sizes, sentence):
    with pytest.raises(ValueError) as caught:
        vit_s16(**sizes)
    assert str(caught.value) == sentence


def test_a_network_without_blocks_is_none():
    with pytest.raises(ValueError) as caught:
        VisionTransformer(layers=0)
    assert str(caught.value) == "vit: layers must be at least 1, got 0"
