"""What an nn.Module and an encoder must be able to do, of networks made of transformer blocks."""

import copy

import pytest
import torch
from tests.python.models.copies import COPIES

from singerprint.models import (
    CnnTransformer,
    EncoderConfig,
    SingerEncoder,
    VisionTransformer,
    encoder_preset,
    load_model,
    save_model,
)
from singerprint.models.networks import NETWORKS

TINY = {"dim": 24, "layers": 1, "heads": 3, "hidden": 48}
MAKERS = {
    "vit": lambda: VisionTransformer(1, 32, 64, 7, **TINY),
    "cnn_transformer": lambda: CnnTransformer(1, 32, 7, front_channels=4, **TINY),
}
TRANSFORMERS = ("vit_s16", "cnn_transformer")


@pytest.fixture(params=MAKERS)
def network(request):
    return MAKERS[request.param]()


@pytest.fixture
def spectrograms(generator):
    return torch.randn(2, 1, 32, 70, generator=generator)


@pytest.mark.parametrize("batch", [1, 5])
def test_clips_of_a_batch_do_not_meet_even_in_training(network, generator, batch):
    for parameter in network.parameters():  # those that begin at 0 or 1 must count too
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    spectrograms = torch.randn(batch, 1, 32, 40, generator=generator)
    alone = torch.cat([network.train()(clip) for clip in spectrograms.split(1)])
    torch.testing.assert_close(network(spectrograms), alone, rtol=1e-5, atol=1e-5)


def test_non_contiguous_input_gives_the_same(network, generator):
    spectrograms = torch.randn(2, 70, 32, 2, generator=generator).permute(0, 3, 2, 1)[:, :1]
    assert not spectrograms.is_contiguous()
    assert torch.equal(network(spectrograms), network(spectrograms.contiguous()))


def assigned(network):
    other = copy.deepcopy(network).to("meta")
    other.load_state_dict(copy.deepcopy(network.state_dict()), assign=True)
    return other


@pytest.mark.parametrize("copied", [*COPIES, assigned], ids=lambda copied: copied.__name__)
def test_copies_embed_alike_and_are_independent(network, spectrograms, copied):
    expected = network(spectrograms)
    other = copied(network)
    assert torch.equal(other(spectrograms), expected)
    with torch.no_grad():
        for tensor in other.parameters():
            tensor.zero_()
    assert torch.equal(network(spectrograms), expected)
    assert not other(spectrograms).any()


def test_on_the_meta_device_shapes_are_computed(network):
    assert network.to("meta")(torch.empty(5, 1, 32, 99, device="meta")).shape == (5, 7)


def test_functional_call_takes_other_parameters(network, spectrograms):
    zeros = {name: torch.zeros_like(parameter) for name, parameter in network.named_parameters()}
    assert not torch.func.functional_call(network, zeros, spectrograms).any()


def test_compiles_as_one_graph(network, spectrograms):
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    # Other orders of float32 sums.
    torch.testing.assert_close(compiled(spectrograms), network(spectrograms), rtol=1e-5, atol=1e-5)
    compiled(spectrograms).square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


def test_one_graph_serves_all_lengths(network, generator):
    torch._dynamo.reset()  # of graphs of other tests, which would count as recompiled
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager", dynamic=True)
    with torch.no_grad(), torch._dynamo.config.patch(error_on_recompile=True):
        for frames in (90, 133, 200):  # of a ViT 64 to 79 are a graph of their own: what it was made for
            spectrograms = torch.randn(2, 1, 32, frames, generator=generator)
            torch.testing.assert_close(compiled(spectrograms), network(spectrograms), rtol=1e-5, atol=1e-5)


def test_autocast_computes_in_bfloat16(network, spectrograms):
    expected = network(spectrograms)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = network(spectrograms)
    assert result.dtype == torch.bfloat16
    # bfloat16 keeps 8 bits; some 10 layers in a row.
    assert (result.float() - expected).norm() < 0.05 * expected.norm()
    result.float().square().sum().backward()
    assert all(parameter.grad.dtype == torch.float32 for parameter in network.parameters())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_all_of_it_may_be_of_another_dtype(network, spectrograms, dtype):
    expected = network(spectrograms)
    result = network.to(dtype)(spectrograms.to(dtype))
    assert result.dtype == dtype
    assert (result.float() - expected).norm() < 0.05 * expected.norm()


@pytest.fixture(scope="module")
def encoders():
    return {name: SingerEncoder.untrained(network=name, embedding_dim=16) for name in TRANSFORMERS}


@pytest.mark.parametrize("seconds", [0.1, 0.35, 3.0, 4.0, 20.0])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_clips_of_any_length_are_embedded(encoders, generator, name, seconds):
    clip = 0.1 * torch.randn(round(seconds * 44100), generator=generator)
    embedding = encoders[name].embed(clip)
    assert embedding.shape == (16,)
    assert embedding.isfinite().all()


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_twenty_seconds_are_embedded_at_once_too(encoders, generator, name):
    waveforms = 0.1 * torch.randn(1, 20 * 44100, generator=generator)
    assert encoders[name].embed_batch(waveforms).isfinite().all()


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_an_encoder_is_saved_and_loaded(encoders, generator, tmp_path, name):
    save_model(encoders[name], tmp_path)
    loaded = load_model(tmp_path)
    clip = 0.1 * torch.randn(22_050, generator=generator)
    assert loaded.config == encoders[name].config
    assert torch.equal(loaded.embed(clip), encoders[name].embed(clip))


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_embeddings_do_not_depend_on_batch_mates(encoders, generator, name):
    waveforms = 0.1 * torch.randn(4, 22_050, generator=generator)
    together = encoders[name].embed_batch(waveforms)
    alone = torch.cat([encoders[name].embed_batch(clip) for clip in waveforms.split(1)])
    assert ((together - alone).norm(dim=1) <= 1e-5 * alone.norm(dim=1)).all()  # the promise


def test_networks_by_name_are_made_for_the_image():
    shape = EncoderConfig(n_mels=96, embedding_dim=5).network_shape
    for name in TRANSFORMERS:
        network = NETWORKS[name](shape, 0)
        assert network(torch.randn(1, 1, 96, 30)).shape == (1, 5)


def test_the_encoder_of_the_second_paper():
    config = encoder_preset("deezer")
    assert config.network_shape == (1, 128, 241, 2048)
    with torch.device("meta"):
        network = SingerEncoder(config).network
    # 22,325,888 of two channels; of one, 384 x 16 x 16 less.
    assert sum(parameter.numel() for parameter in network.parameters()) == 22_325_888 - 384 * 256


def test_a_preset_may_be_changed_and_must_exist():
    assert encoder_preset("deezer", embedding_dim=5).embedding_dim == 5
    assert encoder_preset("paper") == EncoderConfig()
    with pytest.raises(ValueError) as caught:
        encoder_preset("spotify")
    assert str(caught.value) == "encoder_preset: name must be one of paper, deezer, got spotify"


def test_at_a_peak_of_one_the_level_of_a_raw_clip_does_not_matter(generator):
    encoder = SingerEncoder(encoder_preset("deezer", network="cnn_transformer", embedding_dim=8)).eval()
    waveforms = 0.1 * torch.randn(2, 8_000, generator=generator)
    # Dividing rounds each sample once more.
    torch.testing.assert_close(
        encoder.front_end(1e-3 * waveforms), encoder.front_end(waveforms), rtol=0, atol=1e-3
    )
    assert encoder.embed(torch.zeros(8_000)).isfinite().all()
    with pytest.raises(TypeError, match="waveforms must have dtype"):
        encoder(torch.ones(2, 8_000, dtype=torch.int64))
