"""Checkpoints of Desblancs et al. 2024: embeddings of their forward in plain PyTorch, misfits."""

import copy
import zipfile

import pytest
import torch
from tests.python.deezer_model import (
    RATE_HZ,
    WINDOW_SAMPLES,
    published_images,
    trained_model,
    write_best_epoch,
)
from tests.python.intruder import Intruder

import singerprint as sp
from singerprint.cli.main import main
from singerprint.models import ModelError, encoder_preset, load_model

# Float32 against float64: some 25 sums in a row (two a block, log-mel, embedding) round by 1e-7 each.
TOLERANCE = 2.5e-6
FILTERS = "feature_model.patch_embed.proj.weight"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write_best_epoch(tmp_path_factory.mktemp("checkpoint") / "best_epoch.pt")


def voices(batch, seed=0):
    """Buzzes of different pitches and levels in noise, one window each."""
    generator = torch.Generator().manual_seed(seed)
    seconds = torch.arange(WINDOW_SAMPLES) / RATE_HZ
    pitches_hz = 100 + 200 * torch.rand(batch, 1, generator=generator)
    buzz = sum(
        torch.sin(2 * torch.pi * harmonic * pitches_hz * seconds) / harmonic for harmonic in range(1, 9)
    )
    noise = torch.randn(batch, WINDOW_SAMPLES, generator=generator)
    return (buzz + 0.1 * noise) * 10 ** -torch.rand(batch, 1, generator=generator)


def published(waveforms):
    with torch.no_grad():
        return copy.deepcopy(trained_model()).double().feature_model(published_images(waveforms.double()))


def relative_errors(found, expected):
    return (found.double() - expected).norm(dim=1) / expected.norm(dim=1)


def message_of(path, **options):
    with pytest.raises(ModelError) as caught:
        load_model(path, **options)
    return str(caught.value)


def test_the_model_of_these_tests_has_the_published_sizes():
    # Counted on the published classes: encoder, and head.
    model = trained_model()
    assert sum(parameter.numel() for parameter in model.feature_model.parameters()) == 22_325_888
    assert sum(parameter.numel() for parameter in model.projector.parameters()) == 5_249_024


def test_embeddings_are_those_of_the_published_forward(file):
    waveforms = voices(batch=3)
    encoder, expected = load_model(file), published(waveforms)
    assert relative_errors(encoder.embed_batch(waveforms), expected).max() <= TOLERANCE
    assert relative_errors(expected[:1], expected[1:2]) > 0.1  # there is something to compare
    assert relative_errors(encoder.embed(waveforms[0])[None], expected[:1]) <= TOLERANCE
    assert encoder.config == encoder_preset("deezer")
    assert not encoder.training


def test_numbers_of_either_numpy_are_passed_over(file, tmp_path):
    expected = load_model(file).state_dict()
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(tmp_path / "numpy_1.pt", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("/data.pkl"):
                assert b"numpy._core.multiarray" in content or b"numpy.core.multiarray" in content
                content = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
            target.writestr(name, content)
    found = load_model(tmp_path / "numpy_1.pt").state_dict()
    assert all(torch.equal(found[key], tensor) for key, tensor in expected.items())


def test_the_last_epoch_with_its_optimizer_is_a_checkpoint_too(file, tmp_path):
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    content = torch.load(file, weights_only=False)
    content |= {"optimizer_state_dict": optimizer.state_dict(), "plateau": 3, "mean_val_loss": [4.0]}
    torch.save(content, tmp_path / "last_epoch.pt")
    found = load_model(tmp_path / "last_epoch.pt").state_dict()
    assert all(torch.equal(found[key], tensor) for key, tensor in load_model(file).state_dict().items())


def test_convert_writes_a_model_folder_that_embeds_alike(file, tmp_path, capsys):
    assert main(["convert", str(file), "--out", str(tmp_path / "deezer")]) == 0
    assert capsys.readouterr().out == f"2048 numbers an embedding, from 16000 Hz; in {tmp_path / 'deezer'}\n"
    waveform = voices(batch=1)[0]
    assert torch.equal(sp.load_model(tmp_path / "deezer").embed(waveform), load_model(file).embed(waveform))


def test_every_tensor_that_does_not_fit_is_named(tmp_path):
    changes = {
        "feature_model.cls_token": None,
        "feature_model.norm.weight": torch.ones(384),
        FILTERS: torch.ones(384, 1, 16, 16),
        "feature_model.feature_map_layer.0.bias": torch.ones(1024),
    }
    path = write_best_epoch(tmp_path / "best_epoch.pt", **changes)
    assert message_of(path) == (
        f"load_model: {path} does not fit the encoder: missing feature_model.cls_token, unexpected "
        f"feature_model.norm.weight, {FILTERS} of shape [384, 1, 16, 16] instead of [384, 2, 16, 16], "
        "feature_model.feature_map_layer.0.bias of shape [1024] instead of [2048]"
    )


def test_weights_that_are_not_finite_are_refused(tmp_path):
    token = "feature_model.cls_token"
    path = write_best_epoch(tmp_path / "best_epoch.pt", **{token: torch.full((1, 1, 384), torch.inf)})
    assert message_of(path) == (
        f"load_model: {path} must hold finite weights, got NaN or infinity in {token}"
    )


def test_a_file_of_something_else_is_named(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save({"layer.weight": torch.zeros(1)}, path)
    assert message_of(path) == (
        f"load_model: {path} must be a checkpoint of Desblancs et al. 2024, got no model_state_dict in it"
    )
    torch.save({"model_state_dict": [torch.zeros(1)]}, path)
    assert message_of(path) == f"load_model: {path} must hold a dictionary of tensors, got something else"
    path.write_bytes(path.read_bytes()[:200])
    assert message_of(path).startswith(f"load_model: {path} cannot be read")
    path.unlink()
    assert message_of(path).startswith(f"load_model: {path} does not exist and is no released model (byol, ")


def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path):
    path = tmp_path / "best_epoch.pt"
    torch.save({"model_state_dict": {}, "epoch": Intruder(tmp_path / "ran")}, path)
    assert message_of(path) == (
        f"load_model: {path} must hold tensors and plain values alone, got posix.mkdir; nothing of it was run"
    )
    assert not (tmp_path / "ran").exists()


def test_options_of_released_models_are_refused(file):
    with pytest.raises(ValueError) as caught:
        load_model(file, reference=True)
    assert str(caught.value) == (
        "load_model: reference must be False for a model that is no released one, got True"
    )
