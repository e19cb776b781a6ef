"""Embeddings in bfloat16 on the CPU: native, nearer to float32 than PyTorch's operators, of their dtype.

Two ways lead there: a network of that dtype, and an autocast region around one in float32.
"""

import copy
import os
import subprocess
import sys

import pytest
import torch
from tests.python.models.is_native import is_native
from tests.python.models.test_efficientnet_inference import CHANGES, through_numpy, to_and_back
from tests.python.thread_counts import results_of_threads

from singerprint.models import SingerEncoder


def by_dtype(network, spectrograms):
    network.bfloat16()  # in place; in inference mode, changes of the new tensors would not be counted
    with torch.inference_mode():
        return network(spectrograms.bfloat16()).clone()


def by_autocast(network, spectrograms):
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        return network(spectrograms).clone()


WAYS = pytest.mark.parametrize("way", [by_dtype, by_autocast], ids=lambda way: way.__name__)


def oracle(reference, spectrograms, way):
    """What torchvision's network gives in float64, of the weights and clips that the way starts from."""
    reference = copy.deepcopy(reference)
    with torch.no_grad():
        if way is by_dtype:
            return reference.bfloat16().double()(spectrograms.bfloat16().double())
        return reference.double()(spectrograms.double())


def similarity(result, expected):
    return torch.nn.functional.cosine_similarity(result.double(), expected).min().item()


@WAYS
@pytest.mark.parametrize(("mels", "frames"), [(80, 345), (128, 345), (33, 57), (96, 96), (65, 2)])
def test_it_errs_no_more_than_pytorch(fitted_pair, generator, way, mels, frames):
    ours, reference = fitted_pair
    spectrograms = torch.randn(8, ours.in_channels, mels, frames, generator=generator)
    expected = oracle(reference, spectrograms, way)
    native = way(ours, spectrograms)
    operators = way(copy.deepcopy(reference), spectrograms)
    assert native.dtype == operators.dtype == torch.bfloat16
    assert (native - expected).norm() <= (operators - expected).norm()


def test_clips_of_four_seconds_keep_their_direction(fitted_pair, generator):
    ours, reference = fitted_pair
    spectrograms = torch.randn(4, ours.in_channels, 80, 345, generator=generator)
    expected = oracle(reference, spectrograms, by_autocast)
    # Values are rounded some 50 times on the way, at random, by 2^-8 of theirs at most: 2^-8 sqrt(50) = 2.8 %
    # of the embedding. Batch norms of channels that hardly vary may make 1.5 times as much of it: a cosine
    # of 1 - 0.042^2 / 2.
    assert similarity(by_autocast(ours, spectrograms), expected) >= 0.999


@WAYS
def test_b4_errs_no_more_than_pytorch(fitted_b4_pair, generator, way):
    ours, reference = fitted_b4_pair
    spectrograms = torch.randn(8, ours.in_channels, 80, 87, generator=generator)
    expected = oracle(reference, spectrograms, way)
    native = way(ours, spectrograms)
    assert (native - expected).norm() <= (way(reference, spectrograms) - expected).norm()


def test_feature_maps_err_no_more_than_pytorchs(fitted_pair, generator):
    ours, reference = fitted_pair
    spectrograms = torch.randn(4, ours.in_channels, 80, 87, generator=generator)
    with torch.no_grad():
        expected = copy.deepcopy(reference).double().features(spectrograms.double())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        operators = ours.feature_map(spectrograms).detach()  # gradients may be wanted
        with torch.inference_mode():
            native = ours.feature_map(spectrograms).clone()
            assert is_native(lambda: ours.feature_map(spectrograms))
    assert native.dtype == operators.dtype == torch.bfloat16
    assert native.is_contiguous(memory_format=torch.channels_last)
    assert (native - expected).norm() <= (operators - expected).norm()


@WAYS
def test_it_is_native(network, spectrograms, way):
    assert is_native(lambda: way(network, spectrograms))


def test_only_embeddings_alone_are_native(network, spectrograms):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not is_native(lambda: network(spectrograms))  # gradients may be wanted
        training = copy.deepcopy(network).train()
        with torch.no_grad():
            assert not is_native(lambda: training(torch.cat([spectrograms, spectrograms])))
            assert is_native(lambda: network(spectrograms))
    rounded = copy.deepcopy(network).bfloat16()
    assert not is_native(lambda: rounded(spectrograms.bfloat16()))


def test_gradients_in_an_autocast_region_are_pytorchs(network, spectrograms):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        network(spectrograms).float().square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@WAYS
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_number_of_threads_does_not_change_a_bit(network, generator, way, batch):
    spectrograms = torch.randn(batch, 1, 80, 101, generator=generator)
    first, second, third = results_of_threads(lambda: way(network, spectrograms))
    assert torch.equal(first, second) and torch.equal(first, third)


@WAYS
def test_a_clip_has_the_same_bits_in_any_batch(network, generator, way):
    spectrograms = torch.randn(5, 1, 33, 41, generator=generator)
    alone = torch.cat([way(network, clip) for clip in spectrograms.split(1)])
    assert torch.equal(way(network, spectrograms), alone)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_network_embeds_as_a_new_one(network, spectrograms, change):
    before = by_autocast(network, spectrograms)
    change(network)
    after = by_autocast(network, spectrograms)
    if change is not to_and_back:  # the weights that were to be rounded for products are as before
        assert not torch.equal(after, before)
    assert torch.equal(after, by_autocast(copy.deepcopy(network), spectrograms))


def takes_any_dtype(change):
    return "step" not in change.__name__ and change not in (through_numpy, to_and_back)


@pytest.mark.parametrize("change", [*filter(takes_any_dtype, CHANGES)], ids=lambda change: change.__name__)
def test_a_changed_network_of_that_dtype_embeds_as_a_new_one(network, spectrograms, change):
    before = by_dtype(network, spectrograms)
    change(network)
    after = by_dtype(network, spectrograms)
    assert not torch.equal(after, before)
    assert torch.equal(after, by_dtype(copy.deepcopy(network), spectrograms))


def test_the_region_decides_anew_at_each_call(network, spectrograms):
    with torch.inference_mode():
        in_float32 = network(spectrograms).clone()
    in_region = by_autocast(network, spectrograms)
    with torch.inference_mode():
        assert torch.equal(network(spectrograms), in_float32)
    assert torch.equal(by_autocast(network, spectrograms), in_region)
    assert torch.equal(by_autocast(network, spectrograms.bfloat16()), in_region)


def test_an_encoder_embeds_as_its_network(network, generator):
    encoder = SingerEncoder.untrained(embedding_dim=network.embedding_dim)
    encoder.network.load_state_dict(network.state_dict())
    waveforms = torch.randn(2, 44100, generator=generator)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        in_region = encoder.embed_batch(waveforms)
        assert is_native(lambda: encoder.embed_batch(waveforms))
    assert torch.equal(in_region, by_autocast(encoder.network, encoder.front_end(waveforms)).float())
    of_dtype = encoder.bfloat16().embed_batch(waveforms)
    assert torch.equal(of_dtype, by_dtype(encoder.network, encoder.front_end(waveforms)).float())


EMBEDDINGS = """
import sys, torch, singerprint as sp
network, spectrograms = torch.load(sys.argv[1], weights_only=False)
with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
    in_region = network(spectrograms)
torch.save((sp._C.instruction_set(), in_region), sys.argv[2])
"""


def test_without_products_of_bfloat16_only_embeddings_are_rounded(network, spectrograms, tmp_path):
    torch.save((network, spectrograms), tmp_path / "network.pt")
    for name in ("baseline", "avx512"):
        subprocess.run(
            [sys.executable, "-c", EMBEDDINGS, tmp_path / "network.pt", tmp_path / name],
            env=os.environ | {"SINGERPRINT_INSTRUCTION_SET": name},
            check=True,
        )
        instruction_set, in_region = torch.load(tmp_path / name)
        assert instruction_set != "avx512_bf16"
        with torch.inference_mode():
            in_float32 = network(spectrograms)
        # Half a last bit of 8, and float32's own difference between instruction sets.
        assert torch.allclose(in_region.float(), in_float32, rtol=2**-8 + 1e-4, atol=1e-5)
