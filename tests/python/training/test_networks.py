"""Runs of other networks, and what a network drops in training."""

import dataclasses
import json

import pytest
import torch

from singerprint.models import SingerEncoder, load_model
from singerprint.models.network import Network
from singerprint.models.networks import NETWORKS
from singerprint.training import train
from singerprint.training.dropping import set_dropping


def run(config, **options):
    return train(config, show_progress=False, **options).encoder


def same_bits(first, second):
    states = first.state_dict(), second.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0] | states[1])


def dropping(encoder):
    return encoder.network.dropout, encoder.network.stochastic_depth


@pytest.mark.parametrize("network", ["efficientnet_b0_adaptive", "efficientnet_b0_att", "efficientnet_b4"])
def test_a_run_of_another_network_is_a_model(small_config, network):
    config = small_config(network=network, steps=2, checkpoint_every=2)
    encoder = run(config)
    loaded = load_model(config.out)
    assert loaded.config.network == network
    assert same_bits(loaded, encoder)
    untrained = SingerEncoder.untrained(seed=config.seed, network=network).state_dict()
    assert not any(torch.equal(untrained[name], tensor) for name, tensor in encoder.named_parameters())


@pytest.mark.parametrize("objective", ["simclr", "byol"])
def test_a_resumed_run_drops_what_it_would_have_dropped(small_config, tmp_path, objective):
    settings = {"network": "efficientnet_b0_att", "dropout": 0.5, "stochastic_depth": 0.5}
    whole = run(small_config(objective=objective, out=tmp_path / "whole", **settings))
    settings |= {"objective": objective, "out": tmp_path / "parts"}
    stopped_at_2 = small_config(**settings)
    checkpoints = run_to(stopped_at_2, 2)
    assert [path.name for path in checkpoints] == ["step-00000002"]
    assert same_bits(whole, run(stopped_at_2, resume=True))


def run_to(config, step):
    """Leaves the run as it was after `step` steps: without what came later."""
    run(config)
    later = config.out / "checkpoints" / f"step-{config.recipe.steps:08d}"
    for path in later.iterdir():
        path.unlink()
    later.rmdir()
    return sorted((config.out / "checkpoints").iterdir())


def test_what_is_dropped_makes_the_run_and_by_default_is_what_was_published(small_config, tmp_path):
    runs = {
        name: run(small_config(steps=1, out=tmp_path / name, **settings))
        for name, settings in {
            "default": {},
            "published": {"dropout": 0.2, "stochastic_depth": 0.2},
            "nothing": {"dropout": 0.0, "stochastic_depth": 0.0},
        }.items()
    }
    assert same_bits(runs["default"], runs["published"])
    assert not same_bits(runs["default"], runs["nothing"])


@pytest.mark.parametrize(
    ("network", "published"),
    [("efficientnet_b0", (0.2, 0.2)), ("efficientnet_b0_att", (0.2, 0.2)), ("efficientnet_b4", (0.4, 0.2))],
)
def test_published_dropping_and_what_is_given_instead(small_config, network, published):
    encoder = SingerEncoder.untrained(network=network, embedding_dim=8)
    assert dropping(encoder) == (0.0, 0.0)
    set_dropping(encoder, small_config())
    assert dropping(encoder) == published
    set_dropping(encoder, small_config(dropout=0.0))
    assert dropping(encoder) == (0.0, published[1])
    set_dropping(encoder, small_config(stochastic_depth=0.1, seed=7))
    assert (*dropping(encoder), encoder.network.seed) == (published[0], 0.1, 7)


class Plain(Network):
    """A network that drops nothing."""


def test_a_network_that_drops_nothing_is_not_asked_to(small_config, monkeypatch):
    monkeypatch.setitem(NETWORKS, "plain", lambda shape, seed: Plain())
    encoder = SingerEncoder.untrained(network="plain")
    set_dropping(encoder, small_config())
    set_dropping(encoder, small_config(dropout=0.0))
    with pytest.raises(ValueError) as caught:
        set_dropping(encoder, small_config(stochastic_depth=0.1))
    assert str(caught.value) == "train: stochastic_depth must be left out with plain, got 0.1"


@pytest.mark.parametrize("name", ["dropout", "stochastic_depth"])
@pytest.mark.parametrize("value", [-0.1, 1.0])
def test_bad_probabilities_are_named(small_config, name, value):
    with pytest.raises(ValueError) as caught:
        small_config(**{name: value})
    assert str(caught.value) == f"train: {name} must lie in [0, 1), got {value}"


def test_a_run_of_before_dropped_nothing_and_goes_on_so(small_config):
    config = small_config(steps=1, dropout=0.0, stochastic_depth=0.0)
    run(config)
    path = config.out / "checkpoints" / "step-00000001" / "training.json"
    facts = json.loads(path.read_text())
    for name in ("dropout", "stochastic_depth"):
        del facts["config"][name]
    path.write_text(json.dumps(facts))
    with pytest.raises(ValueError) as caught:
        run(dataclasses.replace(config, steps=2, dropout=None), resume=True)
    assert str(caught.value) == "train: dropout must be 0.0 as in the resumed run, got None"
    run(dataclasses.replace(config, steps=2), resume=True)
