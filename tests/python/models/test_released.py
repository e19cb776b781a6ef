"""Released models: embeddings are those of the published forward in plain PyTorch; strange files are named."""

import copy
import hashlib
import os
import pickle

import numpy as np
import pytest
import torch
import yaml
from tests.python.released_model import (
    HYPERPARAMS,
    published_model,
    relative_error,
    singing,
    write_published_model,
)

import singerprint as sp
from singerprint.frontend import resample
from singerprint.models import ModelError, ReleasedEncoder, load_model, save_model

# Float32 against float64: the log-mel rounds by 1e-7, and a network of random weights makes 2 to 5e-6 of it,
# ours as the published one's in float32.
TOLERANCE = 1e-5
MEL_BASIS = "feature_extractor.spec_layer.mel_basis"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A folder of released models, as the hub's repository is, with one model in it."""
    folder = tmp_path_factory.mktemp("released")
    write_published_model(folder / "byol")
    return folder


@pytest.fixture
def folder(tmp_path):
    """A model of one's own, to be spoilt."""
    return write_published_model(tmp_path / "byol")


@pytest.fixture(scope="module")
def exact():
    """The published forward in float64."""
    return copy.deepcopy(published_model()).double()


def published(exact, waveforms):
    with torch.no_grad():
        return exact(waveforms.double())


def called(encoder, waveforms):
    with torch.no_grad():
        return encoder(waveforms)


def message_of(path, *arguments, **options):
    with pytest.raises(ModelError) as caught:
        load_model(path, *arguments, **options)
    return str(caught.value)


def test_the_model_of_these_tests_has_the_keys_and_shapes_of_the_released_file():
    lines = [f"{key} {tuple(t.shape)} {t.dtype}" for key, t in published_model().state_dict().items()]
    assert len(lines) == 364
    # Of the keys, shapes and dtypes of a model.pt, one a line.
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == (
        "daf9fe5796d8885286ec29db8babd1792a579f10ace9e66d77554faf69ed07d6"
    )


@pytest.mark.parametrize("samples", [1025, 4410, 22_051])
def test_reference_is_the_published_forward_of_a_batch(source, exact, samples):
    waveforms = singing(batch=4, samples=samples, seed=3)
    encoder = load_model("byol", source, reference=True)
    assert relative_error(called(encoder, waveforms), published(exact, waveforms)) <= TOLERANCE


@pytest.mark.parametrize("samples", [4410, 22_051])
def test_by_default_each_clip_is_a_batch_of_one(source, exact, samples):
    waveforms = singing(batch=4, samples=samples, seed=3)
    alone = torch.cat([published(exact, clip[None]) for clip in waveforms])
    assert relative_error(called(load_model("byol", source), waveforms), alone) <= TOLERANCE
    # The promise would be empty if the batch made no difference; the last clip's image is upside down alone.
    assert relative_error(published(exact, waveforms), alone) > 0.01


def test_three_shapes_of_waveforms_are_one(source):
    waveforms = singing(batch=2, samples=4410)
    encoder = load_model("byol", source=str(source))
    embeddings = called(encoder, waveforms)
    assert embeddings.shape == (2, 1000)
    assert torch.equal(called(encoder, waveforms[:, None]), embeddings)
    torch.testing.assert_close(called(encoder, waveforms[0]), embeddings[:1])
    with pytest.raises(ValueError) as caught:
        encoder(waveforms[None])
    assert str(caught.value) == (
        "released_encoder: waveforms must have shape (samples,), (batch, samples) or (batch, 1, samples), "
        "got [1, 2, 4410]"
    )


def test_input_of_another_rate_is_resampled_and_files_keep_theirs(source):
    waveforms = singing(batch=2, samples=8000)
    encoder = load_model("byol", source, input_sr=16_000)
    at_44100 = resample(waveforms, 16_000, 44_100)
    plain = load_model("byol", source)
    assert torch.equal(called(encoder, waveforms), called(plain, at_44100))
    assert (encoder.sample_rate_hz, encoder.dim) == (44_100, 1000)
    assert torch.equal(encoder.embed_batch(at_44100), plain.embed_batch(at_44100))
    with pytest.raises(ValueError) as caught:
        load_model("byol", source, input_sr=0)
    assert str(caught.value) == "load_model: input_sr must be a positive whole number, got 0"


def test_it_is_called_as_downstream_programs_do(source):
    model = load_model("byol", source, input_sr=44_100)
    model = model.to(torch.device("cpu")).eval()
    waveform = torch.from_numpy(np.sin(np.arange(30_000) / 20)).float()
    embedding = called(model, waveform.to(next(model.parameters()).device))
    assert embedding.shape == (1, 1000)
    torch.testing.assert_close(model.embed(waveform), embedding[0])
    assert isinstance(copy.deepcopy(model), ReleasedEncoder)


def test_torchscript_is_ignored_with_a_warning(source):
    with pytest.warns(UserWarning, match="^load_model: torchscript is ignored, the model is the same$"):
        assert not load_model("byol", source, torchscript=True).training


def test_a_short_clip_is_named(source):
    encoder = load_model("byol", source)
    with pytest.raises(ValueError) as caught:
        encoder(torch.zeros(1, 1024))
    assert str(caught.value) == (
        "log_mel: waveforms must have more than n_fft / 2 = 1024 samples to be mirrored at their ends, "
        "got 1024"
    )
    with pytest.raises(ValueError) as caught:
        encoder.embed(torch.zeros(4409))
    assert str(caught.value) == "embed: clip must last at least 0.1 s, got 0.0999773 s"
    with pytest.raises(ValueError) as caught:
        encoder.embed_batch(torch.zeros(2, 4409))
    assert str(caught.value) == "embed_batch: waveforms must hold at least 4410 samples, got [2, 4409]"


@pytest.mark.parametrize("reference", [False, True])
def test_a_saved_released_model_comes_back_as_an_encoder_of_this_package(source, tmp_path, reference):
    encoder = load_model("byol", source, reference=reference)
    save_model(encoder, tmp_path / "converted")
    loaded = sp.load_model(tmp_path / "converted")
    assert loaded.config == encoder.config
    waveforms = singing(batch=2, samples=4410)
    assert torch.equal(loaded.embed_batch(waveforms), encoder.embed_batch(waveforms))


@pytest.mark.parametrize("path", ["byol", "byol/model.pt", "byol/hyperparams.yaml"])
def test_a_path_to_a_released_model_is_enough(source, path):
    expected = load_model("byol", source).state_dict()
    found = load_model(source / path).state_dict()
    assert all(torch.equal(found[key], tensor) for key, tensor in expected.items())


@pytest.mark.parametrize("trainer", ["SSLTrainer", "BYOL"])
def test_a_checkpoint_of_the_published_trainers_gives_the_same_encoder(source, tmp_path, trainer):
    state = published_model().state_dict()
    heads = {"net.1.weight": torch.randn(128, 1000), "net.1.bias": torch.randn(128)}
    if trainer == "SSLTrainer":
        front_end = {k.removeprefix("feature_extractor."): v for k, v in state.items() if k[0] == "f"}
        network = {k.removeprefix("encoder."): v for k, v in state.items() if k[0] == "e"}
        tensors = state | {f"projection.{key}": tensor for key, tensor in heads.items()}
        for prefix, part in (("net.0.", front_end), ("net.1.", network), ("net.2.", heads)):
            tensors |= {prefix + key: tensor for key, tensor in part.items()}
    else:
        student = {f"encoder.{key}": tensor for key, tensor in state.items()}
        student |= {f"projector.{key}": tensor for key, tensor in heads.items()}
        student |= {"predictor.model.0.weight": torch.randn(1024, 128)}
        teacher = {key: tensor + 1 for key, tensor in student.items()}
        tensors = {}
        for prefix, part in (
            ("module.", student),
            ("student_network.", student),
            ("teacher_network.", teacher),
        ):
            tensors |= {prefix + key: tensor for key, tensor in part.items()}
    hyperparams = {"feature_extractor": HYPERPARAMS["feature_extractor"], "backbone": HYPERPARAMS["encoder"]}
    for given in ({"hyper_parameters": hyperparams}, {}):
        torch.save({"state_dict": tensors, "epoch": 365, **given}, tmp_path / "best.ckpt")
        found = load_model(tmp_path / "best.ckpt").state_dict()
        assert all(torch.equal(found[key], t) for key, t in load_model("byol", source).state_dict().items())
    hyperparams["backbone"] = {"backbone": "efficientnet_b4"}
    torch.save({"state_dict": tensors, "hyper_parameters": hyperparams}, tmp_path / "best.ckpt")
    assert message_of(tmp_path / "best.ckpt") == (
        f"load_model: {tmp_path}/best.ckpt must have backbone.backbone efficientnet_b0, got efficientnet_b4"
    )


def test_a_checkpoint_of_something_else_is_named(tmp_path):
    torch.save({"weights": torch.zeros(1)}, tmp_path / "best.ckpt")
    assert message_of(tmp_path / "best.ckpt") == (
        f"load_model: {tmp_path}/best.ckpt must be a Lightning checkpoint, got no state_dict in it"
    )


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


class Intruder:
    """Makes a folder where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


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
        ("encoder", {"backbone": "efficientnet_b4"}, "encoder.backbone efficientnet_b0, got efficientnet_b4"),
        ("encoder", {"embedding_dim": None}, "encoder.embedding_dim at least 1, got nothing"),
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
