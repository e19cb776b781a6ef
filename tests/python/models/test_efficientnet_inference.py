"""Embeddings in eval mode, without gradients, in float32 on the CPU: native, and the same function.

The oracle is torchvision's network in float64.
"""

import copy
import io
import pickle

import pytest
import torch
from tests.python.models.is_native import is_native
from tests.python.thread_counts import results_of_threads
from torch import nn

from singerprint.models import SingerEncoder, efficientnet_b0

# Of the largest of a batch's embeddings: the project's promise. float32 itself leaves some 1e-6.
TOLERANCE = 1e-5


def embed(network, spectrograms):
    with torch.inference_mode():
        return network(spectrograms).clone()


def relative_error(result, expected):
    return ((result.double() - expected).norm(dim=1) / expected.norm(dim=1)).max().item()


@pytest.mark.parametrize(
    ("mels", "frames"), [(80, 345), (128, 345), (33, 57), (96, 96), (40, 1), (1, 33), (1, 1), (65, 2)]
)
def test_it_equals_torchvision(fitted_pair, generator, mels, frames):
    ours, reference = fitted_pair
    spectrograms = torch.randn(2, ours.in_channels, mels, frames, generator=generator)
    with torch.no_grad():
        expected = copy.deepcopy(reference).double()(spectrograms.double())
    assert relative_error(embed(ours, spectrograms), expected) <= TOLERANCE


@pytest.mark.parametrize("dim", [2, 15, 1000])
def test_an_embedding_may_have_any_length(generator, dim):
    network = efficientnet_b0(1, dim).eval()
    with torch.no_grad():
        for tensor in network.buffers():
            if tensor.is_floating_point() and tensor.min() == 1:
                tensor.fill_(0.1)  # the signal does not die out
    spectrograms = torch.randn(3, 1, 40, 33, generator=generator)
    expected = embed(copy.deepcopy(network).double(), spectrograms.double())
    assert relative_error(embed(network, spectrograms), expected) <= TOLERANCE


def test_a_clip_has_the_same_bits_in_any_batch(network, generator):
    spectrograms = torch.randn(5, 1, 33, 41, generator=generator)
    alone = torch.cat([embed(network, clip) for clip in spectrograms.split(1)])
    assert torch.equal(embed(network, spectrograms), alone)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_number_of_threads_does_not_change_a_bit(network, generator, batch):
    spectrograms = torch.randn(batch, 1, 80, 101, generator=generator)
    first, second, third = results_of_threads(lambda: embed(network, spectrograms))
    assert torch.equal(first, second) and torch.equal(first, third)


def test_only_plain_inference_is_native(network, spectrograms):
    assert is_native(lambda: embed(network, spectrograms))
    assert not is_native(lambda: network(spectrograms))  # gradients may be wanted
    assert not is_native(lambda: embed(copy.deepcopy(network).double(), spectrograms.double()))
    assert is_native(lambda: network.requires_grad_(False)(spectrograms))
    encoder = SingerEncoder.untrained(embedding_dim=8)
    assert is_native(lambda: encoder.embed_batch(torch.randn(2, 44100)))


def sgd_step(network):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    network(torch.ones(1, 1, 33, 40)).sum().backward()
    optimizer.step()


def adam_step(network):
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    network(torch.ones(1, 1, 33, 40)).sum().backward()
    optimizer.step()


def training_step(network):
    network.train()(torch.randn(2, 1, 64, 64))
    network.eval()


def load(network):
    network.load_state_dict({key: value * 2 for key, value in network.state_dict().items()})


def assign(network):
    state = {key: value * 2 for key, value in network.state_dict().items()}
    network.load_state_dict(state, assign=True)


def one_value(network):
    with torch.no_grad():
        network.get_parameter("features.4.0.block.3.0.weight")[3, 5] += 10


def one_statistic(network):
    network.get_buffer("features.2.1.block.1.1.running_var")[7] *= 9


def new_data(network):
    for parameter in network.parameters():
        parameter.data = parameter.data * 2


def to_and_back(network):
    network.bfloat16().float()


def data_in_place(network):
    network.get_parameter("classifier.1.weight").data.mul_(2)


def through_numpy(network):
    network.get_parameter("classifier.1.bias").detach().numpy()[:] += 1


def new_parameter(network):
    bias = network.get_submodule("classifier.1").bias
    network.get_submodule("classifier.1").bias = nn.Parameter(bias.detach() + 1)


CHANGES = [
    sgd_step, adam_step, training_step, load, assign, one_value, one_statistic, new_data, to_and_back,
    data_in_place, through_numpy, new_parameter,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_network_embeds_as_a_new_one(network, spectrograms, change):
    before = embed(network, spectrograms)
    assert torch.equal(embed(network, spectrograms), before)
    change(network)
    after = embed(network, spectrograms)
    assert not torch.equal(after, before)
    assert torch.equal(after, embed(copy.deepcopy(network), spectrograms))


def test_memory_format_does_not_matter(network, generator):
    spectrograms = torch.randn(2, 1, 33, 40, generator=generator)
    expected = embed(network, spectrograms)
    assert torch.equal(embed(network, spectrograms.to(memory_format=torch.channels_last)), expected)
    assert torch.equal(embed(network.to(memory_format=torch.channels_last), spectrograms), expected)


def test_embedding_leaves_nothing_in_the_module(network, spectrograms):
    before = set(network.__dict__), len(pickle.dumps(network))
    embed(network, spectrograms)
    assert (set(network.__dict__), len(pickle.dumps(network))) == before


def test_a_network_made_in_inference_mode_is_embedded(spectrograms):
    with torch.inference_mode():
        network = efficientnet_b0(1, 8).eval()
        network.get_parameter("classifier.1.bias").fill_(1.0)
        first = network(spectrograms)
        network.get_parameter("classifier.1.bias")[3] = 2.0
        assert (network(spectrograms) - first).argmax(dim=1).tolist() == [3, 3]


def test_forward_derivatives_are_kept(network, spectrograms):
    tangent = torch.ones_like(spectrograms)
    with torch.no_grad():
        _, derivative = torch.func.jvp(network, (spectrograms,), (tangent,))
        step = 1e-3
        difference = (network(spectrograms + step * tangent) - network(spectrograms - step * tangent)) / (
            2 * step
        )
    # A difference of float32 values over 2e-3: 1e-6 / 2e-3 of them, and the curvature.
    assert (derivative - difference).norm() <= 1e-2 * difference.norm()


def test_a_traced_network_holds_the_operators(network, spectrograms):
    with torch.no_grad():
        traced = torch.jit.trace(network.requires_grad_(False), spectrograms, check_trace=False)
        buffer = io.BytesIO()
        torch.jit.save(traced, buffer)
        buffer.seek(0)
        other = torch.ones_like(spectrograms)
        result = torch.jit.load(buffer)(other)
    assert relative_error(result, embed(network, other).double()) <= TOLERANCE
