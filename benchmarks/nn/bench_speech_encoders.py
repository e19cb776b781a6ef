"""Clips a second of the encoder against speech encoders that singers are told apart with: one thread, 4 s.

    wav2vec2-base    94.4 M parameters, 768 numbers a clip    (Baevski et al. 2020, arXiv 2006.11477)
    XLSR-53         315.4 M parameters, 1,024 numbers a clip  (Conneau et al. 2020, arXiv 2006.13979)

Each has clips at the rate that it takes (44.1 kHz, 16 kHz: resampling is not timed) and its own front end:
log-mel here, mean 0 and variance 1 there, and there the mean over frames is the embedding. Other networks
give other embeddings, so there is nothing to hold equal; parameters, shapes and finiteness are. Weights are
random: what a clip costs does not depend on them. The peers are transformers' in PyTorch's best settings:
attention spelled out and fused, inference mode, the weights of the positional convolution multiplied out
beforehand, and no mask, which clips of one length do not need.
"""

import importlib.util
from functools import partial

import torch
from benchmarks.harness import compare
from benchmarks.nn.bench_efficientnet_inference import with_clips_per_second
from torch.nn.utils import parametrize

import singerprint as sp
from singerprint.models import efficientnet
from singerprint.models.released_encoder import released_config

SECONDS, PEERS_RATE_HZ = 4, 16000
BATCHES = [1, 8]

XLSR_53 = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
    "conv_bias": True,
}
# Options of the configuration, parameters, length of an embedding.
PEERS = {"wav2vec2-base": ({}, 94_371_712, 768), "XLSR-53": (XLSR_53, 315_438_720, 1024)}
FEATURES_FRAMES = 199  # of 64,000 samples: strides of 320 in all, a field of 400


def ours(config):
    """An encoder whose running statistics are of noise: with the initial ones every signal dies out."""
    encoder = sp.SingerEncoder(config)
    momentum, efficientnet.MOMENTUM = efficientnet.MOMENTUM, 1.0  # one batch sets them
    with torch.no_grad():
        encoder.train()(torch.randn(4, encoder.sample_rate_hz))
    efficientnet.MOMENTUM = momentum
    return encoder.eval()


def peers(dtype):
    """transformers' models with random weights, held against the parameters that they are known to have."""
    if importlib.util.find_spec("transformers") is None:
        return {}
    from transformers import Wav2Vec2Config, Wav2Vec2Model  # noqa: PLC0415 - where it is installed

    models = {}
    for name, (options, parameters, _) in PEERS.items():
        model = Wav2Vec2Model(Wav2Vec2Config(**options)).eval()
        found = sum(parameter.numel() for parameter in model.parameters())
        if found != parameters:
            raise AssertionError(f"speech_encoders: {name} has {found} parameters, not {parameters}")
        parametrize.remove_parametrizations(model.encoder.pos_conv_embed.conv, "weight")
        models[name] = model.to(dtype)
    return models


def peer_embeddings(model, attention, extract, clips):
    model.set_attn_implementation(attention)
    with torch.inference_mode():
        values = extract(clips, sampling_rate=PEERS_RATE_HZ, return_tensors="pt").input_values
        frames = model(values.to(model.dtype)).last_hidden_state  # (batch, frames, dim)
        if frames.shape[1] != FEATURES_FRAMES:
            raise AssertionError(f"speech_encoders: {FEATURES_FRAMES} frames of 4 s, got {frames.shape[1]}")
        return frames.mean(dim=1).float()


def our_functions(batch, dtype):
    """Ours first: the encoder, then one of the released models' kind."""
    functions = {}
    for name, config in {"singerprint": None, "singerprint released": released_config()}.items():
        encoder = ours(config).to(dtype)
        functions[name] = partial(encoder.embed_batch, torch.randn(batch, SECONDS * encoder.sample_rate_hz))
    return functions


def peer_functions(models, batch, attentions):
    if not models:
        return {}
    from transformers import Wav2Vec2FeatureExtractor  # noqa: PLC0415 - where it is installed

    clips = list(torch.randn(batch, SECONDS * PEERS_RATE_HZ).numpy())
    return {
        f"{name} {attention}": partial(peer_embeddings, model, attention, Wav2Vec2FeatureExtractor(), clips)
        for name, model in models.items()
        for attention in attentions
    }


def checked(case, batch, functions):
    """Each contender's embeddings have its shape, are finite, and differ from clip to clip."""
    for name, function in functions.items():
        dim = next((dim for peer, (*_, dim) in PEERS.items() if name.startswith(peer)), 1000)
        embeddings = function()
        if embeddings.shape != (batch, dim) or not bool(embeddings.isfinite().all()):
            raise AssertionError(f"speech_encoders: {name} gives {embeddings} at {case}")
        if batch > 1 and torch.equal(embeddings[0], embeddings[1]):
            raise AssertionError(f"speech_encoders: {name} gives two clips one embedding at {case}")
    return functions


def run():
    torch.manual_seed(0)
    rows = []
    for dtype, label in ((torch.float32, ""), (torch.bfloat16, " bfloat16")):
        models = peers(dtype)
        for batch in BATCHES:
            case = f"{batch} x {SECONDS} s{label}"
            # Over 199 frames attention is a fortieth of the work: once tells what spelling it out costs.
            attentions = ("eager", "sdpa") if case == f"1 x {SECONDS} s" else ("sdpa",)
            functions = our_functions(batch, dtype) | peer_functions(models, batch, attentions)
            timed = compare(case, checked(case, batch, functions), seconds=2.0, at_least=3)
            rows += with_clips_per_second(batch, timed)
    return rows
