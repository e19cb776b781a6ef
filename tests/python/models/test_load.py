"""save_model and load_model: a model comes back bit by bit, or one sentence says why not."""

import errno
import json
import os

import pytest
import safetensors.torch
import torch

from singerprint.models import EncoderConfig, ModelError, SingerEncoder, load_model, save_model

NAMES = ["encoder.json", "encoder.safetensors"]


@pytest.fixture
def encoder():
    """A small embedding, statistics and counters that are not the initial ones."""
    encoder = SingerEncoder.untrained(seed=1, embedding_dim=8, n_mels=64, fmax_hz=16_000.0).train()
    with torch.no_grad():
        encoder(torch.randn(3, 8_000, generator=torch.Generator().manual_seed(0)))
    return encoder


@pytest.fixture
def folder(encoder, tmp_path):
    save_model(encoder, tmp_path / "model")
    return tmp_path / "model"


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def message_of(path):
    with pytest.raises(ModelError) as caught:
        load_model(path)
    return str(caught.value)


@pytest.mark.parametrize("part", ["", "encoder.safetensors", "encoder.json"])
def test_a_saved_model_comes_back(encoder, folder, part):
    loaded = load_model(folder / part)
    assert names_in(folder) == NAMES
    assert loaded.config == encoder.config
    assert not loaded.training
    state = loaded.state_dict()
    assert list(state) == list(encoder.state_dict())
    assert all(torch.equal(state[key], tensor) for key, tensor in encoder.state_dict().items())
    waveform = torch.randn(8_000, generator=torch.Generator().manual_seed(2))
    assert torch.equal(loaded.embed(waveform), encoder.embed(waveform))


def test_a_model_of_before_the_released_ones_came_is_read(encoder, folder):
    path = folder / "encoder.json"
    description = json.loads(path.read_text())
    for name in ("filter_rate_hz", "normalization"):
        del description["config"][name]
    path.write_text(json.dumps(description))
    assert load_model(folder).config == encoder.config


def test_a_loaded_model_can_be_trained(folder):
    loaded = load_model(str(folder)).train()
    loaded(torch.randn(3, 8_000, generator=torch.Generator().manual_seed(0))).sum().backward()
    assert all(parameter.grad is not None for parameter in loaded.parameters())


def test_a_run_without_a_final_model_gives_its_newest_checkpoint(tmp_path):
    for step in (20, 100):
        encoder = SingerEncoder.untrained(seed=step, embedding_dim=step)
        save_model(encoder, tmp_path / "checkpoints" / f"step-{step:08d}")
    save_model(SingerEncoder.untrained(embedding_dim=5), tmp_path / "checkpoints" / ".step-00000200.partial")
    assert load_model(tmp_path).dim == 100  # not the one that was being written
    save_model(SingerEncoder.untrained(embedding_dim=7), tmp_path)
    assert load_model(tmp_path).dim == 7


@pytest.mark.parametrize("operation", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_old_model(encoder, folder, monkeypatch, operation):
    before = {name: (folder / name).read_bytes() for name in NAMES}

    def fail(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if operation == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="No space left on device"):
        save_model(SingerEncoder.untrained(seed=2), folder)
    assert names_in(folder) == NAMES
    assert {name: (folder / name).read_bytes() for name in NAMES} == before


def test_a_model_is_not_written_over_a_file(encoder, tmp_path):
    (tmp_path / "notes").write_text("kept")
    with pytest.raises(NotADirectoryError) as caught:
        save_model(encoder, tmp_path / "notes")
    sentence = f"save_model: folder must be a folder or new, got the file {tmp_path / 'notes'}"
    assert str(caught.value) == sentence and (tmp_path / "notes").read_text() == "kept"


def test_a_path_without_a_model_is_named(tmp_path):
    (tmp_path / "other.bin").write_bytes(b"")
    assert message_of(tmp_path / "nowhere") == (
        f"load_model: {tmp_path}/nowhere does not exist and is no released model (byol, contrastive, "
        "contrastive-vc, unif-align, vicreg, uniformity)"
    )
    assert message_of(tmp_path) == (
        f"load_model: {tmp_path} holds no model (encoder.safetensors and encoder.json, or model.pt and "
        "hyperparams.yaml)"
    )
    assert message_of(tmp_path / "other.bin") == (
        f"load_model: path must be a folder, encoder.safetensors, or a .ckpt or .pt file, got "
        f"{tmp_path}/other.bin"
    )


@pytest.mark.parametrize("name", NAMES)
def test_half_a_model_is_named(folder, name):
    (folder / name).unlink()
    assert message_of(folder) == f"load_model: {folder / name} is missing"


def test_damaged_weights_are_named(folder):
    path = folder / "encoder.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    assert message_of(folder).startswith(f"load_model: {path} cannot be read: ")


def test_every_key_that_does_not_fit_is_named(folder):
    path = folder / "encoder.safetensors"
    tensors = safetensors.torch.load_file(path)
    tensors["network.classifier.1.scale"] = tensors.pop("network.classifier.1.bias")
    tensors["network.features.0.1.weight"] = torch.ones(33)
    safetensors.torch.save_file(tensors, path)
    assert message_of(folder) == (
        f"load_model: {path} does not fit the encoder: missing network.classifier.1.bias, "
        "unexpected network.classifier.1.scale, network.features.0.1.weight of shape [33] instead of [32]"
    )


@pytest.mark.parametrize(
    ("description", "sentence"),
    [
        ("{", "cannot be read: Expecting property name"),
        ("[]", "does not describe an encoder"),
        ('{"schema_version": 1}', "does not describe an encoder"),
        ('{"schema_version": 2, "config": {}}', "must have schema_version 1, got 2"),
        (
            '{"schema_version": 1, "config": {"mels": 80}}',
            "does not describe an encoder: encoder_config: unknown values mels",
        ),
        (
            json.dumps({"schema_version": 1, "config": {**EncoderConfig().to_dict(), "embedding_dim": 0}}),
            "does not describe an encoder: efficientnet_b0: embedding_dim must be at least 1, got 0",
        ),
        (
            json.dumps(
                {"schema_version": 1, "config": {**EncoderConfig().to_dict(), "window_seconds": "long"}}
            ),
            "does not describe an encoder: ",
        ),
    ],
)
def test_a_description_that_does_not_fit_is_named(folder, description, sentence):
    path = folder / "encoder.json"
    path.write_text(description)
    message = message_of(folder)
    # Beyond a colon the words are those of Python's JSON reader, which change.
    assert message.startswith(f"load_model: {path} {sentence}")
