"""Where released models come from: a folder, or a hub repository, for which a server here answers."""

import sys

import pytest
import torch
from tests.python.hub_server import hub_of, printed_in_a_process
from tests.python.released_model import write_published_model

from singerprint.models import ModelError, load_model


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repository")
    write_published_model(folder / "unif-align")
    return folder


@pytest.fixture
def hub(repository):
    """A server that answers for files of user/singers as the hub does; gives its address."""

    with hub_of(repository, "user/singers") as address:
        yield address


def load_in_a_process(tmp_path, name, source, **environment):
    """What a model's last bias adds up to, or the error of loading it."""
    model = f"sp.load_model({name!r}, {source!r})"
    tensor = "network.classifier.1.bias"
    return printed_in_a_process(tmp_path, f"{model}.state_dict()[{tensor!r}].sum().item()", **environment)


def test_a_model_of_the_hub_is_fetched_and_found_again_without_it(hub, repository, tmp_path):
    expected = load_model(repository / "unif-align").state_dict()["network.classifier.1.bias"].sum()
    # "uniformity" is what programs say, unif-align what the hub has.
    fetched = load_in_a_process(tmp_path, "uniformity", "user/singers", HF_ENDPOINT=hub)
    assert float(fetched) == expected != 0
    assert load_in_a_process(tmp_path, "unif-align", "user/singers", HF_HUB_OFFLINE="1") == fetched
    missing = load_in_a_process(tmp_path, "byol", "user/singers", HF_ENDPOINT=hub)
    assert missing.startswith(
        "ModelError: load_model: source user/singers is no existing folder, and byol cannot be had from the "
        "hub by that name ("
    )


def test_a_hub_that_cannot_be_reached_is_named(tmp_path):
    assert load_in_a_process(tmp_path, "byol", "user/singers", HF_HUB_OFFLINE="1") == (
        "ModelError: load_model: source user/singers is no existing folder, and the hub cannot be reached "
        "for byol\n"
    )
    assert load_in_a_process(tmp_path, "byol", "/no/such/folder", HF_HUB_OFFLINE="1") == (
        "ModelError: load_model: source /no/such/folder is no existing folder, and byol cannot be had from "
        "the hub by that name (HFValidationError)\n"
    )


def test_without_huggingface_hub_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelError) as caught:
        load_model("byol")
    assert str(caught.value) == (
        "load_model: source must be an existing folder where huggingface_hub is not installed "
        "(pip install singerprint[hub]), got BernardoTorres/singer-identity"
    )


def test_both_names_find_the_folder(repository):
    states = [load_model(name, repository).state_dict() for name in ("uniformity", "unif-align")]
    assert all(torch.equal(states[0][key], tensor) for key, tensor in states[1].items())


def test_a_source_without_the_model_is_named(repository):
    with pytest.raises(ModelError) as caught:
        load_model("byol", repository)
    assert str(caught.value) == f"load_model: source {repository} holds no folder byol"


def test_an_existing_path_goes_before_a_released_name(repository, tmp_path, monkeypatch):
    (tmp_path / "byol").symlink_to(repository / "unif-align")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert load_model("byol").dim == 1000
