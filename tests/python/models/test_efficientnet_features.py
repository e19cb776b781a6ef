"""The feature map before pooling, and the ops that give it."""

import copy

import pytest
import torch
from tests.python.models.is_native import is_native
from torch.library import opcheck

from singerprint.models import EfficientNet, efficientnet_b0


def arguments(network, spectrograms, training=False):
    tensors = dict(network.named_parameters())
    parameters = [tensor.detach().clone() for key, tensor in tensors.items() if "classifier" not in key]
    statistics = [
        buffer.clone() for name, buffer in network.named_buffers() if "num_batches_tracked" not in name
    ]
    return [spectrograms, parameters, statistics, training, 0.1, 1e-5]


@pytest.mark.parametrize("grad", [True, False], ids=["operators", "native"])
@pytest.mark.parametrize(("mels", "frames"), [(80, 87), (33, 1)])
def test_it_equals_torchvisions_features(fitted_pair, generator, grad, mels, frames):
    ours, reference = fitted_pair
    spectrograms = torch.randn(2, ours.in_channels, mels, frames, generator=generator)
    with torch.no_grad():
        expected = copy.deepcopy(reference).double().features(spectrograms.double())
    with torch.set_grad_enabled(grad):
        result = ours.feature_map(spectrograms)
    assert result.shape == expected.shape == (2, ours.pooled_dim, -(-mels // 32), -(-frames // 32))
    assert (result - expected).norm() <= 1e-5 * expected.norm()  # the project's promise
    assert result.is_contiguous(memory_format=torch.channels_last)


def test_without_gradients_it_is_native(network, spectrograms):
    with torch.no_grad():
        assert is_native(lambda: network.feature_map(spectrograms))


def test_features_and_embeddings_take_turns(network, spectrograms):
    with torch.no_grad():
        first = network(spectrograms), network.feature_map(spectrograms)
        again = network(spectrograms), network.feature_map(spectrograms)
        assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
        network.get_parameter("features.0.0.weight").mul_(2)
        assert not torch.equal(network.feature_map(spectrograms), first[1])
        assert not torch.equal(network(spectrograms), first[0])


def test_the_embedding_is_the_linear_layer_of_their_mean(network, spectrograms):
    weight, bias = (network.get_parameter(f"classifier.1.{name}") for name in ("weight", "bias"))
    with torch.no_grad():
        expected = torch.nn.functional.linear(network.feature_map(spectrograms).mean((2, 3)), weight, bias)
        torch.testing.assert_close(network(spectrograms), expected, rtol=0, atol=1e-5)


def test_opcheck(network, spectrograms):
    function = torch.ops.singerprint.efficientnet_b0_features.default
    values = arguments(network, spectrograms, training=True)
    opcheck(function, values, test_utils=("test_schema", "test_faketensor"))  # the others: see the embeddings


def test_bad_arguments_are_named(network, spectrograms):
    values = arguments(network, spectrograms)
    with pytest.raises(ValueError) as caught:
        torch.ops.singerprint.efficientnet_b0_features(spectrograms, list(network.parameters()), *values[2:])
    assert str(caught.value) == "efficientnet_b0_features: parameters must be 211 tensors, got 213"
    with pytest.raises(ValueError) as caught:
        torch.ops.singerprint.efficientnet_b4_features(*values)
    assert str(caught.value) == "efficientnet_b4_features: parameters must be 416 tensors, got 211"
    with pytest.raises(ValueError) as caught:
        torch.ops.singerprint.efficientnet_b0_features(spectrograms[0], *values[1:])
    assert str(caught.value) == (
        "efficientnet_b0_features: spectrograms must have shape (batch, channels, mels, frames), "
        "got [1, 40, 33]"
    )


def test_training_mode_has_no_feature_map(network, spectrograms):
    with pytest.raises(ValueError) as caught:
        network.train().feature_map(spectrograms)
    assert str(caught.value) == "efficientnet_b0: feature_map must be called in eval mode, got training mode"


@pytest.mark.parametrize("frames", [1, 32, 33, 345])
@pytest.mark.parametrize("aggregation", ["mean", "adaptive", "attentive"])
def test_a_frame_is_embedded_as_a_clip_of_it_alone(generator, aggregation, frames):
    network = efficientnet_b0(1, 8, aggregation=aggregation).eval()
    spectrograms = torch.randn(2, 1, 40, frames, generator=generator)
    with torch.no_grad():
        result = network.frame_embeddings(spectrograms)
        features = network.feature_map(spectrograms).mean(dim=2)
        weight, bias = (network.get_parameter(f"classifier.1.{name}") for name in ("weight", "bias"))
        for frame in range(features.shape[2]):
            pooled = network.aggregation(features[:, :, frame : frame + 1])
            expected = torch.nn.functional.linear(pooled, weight, bias)
            torch.testing.assert_close(result[:, frame], expected, rtol=1e-5, atol=1e-6)  # other products
        assert result.shape == (2, 1 + (frames - 1) // network.frame_stride, 8)


def test_an_unknown_variant_is_named():
    with pytest.raises(ValueError) as caught:
        EfficientNet(variant="efficientnet_b9")
    assert str(caught.value) == (
        "efficientnet: variant must be efficientnet_b0 or efficientnet_b4, got efficientnet_b9"
    )
