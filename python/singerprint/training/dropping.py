"""What an encoder's network drops in training: as published, unless the configuration says otherwise."""

from singerprint.models import EfficientNet, SingerEncoder
from singerprint.models.networks import PUBLISHED_DROPPING, Dropping
from singerprint.training.config import TrainConfig


def set_dropping(encoder: SingerEncoder, config: TrainConfig) -> None:
    """Sets dropout and stochastic depth of the encoder's network, and the seed that they are drawn from.

    Raises:
        ValueError: The configuration asks for what the network does not have.
    """
    network, name = encoder.network, encoder.config.network
    if not isinstance(network, EfficientNet):
        for setting in ("dropout", "stochastic_depth"):
            if probability := getattr(config, setting):
                raise ValueError(f"train: {setting} must be left out with {name}, got {probability}")
        return
    published = PUBLISHED_DROPPING.get(name, Dropping(0.0, 0.0))
    network.dropout = published.dropout if config.dropout is None else config.dropout
    network.stochastic_depth = (
        published.stochastic_depth if config.stochastic_depth is None else config.stochastic_depth
    )
    network.seed = config.seed
