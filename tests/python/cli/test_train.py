"""Every objective from the command line: it trains, writes down what it did, and refuses what it has not."""

import json

import pytest

from singerprint.cli.main import main
from singerprint.data.synthetic import write_synthetic_singers
from singerprint.training import RECIPES, read_metrics


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("songs")
    write_synthetic_singers(folder, singers=3, files_per_singer=2, seconds=1.0)
    return folder


def train(songs, out, *arguments):
    settings = ("--steps", 2, "--batch_size", 4, "--crop_seconds", 0.4, "--workers", 0, "--log_every", 1)
    command = ["train", "--data", songs, "--out", out, *settings, *arguments]
    return main([str(argument) for argument in command])


@pytest.mark.parametrize("objective", RECIPES)
def test_every_objective_trains(songs, tmp_path, objective):
    assert train(songs, tmp_path / "run", "--objective", objective) == 0
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert (config["objective"], config["weights"]) == (objective, RECIPES[objective].weights)
    records = read_metrics(tmp_path / "run")
    assert len(records) == 2
    for record in records:
        total = sum(weight * record[term] for term, weight in RECIPES[objective].weights.items())
        assert record["loss"] == pytest.approx(total, rel=1e-5, abs=1e-6)  # float32 sums that may cancel


def test_a_weight_is_set_by_the_name_of_its_term(songs, tmp_path):
    weights = ("--weights.variance", 5, "--weights.covariance", 0)
    assert train(songs, tmp_path / "run", "--objective", "vicreg", *weights) == 0
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["weights"] == {"invariance": 25.0, "variance": 5.0, "covariance": 0.0}


def test_a_run_is_repeated_from_its_own_files(songs, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert train(songs, first, "--objective", "vicreg", "--seed", 3) == 0
    options = ("--config", first / "config.json", "--augmentation", first / "augmentation.json")
    assert main([str(argument) for argument in ("train", *options, "--out", second)]) == 0
    weights = "encoder.safetensors"
    assert (first / weights).read_bytes() == (second / weights).read_bytes()


def test_weights_are_read_from_a_file(songs, tmp_path):
    (tmp_path / "options.yaml").write_text("objective: uniformity_alignment\nweights: {uniformity: 0.5}\n")
    assert train(songs, tmp_path / "run", "--config", tmp_path / "options.yaml") == 0
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["weights"] == {"alignment": 1.0, "uniformity": 0.5}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--objective", "simclr", "--weights.variance", 1),
            "train: weights must be of the terms of simclr, nt_xent, got 'variance'",
        ),
        (
            ("--objective", "vicreg", "--weights.variance", -1),
            "train: the weight of variance must be finite and not negative, got -1.0",
        ),
    ],
)
def test_a_weight_that_cannot_be_is_refused(songs, tmp_path, capsys, arguments, sentence):
    assert train(songs, tmp_path / "run", *arguments) == 2
    assert capsys.readouterr().err == f"singerprint: {sentence}\n"


def test_one_singer_is_not_enough_to_tell_singers_apart(songs, tmp_path, capsys):
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs/ann").symlink_to(songs / "singer-00")
    assert train(tmp_path / "songs", tmp_path / "run", "--objective", "singer_contrastive") == 2
    assert capsys.readouterr().err == (
        "singerprint: train: data must hold at least 2 singers for singer_contrastive, each a folder of "
        "files, got 1\n"
    )


def test_an_unknown_objective_is_refused_with_the_known_ones(songs, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        train(songs, tmp_path / "run", "--objective", "moco")
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert "moco" in said
    assert all(name in said for name in RECIPES)


def test_help_explains_every_objective_and_term(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    said = capsys.readouterr().out  # whole words between two backquotes are never broken
    for name, recipe in RECIPES.items():
        assert f"``{name}``" in said
        assert all(f"``{term}``" in said for term in recipe.weights)
