"""Models of the published code's two other networks: B4, and B0 under attention per channel."""

import copy

import pytest
import torch
from tests.python.released_model import (
    called,
    hyperparams_of,
    published,
    published_model,
    relative_error,
    singing,
    write_published_model,
)

from singerprint.models import ModelError, SingerEncoder, initialize, load_model, save_model
from singerprint.models.channel_attention import ChannelAttentionEfficientNet

BACKBONES = ["efficientnet_b0_att", "efficientnet_b4"]
# Float32 against float64: networks of random weights make 2 to 6e-6 of the log-mel's 1e-7, ours as the
# published ones in float32.
TOLERANCE = 1e-5


@pytest.fixture(scope="module", params=BACKBONES)
def backbone(request):
    return request.param


@pytest.fixture(scope="module")
def folder(backbone, tmp_path_factory):
    return write_published_model(tmp_path_factory.mktemp("released") / "own", backbone)


@pytest.fixture(scope="module")
def exact(backbone):
    """The published forward in float64."""
    return copy.deepcopy(published_model(backbone)).double()


@pytest.mark.parametrize("samples", [4410, 66_000])  # one column of the feature map, and five
def test_reference_is_the_published_forward_of_a_batch(folder, exact, samples):
    waveforms = singing(batch=4, samples=samples, seed=3)
    encoder = load_model(folder, reference=True)
    assert relative_error(called(encoder, waveforms), published(exact, waveforms)) <= TOLERANCE


def test_by_default_each_clip_is_a_batch_of_one(folder, exact):
    waveforms = singing(batch=4, samples=66_000, seed=3)
    alone = torch.cat([published(exact, clip[None]) for clip in waveforms])
    with pytest.warns(UserWarning, match="its image is upside down"):  # the last clip's
        assert relative_error(called(load_model(folder), waveforms), alone) <= TOLERANCE
    assert relative_error(alone[:1], alone[1:2]) > 0.1  # there is something to compare


def test_a_checkpoint_of_the_published_trainer_gives_the_same_encoder(folder, backbone, tmp_path):
    hyperparams = hyperparams_of(backbone)
    hyperparams["backbone"] = hyperparams.pop("encoder")
    tensors = published_model(backbone).state_dict() | {"projection.net.1.bias": torch.zeros(128)}
    torch.save({"state_dict": tensors, "hyper_parameters": hyperparams}, tmp_path / "best.ckpt")
    found = load_model(tmp_path / "best.ckpt").state_dict()
    assert all(torch.equal(found[key], tensor) for key, tensor in load_model(folder).state_dict().items())


def test_a_converted_model_comes_back_as_it_was(folder, tmp_path):
    encoder = load_model(folder)
    save_model(encoder, tmp_path)
    loaded = load_model(tmp_path)
    waveforms = singing(batch=2, samples=22_051)
    assert loaded.config == encoder.config
    assert torch.equal(loaded.embed_batch(waveforms), encoder.embed_batch(waveforms))


def test_tensors_of_another_backbone_are_named(backbone, tmp_path):
    folder = write_published_model(tmp_path / "own", "efficientnet_b0")
    write_published_model(tmp_path / "other", backbone)
    (tmp_path / "other/hyperparams.yaml").replace(folder / "hyperparams.yaml")
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    prefix = "features.1.1.block.0.0" if backbone == "efficientnet_b4" else "vision.0.0"
    assert str(caught.value).startswith(
        f"load_model: {folder}/model.pt does not fit the encoder: missing encoder.net.2.{prefix}.weight, "
    )


def test_attention_per_channel_trains_as_its_formula_does():
    network = ChannelAttentionEfficientNet(in_channels=1, embedding_dim=8, seed=1).train()
    spectrograms = torch.randn(4, 1, 64, 96, generator=torch.Generator().manual_seed(0))
    embeddings = network(spectrograms)
    # A batch norm of all clips is behind everything.
    torch.testing.assert_close(embeddings.mean(dim=0), torch.zeros(8), atol=1e-5, rtol=0)
    (embeddings * torch.arange(8.0)).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters() if parameter.dim() > 1)
    counts = [value for key, value in network.state_dict().items() if key.endswith("num_batches_tracked")]
    assert all(count == 1 for count in counts)


def test_attention_per_channel_embeds_frame_by_frame():
    encoder = SingerEncoder.untrained(network="efficientnet_b0_channel_att", embedding_dim=8)
    waveform = singing(batch=1, samples=66_000)[0]
    assert encoder.frames(waveform).shape == (1 + 66_000 // encoder.frame_hop_samples, 8)
    again = SingerEncoder.untrained(network="efficientnet_b0_channel_att", embedding_dim=8)
    assert torch.equal(again.embed(waveform), encoder.embed(waveform))


def test_an_embedding_that_is_no_multiple_of_4_is_named():
    with pytest.raises(ValueError) as caught:
        ChannelAttentionEfficientNet(embedding_dim=10)
    assert str(caught.value) == "channel_attention: embedding_dim must be a positive multiple of 4, got 10"


def test_weights_of_photographs_are_refused_without_their_linear_layer():
    with pytest.raises(TypeError) as caught:
        initialize(ChannelAttentionEfficientNet(embedding_dim=8))
    assert str(caught.value) == (
        "initialize: network must end with a linear layer, got ChannelAttentionEfficientNet, which does not"
    )
