"""Networks by how the frames of a clip become one vector."""

import copy
import pickle

import pytest
import torch

from singerprint.models import EfficientNet, SingerEncoder, efficientnet_b0, load_model, save_model
from singerprint.models.aggregation import AGGREGATIONS
from singerprint.models.networks import NETWORKS

OTHERS = ("adaptive", "attentive")


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 8, 11, 30])
def test_adaptive_is_pytorchs_adaptive_average(generator, frames):
    features = torch.randn(2, 3, frames, generator=generator, dtype=torch.float64)
    aggregation = AGGREGATIONS["adaptive"](3, generator)
    expected = torch.nn.functional.adaptive_avg_pool1d(features, 4).flatten(1)
    torch.testing.assert_close(aggregation(features), expected, rtol=0, atol=1e-14)  # the order of a sum


@pytest.mark.parametrize("aggregation", OTHERS)
def test_trunk_keys_are_torchvisions(torchvision_network, aggregation):
    ours, reference = efficientnet_b0(3, 24, aggregation=aggregation), torchvision_network(3)
    trunk = {key: tensor for key, tensor in reference.state_dict().items() if "features" in key}
    missing, unexpected = ours.load_state_dict(trunk, strict=False)
    assert not unexpected
    assert all(key.startswith(("aggregation.", "classifier.")) for key in missing)
    assert ours.get_parameter("classifier.1.weight").shape == (24, ours.aggregation.pooled_dim)


@pytest.mark.parametrize("aggregation", OTHERS)
def test_the_trunk_is_that_of_the_seed(aggregation):
    plain = efficientnet_b0(1, 8, seed=4).features.state_dict()
    ours = efficientnet_b0(1, 8, seed=4, aggregation=aggregation).features.state_dict()
    assert all(torch.equal(ours[key], tensor) for key, tensor in plain.items())


@pytest.mark.parametrize("aggregation", OTHERS)
def test_training_by_the_op_equals_the_parts(torchvision_network, generator, aggregation):
    ours = efficientnet_b0(1, 24, aggregation=aggregation).double()
    reference = torchvision_network(1).double()
    ours.load_state_dict({k: v for k, v in reference.state_dict().items() if "features" in k}, strict=False)
    spectrograms = torch.randn(3, 1, 40, 65, generator=generator, dtype=torch.float64)
    parts = copy.deepcopy(ours.aggregation)
    weight, bias = (ours.get_parameter(f"classifier.1.{name}").detach() for name in ("weight", "bias"))
    expected = torch.nn.functional.linear(parts(reference.features(spectrograms).mean(2)), weight, bias)
    result = ours(spectrograms)
    assert (result - expected).norm() <= 1e-11 * expected.norm()  # as the network with the mean
    result.square().sum().backward()
    expected.square().sum().backward()
    own = [*ours.features.parameters(), *ours.aggregation.parameters()]
    theirs = [*reference.features.parameters(), *parts.parameters()]
    whole = torch.stack([parameter.grad.norm() for parameter in theirs]).norm()
    for mine, other in zip(own, theirs, strict=True):
        assert (mine.grad - other.grad).norm() <= 1e-10 * other.grad.norm() + 1e-12 * whole
    assert ours.get_buffer("features.0.1.num_batches_tracked") == 1


def test_trains_compiled_as_one_graph(generator):
    network = efficientnet_b0(1, 8, aggregation="attentive", dropout=0.2, stochastic_depth=0.2)
    eager = copy.deepcopy(network)
    spectrograms = torch.randn(2, 1, 40, 65, generator=generator)
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    for _ in range(2):  # the second batch drops others
        expected = eager(spectrograms)
        torch.testing.assert_close(compiled(spectrograms), expected, rtol=1e-4, atol=1e-4)  # orders of sums


@pytest.mark.parametrize("aggregation", OTHERS)
def test_native_features_embed_alike(generator, aggregation):
    network = efficientnet_b0(1, 8, aggregation=aggregation).eval()
    with torch.no_grad():
        for name, tensor in network.named_buffers():
            if name.endswith("running_var"):
                tensor.fill_(0.1)  # the signal does not die out
    spectrograms = torch.randn(3, 1, 80, 101, generator=generator)
    with torch.no_grad():
        expected = copy.deepcopy(network).double()(spectrograms.double())
        result = network(spectrograms)
        alone = torch.cat([network(clip) for clip in spectrograms.split(1)])
    assert (result - expected).norm() <= 1e-5 * expected.norm()  # the promise
    assert (alone - result).norm() <= 1e-5 * expected.norm()


@pytest.mark.parametrize("aggregation", OTHERS)
def test_copies_embed_alike(generator, aggregation):
    network = efficientnet_b0(1, 8, aggregation=aggregation, seed=3).eval()
    spectrograms = torch.randn(2, 1, 40, 33, generator=generator)
    expected = network(spectrograms)
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(other(spectrograms), expected)
    assert torch.equal(efficientnet_b0(1, 8, aggregation=aggregation, seed=3).eval()(spectrograms), expected)


@pytest.mark.parametrize("name", sorted(name for name in NETWORKS if name.startswith("efficientnet")))
def test_every_network_embeds_saves_and_loads_any_length(generator, tmp_path, name):
    encoder = SingerEncoder.untrained(network=name, embedding_dim=8)
    save_model(encoder, tmp_path)
    loaded = load_model(tmp_path)
    assert loaded.config == encoder.config
    for samples in (4_410, 8_191, 44_100, 200_000):
        waveform = torch.randn(samples, generator=generator)
        embedding = encoder.embed(waveform)
        assert embedding.isfinite().all() and torch.equal(loaded.embed(waveform), embedding)
        frames = encoder.frames(waveform)
        assert frames.shape == (1 + samples // encoder.frame_hop_samples, 8)
        assert frames.isfinite().all()
    assert encoder.embed(torch.zeros(20_000)).isfinite().all()


def test_silence_in_training_has_finite_gradients(generator):
    encoder = SingerEncoder.untrained(network="efficientnet_b0_att", embedding_dim=8).train()
    encoder(
        torch.stack([torch.zeros(22_050), torch.randn(22_050, generator=generator)])
    ).square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in encoder.parameters())


def test_an_unknown_aggregation_is_named():
    with pytest.raises(ValueError) as caught:
        EfficientNet(aggregation="median")
    assert str(caught.value) == (
        "efficientnet_b0: aggregation must be one of mean, adaptive, attentive, got median"
    )
