"""Released models: their embeddings are those of the published forward in plain PyTorch."""

import copy
import hashlib

import numpy as np
import pytest
import torch
from tests.python.released_model import (
    HYPERPARAMS,
    called,
    published,
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


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A folder of released models, as the hub's repository is, with one model in it."""
    folder = tmp_path_factory.mktemp("released")
    write_published_model(folder / "byol")
    return folder


@pytest.fixture(scope="module")
def exact():
    """The published forward in float64."""
    return copy.deepcopy(published_model()).double()


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
    with pytest.warns(UserWarning, match="its image is upside down"):  # the last clip's
        assert relative_error(called(load_model("byol", source), waveforms), alone) <= TOLERANCE
    # The promise would be empty if the batch made no difference.
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
    hyperparams["backbone"] = {"backbone": "resnet50"}
    torch.save({"state_dict": tensors, "hyper_parameters": hyperparams}, tmp_path / "best.ckpt")
    assert message_of(tmp_path / "best.ckpt") == (
        f"load_model: {tmp_path}/best.ckpt must have backbone.backbone one of efficientnet_b0, "
        "efficientnet_b0_att, efficientnet_b4, got resnet50"
    )


def test_a_checkpoint_of_something_else_is_named(tmp_path):
    torch.save({"weights": torch.zeros(1)}, tmp_path / "best.ckpt")
    assert message_of(tmp_path / "best.ckpt") == (
        f"load_model: {tmp_path}/best.ckpt must be a Lightning checkpoint, got no state_dict in it"
    )
