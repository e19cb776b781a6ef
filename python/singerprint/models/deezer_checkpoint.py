"""Checkpoints of Desblancs et al. 2024: what their trainer writes, made a SingerEncoder.

`best_epoch.pt` and `last_epoch.pt` hold under ``model_state_dict`` the encoder (``feature_model.``: our
ViT-S/16 on two channels) and a head that only training needs (``projector.``). Front end and sizes are
constants of that code, and so not in the file: they are `encoder_preset("deezer")`.

That code hears two channels, a recording of one twice. Here it is heard once, by the sum of both filters:

    filter[:, 0] * x + filter[:, 1] * x = (filter[:, 0] + filter[:, 1]) * x

which is the same for recordings of one channel; those of two are mixed down before.

Source: https://github.com/deezer/real-cloned-singer-id, ``foundation/model.py``, ``foundation/audio.py`` and
``training/train.py``.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from singerprint.models.encoder_presets import encoder_preset
from singerprint.models.model_error import ModelError, check_finite, check_tensors
from singerprint.models.singer_encoder import SingerEncoder
from singerprint.models.tensor_file import tensors_of, unpickled

OPERATION = "load_model"
DEEZER_SUFFIX = ".pt"
STATE = "model_state_dict"
NETWORK, HEAD = "feature_model.", "projector."
FILTERS = "patch_embed.proj.weight"
CHANNELS = 2


def read_deezer_checkpoint(path: Path) -> SingerEncoder:
    """Reads a checkpoint of Desblancs et al. 2024.

    Args:
        path: Of ``best_epoch.pt`` or ``last_epoch.pt``, whatever it is called.

    Returns:
        The encoder, on the CPU and in eval mode: ``encoder_preset("deezer")``, of one channel.

    Raises:
        ModelError: The file is missing, damaged, runs code or belongs to another model.
    """
    content = unpickled(path, OPERATION)
    if not isinstance(content, dict) or STATE not in content:
        raise ModelError(
            f"{OPERATION}: {path} must be a checkpoint of Desblancs et al. 2024, got no {STATE} in it"
        )
    tensors = {
        key: tensor
        for key, tensor in tensors_of(path, content[STATE], OPERATION).items()
        if not key.startswith(HEAD)
    }
    with torch.device("meta"):  # the weights that are to be replaced are not drawn
        encoder = SingerEncoder(encoder_preset("deezer"))
    network = encoder.network.state_dict()
    check_tensors(path, tensors, {NETWORK + key: _published(key, tensor) for key, tensor in network.items()})
    check_finite(path, tensors)
    weights = {
        key: _of_one_channel(key, tensors[NETWORK + key]).to(ours.dtype) for key, ours in network.items()
    }
    encoder.network.load_state_dict(weights, assign=True)
    return encoder.eval()


def _published(key: str, ours: Tensor) -> Tensor:
    return ours.expand(-1, CHANNELS, -1, -1) if key == FILTERS else ours


def _of_one_channel(key: str, theirs: Tensor) -> Tensor:
    return theirs.sum(dim=1, keepdim=True) if key == FILTERS else theirs.contiguous()
