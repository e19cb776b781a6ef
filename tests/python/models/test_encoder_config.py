import math

import pytest

from singerprint.models import EncoderConfig
from singerprint.models.networks import NETWORKS


@pytest.mark.parametrize("value", [0.05, math.nan, math.inf])
def test_a_window_without_a_length_is_named(value):
    with pytest.raises(ValueError) as caught:
        EncoderConfig(window_seconds=value)
    assert str(caught.value) == f"encoder_config: window_seconds must be at least 0.1 and finite, got {value}"


@pytest.mark.parametrize("value", [0, -44100, 22050.5, math.nan, "44100"])
def test_a_rate_that_is_none_is_named(value):
    with pytest.raises(ValueError) as caught:
        EncoderConfig(sample_rate_hz=value)
    assert str(caught.value) == f"encoder_config: sample_rate_hz must be a positive whole number, got {value}"


def test_an_unknown_normalization_is_named():
    with pytest.raises(ValueError) as caught:
        EncoderConfig(normalization="minimum")
    assert str(caught.value) == (
        "encoder_config: normalization must be one of standardize, clip_maximum, batch_maximum, got minimum"
    )


def test_an_unknown_network_is_named():
    with pytest.raises(ValueError) as caught:
        EncoderConfig(network="resnet")
    names = ", ".join(NETWORKS)
    assert str(caught.value) == f"encoder_config: network must be one of {names}, got resnet"


def test_a_network_is_made_for_the_image_of_a_window():
    config = EncoderConfig(n_mels=128, normalization="clip_maximum", window_seconds=2.0, embedding_dim=7)
    assert config.network_shape == (3, 128, 1 + 88200 // 512, 7)


def test_a_config_survives_its_dict_and_names_strange_values():
    config = EncoderConfig(n_mels=128, fmax_hz=16_000.0)
    assert EncoderConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ValueError) as caught:
        EncoderConfig.from_dict({**config.to_dict(), "mels": 80})
    assert str(caught.value) == "encoder_config: unknown values mels"
    with pytest.raises(ValueError) as caught:
        EncoderConfig.from_dict({"n_mels": 80, **dict.fromkeys(("hop_length", "n_fft"), 1)})
    assert str(caught.value).startswith("encoder_config: missing values embedding_dim, fmax_hz, fmin_hz")
