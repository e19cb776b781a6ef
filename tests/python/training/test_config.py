import dataclasses
import json
from itertools import pairwise
from pathlib import Path

import pytest

from singerprint.models.networks import NETWORKS
from singerprint.training import RECIPES, TrainConfig

DATA, OUT = (Path("a"),), Path("b")


def test_the_defaults_are_the_papers_values():
    # ssl-singer-identity: config/common.yaml, contrastive.yaml, byol.yaml
    contrastive, byol = TrainConfig(DATA, OUT).recipe, TrainConfig(DATA, OUT, objective="byol").recipe
    assert (contrastive.learning_rate, contrastive.weight_decay, contrastive.batch_size) == (1e-4, 1e-5, 140)
    assert (byol.learning_rate, byol.weight_decay) == (3e-5, 1.5e-6)
    for recipe in (contrastive, byol):
        assert (recipe.crop_seconds, recipe.augmentation) == (4.0, "paper")
    for name in (
        "contrastive_vc",
        "uniformity_alignment",
        "vicreg",
        "simclr",
    ):  # their files differ in the loss
        assert dataclasses.replace(RECIPES[name], weights=contrastive.weights) == contrastive


def test_the_labelled_objective_has_the_values_of_its_paper():
    # real-cloned-singer-id: training/parameters.py, foundation/constants.py; no augmentation, no weight decay
    recipe = TrainConfig(DATA, OUT, objective="singer_contrastive").recipe
    assert (recipe.learning_rate, recipe.weight_decay, recipe.batch_size) == (1e-4, 0.0, 128)
    assert (recipe.crop_seconds, recipe.augmentation) == (6.0, "none")


def test_the_weights_are_those_of_the_released_configurations():
    # ssl-singer-identity: train_configs/*.yaml; the mean squared error is over batch and 128 dimensions
    assert {name: recipe.weights for name, recipe in RECIPES.items()} == {
        "contrastive": {"cross_decoupled": 1.0},
        "contrastive_vc": {"cross_decoupled": 1.0, "variance": 25.0, "covariance": 100.0},
        "uniformity_alignment": {"alignment": 1.0, "uniformity": 1.0},
        "vicreg": {"invariance": 25.0, "variance": 25.0, "covariance": 100.0},
        "byol": {"byol": 1 / 128},
        "simclr": {"nt_xent": 1.0},
        "singer_contrastive": {"supervised_nt_xent": 1.0},
    }


def test_weights_that_are_not_given_keep_the_papers_values():
    config = TrainConfig(DATA, OUT, objective="vicreg", weights={"variance": 5.0})
    assert config.recipe.weights == {"invariance": 25.0, "variance": 5.0, "covariance": 100.0}
    assert json.loads(json.dumps(config.as_json()))["weights"] == config.recipe.weights
    assert RECIPES["vicreg"].weights["variance"] == 25.0


def test_what_is_given_replaces_the_recipe():
    config = TrainConfig(DATA, OUT, steps=7, learning_rate=0.5)
    assert (config.recipe.steps, config.recipe.learning_rate) == (7, 0.5)
    assert config.recipe.batch_size == RECIPES["contrastive"].batch_size


def test_warmup_rises_linearly_to_the_peak_and_the_cosine_ends_near_zero():
    config = TrainConfig(DATA, OUT, steps=100, warmup_steps=10, learning_rate=1.0, schedule="cosine")
    rates = [config.learning_rate_at(step) for step in range(100)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[10] == 1.0
    assert all(later < earlier for earlier, later in pairwise(rates[10:]))
    assert 0 < rates[-1] < 1e-3  # 0.5 * (1 + cos(pi * 89 / 90)) = 3.0e-4


def test_a_short_run_warms_up_for_a_tenth_of_its_steps():
    assert TrainConfig(DATA, OUT, objective="byol", steps=100).recipe.warmup_steps == 10
    assert TrainConfig(DATA, OUT, objective="byol").recipe.warmup_steps == 1_700


def test_the_configuration_is_json():
    values = json.loads(json.dumps(TrainConfig(DATA, OUT).as_json()))
    assert (values["data"], values["steps"]) == (["a"], RECIPES["contrastive"].steps)


def test_the_chain_is_written_out_whatever_it_is_called(tmp_path):
    path = tmp_path / "chain.json"
    path.write_text(json.dumps(TrainConfig(DATA, OUT, augmentation="strong").transforms))
    by_name, by_file = (TrainConfig(DATA, OUT, augmentation=name) for name in ("strong", str(path)))
    assert by_name.as_json()["transforms"] == by_file.as_json()["transforms"]
    assert TrainConfig(DATA, OUT, augmentation="none").transforms == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"objective": "moco"},
            "train: objective must be one of ['byol', 'contrastive', 'contrastive_vc', 'simclr', "
            "'singer_contrastive', 'uniformity_alignment', 'vicreg'], got 'moco'",
        ),
        ({"network": "resnet"}, f"train: network must be one of {sorted(NETWORKS)}, got 'resnet'"),
        (
            {"objective": "contrastive_vc", "weights": {"invariance": 1.0}},
            "train: weights must be of the terms of contrastive_vc, cross_decoupled, variance, covariance, "
            "got 'invariance'",
        ),
        (
            {"objective": "vicreg", "weights": {"variance": -1.0}},
            "train: the weight of variance must be finite and not negative, got -1.0",
        ),
        (
            {"weights": {"cross_decoupled": 0.0}},
            "train: weights must not all be 0, got {'cross_decoupled': 0.0}",
        ),
        (
            {"objective": "singer_contrastive", "sources_per_batch": 4},
            "train: sources_per_batch must be left out with singer_contrastive, whose batches are drawn from "
            "all singers alike, got 4",
        ),
        ({"steps": 0}, "train: steps must be at least 1, got 0"),
        ({"batch_size": 1}, "train: batch_size must be at least 2, got 1"),
        ({"seed": 2**63}, f"train: seed must be below 2**63, got {2**63}"),
        ({"workers": -1}, "train: workers must be at least 0, got -1"),
        ({"crop_seconds": 0.05}, "train: crop_seconds must be at least 0.1 and finite, got 0.05"),
        ({"temperature": float("nan")}, "train: temperature must be between 1e-6 and 1e6, got nan"),
        ({"temperature": 1e7}, "train: temperature must be between 1e-6 and 1e6, got 10000000.0"),
        ({"rank_timeout_seconds": 0.0}, "train: rank_timeout_seconds must be positive and finite, got 0.0"),
        ({"learning_rate": -1.0}, "train: learning_rate must be finite and not negative, got -1.0"),
        ({"initial_tau": 1.5}, "train: initial_tau must lie in [0, 1], got 1.5"),
        (
            {"augmentation": "loud"},
            "preset_or_file: name must be one of ['none', 'paper', 'paper_fixed', 'quiet', 'strong'] "
            "or end in .json, .yaml or .yml, got 'loud'",
        ),
        ({"data": ()}, "train: data must name at least one folder, got none"),
    ],
)
def test_bad_settings_are_named(settings, sentence):
    with pytest.raises(ValueError) as caught:
        TrainConfig(**{"data": DATA, "out": OUT} | settings)
    assert str(caught.value) == sentence
