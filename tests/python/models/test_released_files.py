"""Files of released models that do not fit: one sentence each, and nothing of them is run."""

import pickle

import pytest
import torch
import yaml
from tests.python.intruder import Intruder
from tests.python.released_model import HYPERPARAMS, published_model, write_published_model

import singerprint as sp
from singerprint.models import ModelError, load_model, save_model

MEL_BASIS = "feature_extractor.spec_layer.mel_basis"
BACKBONES = "efficientnet_b0, efficientnet_b0_att, efficientnet_b4"


@pytest.fixture
def folder(tmp_path):
    """A model of one's own, to be spoilt."""
    return write_published_model(tmp_path / "byol")


def message_of(path, *arguments, **options):
    with pytest.raises(ModelError) as caught:
        load_model(path, *arguments, **options)
    return str(caught.value)


def test_every_tensor_that_does_not_fit_is_named(tmp_path):
    changes = {
        "encoder.net.2.classifier.1.bias": None,
        "encoder.net.2.classifier.1.scale": torch.ones(1000),
        "encoder.net.2.features.0.0.weight": torch.ones(32, 1, 3, 3),
        MEL_BASIS: torch.ones(80, 1025),
    }
    folder = write_published_model(tmp_path / "byol", **changes)
    assert message_of(folder) == (
        f"load_model: {folder}/model.pt does not fit the encoder: missing encoder.net.2.classifier.1.bias, "
        f"unexpected encoder.net.2.classifier.1.scale, {MEL_BASIS} of shape [80, 1025] instead of "
        "[128, 1025], encoder.net.2.features.0.0.weight of shape [32, 1, 3, 3] instead of [32, 3, 3, 3]"
    )


def test_a_file_of_another_network_does_not_fill_pages(folder):
    torch.save({f"layer.{layer}": torch.zeros(1) for layer in range(3)}, folder / "model.pt")
    assert message_of(folder).endswith("features.0.1.running_mean, and 359 more")


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (MEL_BASIS, lambda basis: basis.roll(1, dims=0)),
        (MEL_BASIS, lambda basis: basis * torch.nan),
        ("feature_extractor.spec_layer.stft.wsin", torch.neg),
        ("feature_extractor.spec_layer.stft.wcos", lambda kernel: kernel * 0.999),
        ("feature_extractor.spec_layer.stft.window_mask", torch.ones_like),
    ],
)
def test_another_front_end_is_refused(tmp_path, key, change):
    folder = write_published_model(tmp_path / "byol", **{key: change(published_model().state_dict()[key])})
    beginning, _, end = message_of(folder).partition(" by up to ")
    assert beginning == (
        f"load_model: {folder}/model.pt has another front end: {key} must be that of 128 Slaney filters for "
        "22050 Hz and a Hann window of 2048 samples, got values that differ"
    )
    assert end.endswith(" of the greatest")


def test_weights_that_are_not_finite_are_refused(tmp_path):
    bias = "encoder.net.2.classifier.1.bias"
    folder = write_published_model(tmp_path / "byol", **{bias: torch.full((1000,), torch.nan)})
    assert message_of(folder) == (
        f"load_model: {folder}/model.pt must hold finite weights, got NaN or infinity in {bias}"
    )
    encoder = sp.SingerEncoder.untrained(embedding_dim=8)
    encoder.network.state_dict()["classifier.1.bias"][3] = torch.inf
    save_model(encoder, tmp_path / "own")
    assert message_of(tmp_path / "own") == (
        f"load_model: {tmp_path}/own/encoder.safetensors must hold finite weights, got NaN or infinity in "
        "network.classifier.1.bias"
    )


def test_a_pickle_that_runs_code_is_refused_and_not_run(folder, tmp_path):
    state = {**published_model().state_dict(), "encoder.net.2.classifier.1.bias": Intruder(tmp_path / "ran")}
    torch.save(state, folder / "model.pt")
    weights = folder / "model.pt"
    assert message_of(folder) == (
        f"load_model: {weights} must hold tensors and plain values alone, got posix.mkdir; "
        "nothing of it was run"
    )
    weights.write_bytes(pickle.dumps(Intruder(tmp_path / "ran"), protocol=2))
    assert message_of(folder) == (
        f"load_model: {weights} cannot be read as tensors and plain values; nothing of it was run"
    )
    assert not (tmp_path / "ran").exists()


def test_damaged_and_missing_files_are_named(folder):
    weights, description = folder / "model.pt", folder / "hyperparams.yaml"
    weights.write_bytes(weights.read_bytes()[:100_000])
    assert message_of(folder).startswith(f"load_model: {weights} cannot be read: ")
    assert "\n" not in message_of(folder)
    torch.save([torch.zeros(1)], weights)
    assert message_of(folder) == (
        f"load_model: {weights} must hold a dictionary of tensors, got something else"
    )
    weights.unlink()
    assert message_of(folder) == f"load_model: {weights} is missing"
    description.write_text("encoder: [")
    assert message_of(folder) == (f"load_model: {description} cannot be read: while parsing a flow node")
    weights.touch()
    description.unlink()
    assert message_of(folder) == f"load_model: {description} is missing"


@pytest.mark.parametrize(
    ("section", "values", "sentence"),
    [
        ("feature_extractor", {"spec_layer": "stft"}, "feature_extractor.spec_layer melspectogram, got stft"),
        ("feature_extractor", {"n_fft": 1024}, "feature_extractor.n_fft 2048, got 1024"),
        ("feature_extractor", {"hop_length": 441}, "feature_extractor.hop_length 512, got 441"),
        ("encoder", {"backbone": "resnet50"}, f"encoder.backbone one of {BACKBONES}, got resnet50"),
        (
            "encoder",
            {"backbone": ["efficientnet_b0"]},
            f"encoder.backbone one of {BACKBONES}, got ['efficientnet_b0']",
        ),
        ("encoder", {"backbone": None}, f"encoder.backbone one of {BACKBONES}, got nothing"),
        ("encoder", {"embedding_dim": None}, "encoder.embedding_dim at least 1, got nothing"),
        (
            "encoder",
            {"backbone": "efficientnet_b0_att", "embedding_dim": 6},
            "encoder.embedding_dim a positive multiple of 4, got 6",
        ),
    ],
)
def test_hyperparameters_of_another_model_are_named(folder, section, values, sentence):
    path = folder / "hyperparams.yaml"
    path.write_text(yaml.safe_dump({**HYPERPARAMS, section: HYPERPARAMS[section] | values}))
    assert message_of(folder) == f"load_model: {path} must have {sentence}"
    path.write_text("lr: 0.1")
    assert message_of(folder) == (
        f"load_model: {path} must have feature_extractor.spec_layer melspectogram, got nothing"
    )


def test_hyperparameters_cannot_run_code(folder, tmp_path):
    path = folder / "hyperparams.yaml"
    path.write_text(f"encoder: !!python/object/apply:os.mkdir ['{tmp_path / 'ran'}']")
    assert message_of(folder) == (
        f"load_model: {path} cannot be read: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object/apply:os.mkdir'"
    )
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("option", "default", "given"), [("input_sr", 44_100, 16_000), ("reference", False, True)]
)
def test_options_of_released_models_are_refused_for_others(tmp_path, option, default, given):
    save_model(sp.SingerEncoder.untrained(embedding_dim=8), tmp_path)
    with pytest.raises(ValueError) as caught:
        load_model(tmp_path, **{option: given})
    assert str(caught.value) == (
        f"load_model: {option} must be {default} for a model that is no released one, got {given}"
    )
