import pytest
import torch

from singerprint.models import ModelError, SingerEncoder, efficientnet_b0, save_model
from singerprint.training import train
from singerprint.training.starting_encoder import starting_encoder


@pytest.fixture
def photographs(tmp_path):
    """A file of a network for three channels."""
    path = tmp_path / "b0.pth"
    torch.save(efficientnet_b0(in_channels=3, seed=7).state_dict(), path)
    return path


def assert_same_weights(one, other):
    assert one.config == other.config
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_without_init_the_seed_gives_the_weights(small_config):
    config = small_config(seed=3, n_mels=64)
    assert_same_weights(starting_encoder(config, None), SingerEncoder.untrained(3, n_mels=64))


def test_a_model_folder_is_where_training_starts(small_config, tmp_path):
    saved = SingerEncoder.untrained(5, n_mels=64)
    save_model(saved, tmp_path / "saved")
    for init in (tmp_path / "saved", str(tmp_path / "saved")):
        assert_same_weights(starting_encoder(small_config(init=init), None), saved)


def test_weights_of_photographs_are_where_training_starts(small_config, photographs):
    config = small_config(init=f"imagenet:{photographs}", seed=3, n_mels=64)
    encoder = starting_encoder(config, None)
    assert encoder.config.n_mels == 64
    assert_same_weights(encoder, SingerEncoder.untrained(3, init=photographs, n_mels=64))


def test_a_network_without_weights_of_photographs_is_named(small_config):
    with pytest.raises(ValueError) as caught:
        starting_encoder(small_config(init="imagenet", network="cnn_transformer"), None)
    assert str(caught.value) == (
        "train: init must name a model or be left out with cnn_transformer, of which there are no weights of "
        "photographs, got imagenet"
    )


def test_a_checkpoint_goes_before_init(small_config, photographs, tmp_path):
    saved = SingerEncoder.untrained(5)
    save_model(saved, tmp_path / "checkpoint")
    config = small_config(init=f"imagenet:{photographs}")
    assert_same_weights(starting_encoder(config, tmp_path / "checkpoint"), saved)


def test_a_run_writes_where_it_started(small_config, photographs):
    config = small_config(init=f"imagenet:{photographs}", steps=1)
    train(config, show_progress=False)
    assert f'"init": "imagenet:{photographs}"' in (config.out / "config.json").read_text()


def test_a_source_that_is_missing_leaves_no_folder(small_config, tmp_path):
    config = small_config(init=f"imagenet:{tmp_path / 'missing.pth'}")
    with pytest.raises(ModelError) as caught:
        train(config, show_progress=False)
    assert str(caught.value) == f"initialize: {tmp_path / 'missing.pth'} is missing"
    assert not config.out.exists()
