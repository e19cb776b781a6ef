"""Released models on the command line: named by --source or by their folder, and converted."""

import pytest
import torch
from tests.python.released_model import write_published_model

import singerprint as sp
from singerprint.cli.main import main
from singerprint.data.synthetic import write_synthetic_singers


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    write_synthetic_singers(folder / "songs", singers=2, files_per_singer=2, seconds=0.5)
    write_published_model(folder / "released/byol")
    return folder


@pytest.fixture(autouse=True)
def _in_place(place, monkeypatch):
    monkeypatch.chdir(place)


def test_convert_writes_a_model_folder_that_embeds_alike(tmp_path, capsys):
    assert main(["convert", "byol", "--source", "released", "--out", str(tmp_path / "byol")]) == 0
    assert capsys.readouterr().out == f"1000 numbers an embedding, from 44100 Hz; in {tmp_path / 'byol'}\n"
    assert sorted(path.name for path in (tmp_path / "byol").iterdir()) == [
        "encoder.json",
        "encoder.safetensors",
    ]
    file = "songs/singer-00/000.wav"
    expected = sp.load_model("byol", "released").embed(file)
    assert torch.equal(sp.load_model(tmp_path / "byol").embed(file), expected)


@pytest.mark.parametrize("model", [["byol", "--source", "released"], ["released/byol"]])
def test_commands_take_a_released_model(model, capsys):
    one, other = "songs/singer-00/000.wav", "songs/singer-00/001.wav"
    assert main(["compare", one, other, "--model", *model]) == 0
    encoder = sp.load_model("byol", "released")
    cosine = torch.cosine_similarity(encoder.embed(one), encoder.embed(other), dim=0)
    assert float(capsys.readouterr().out) == pytest.approx(float(cosine), abs=1e-4)  # four digits are printed


def test_evaluate_and_embed_take_it_too(tmp_path, capsys):
    model = ["--model", "byol", "--source", "released"]
    assert main(["evaluate", "--data", "songs", *model]) == 0
    assert main(["embed", "songs", "--out", str(tmp_path / "e.npz"), *model]) == 0
    assert capsys.readouterr().out.endswith(f"4 embeddings of 1000 numbers in {tmp_path / 'e.npz'}\n")


def test_a_source_without_the_model_is_one_sentence(tmp_path, capsys):
    assert main(["convert", "vicreg", "--source", "released", "--out", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().err == "singerprint: load_model: source released holds no folder vicreg\n"
    assert not (tmp_path / "x").exists()
