"""ViT-S/16 against timm's blocks, eager and compiled: same weights, one channel, clips of 6 s at 16 kHz.

The blocks are compiled one by one, as PyTorch advises for layers that repeat: what is fused lies within one,
and twelve of one shape are compiled once. As one graph they took longer than everything else here.
"""

import copy
from functools import partial

import torch
from benchmarks.harness import compare
from timm.models.vision_transformer import VisionTransformer as TimmTransformer
from torch import nn

from singerprint.models import vit_s16

MELS, FRAMES, DIM = 128, 240, 2048


class TimmEncoder(nn.Module):
    """The published encoder: timm's blocks without their last norm, then the class token's layer."""

    def __init__(self):
        super().__init__()
        self.blocks = TimmTransformer(
            img_size=(MELS, FRAMES), in_chans=1, embed_dim=384, num_heads=6, num_classes=0, final_norm=False
        )
        self.feature_map_layer = nn.Sequential(nn.Linear(384, DIM), nn.GELU())

    def forward(self, spectrograms):
        return self.feature_map_layer(self.blocks.forward_features(spectrograms)[:, 0])


def networks():
    """Ours first."""
    reference, ours = TimmEncoder(), vit_s16(frames=FRAMES)
    ours.load_state_dict(
        reference.blocks.state_dict() | reference.feature_map_layer.state_dict(prefix="feature_map_layer.")
    )
    compiled = copy.deepcopy(reference)
    for block in compiled.blocks.blocks:
        block.compile(dynamic=False)  # or the second batch size would be taken for the sign of a dynamic one
    return {"singerprint": ours, "timm": reference, "timm compiled": compiled}


def checked_equal(case, functions):
    """Every contender's result against ours."""
    results = {name: function() for name, function in functions.items()}
    ours = results["singerprint"]
    for name, result in results.items():
        error = ((result - ours).norm() / ours.norm()).item()
        if not error < 1e-5:
            raise AssertionError(f"vit: {name} differs by {error:.1e} at {case}")
    return functions


def inference(models, batch):
    spectrograms = torch.randn(batch, 1, MELS, FRAMES)

    def embed(name):
        with torch.no_grad():
            return models[name].eval()(spectrograms)

    case = f"inference {batch} x 1 x {MELS} x {FRAMES}"
    functions = checked_equal(case, {name: partial(embed, name) for name in models})
    return with_clips_per_second(batch, compare(case, functions, seconds=3.0))


def training(models, batch):
    spectrograms = torch.randn(batch, 1, MELS, FRAMES)
    weights = torch.randn(batch, DIM)

    def step(name):
        network = models[name].train()
        network.zero_grad()
        embeddings = network(spectrograms)
        (embeddings * weights).sum().backward()
        return embeddings.detach()

    case = f"training step {batch} x 1 x {MELS} x {FRAMES}"
    functions = checked_equal(case, {name: partial(step, name) for name in models})
    return with_clips_per_second(batch, compare(case, functions, seconds=5.0))


def with_clips_per_second(batch, rows):
    return [{**row, "clips_per_s": batch / row["median_ms"] * 1e3} for row in rows]


def run():
    torch.manual_seed(0)
    models = networks()
    return [*inference(models, 1), *inference(models, 16), *training(models, 8)]
