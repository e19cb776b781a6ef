"""Where training starts: a checkpoint, another encoder, weights of photographs, or random weights."""

import os
from pathlib import Path

from singerprint.models import SingerEncoder, load_model
from singerprint.training.config import TrainConfig

IMAGENET = "imagenet"


def starting_encoder(config: TrainConfig, checkpoint: Path | None) -> SingerEncoder:
    """Makes the encoder of a run's first step.

    Args:
        config: Its ``init``, ``seed`` and ``encoder_config`` say which.
        checkpoint: That the run is resumed from, if it is; it goes before ``init``.

    Returns:
        The encoder, on the CPU.

    Raises:
        ValueError: What ``init`` names cannot be had or does not fit (a ``ModelError``), or there is nothing
            of its kind for the network.
    """
    if checkpoint is not None:
        return load_model(checkpoint)
    options = config.encoder_config.to_dict()
    if config.init is None:
        return SingerEncoder.untrained(config.seed, **options)
    kind, _, source = os.fspath(config.init).partition(":")
    if kind == IMAGENET:
        if not config.encoder_config.network.startswith("efficientnet"):
            raise ValueError(
                f"train: init must name a model or be left out with {config.encoder_config.network}, of "
                f"which there are no weights of photographs, got {config.init}"
            )
        return SingerEncoder.untrained(config.seed, init=source or IMAGENET, **options)
    return load_model(config.init)
