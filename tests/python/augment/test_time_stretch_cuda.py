"""The time stretch on a GPU against the CPU's."""

import pytest
import torch

from singerprint.augment import time_stretch
from singerprint.data.synthetic import draw_singer, synthesize

RATES = torch.tensor([1.0, 0.5, 0.8, 1.25, 2.0])  # a clip each; the first asks for nothing


@pytest.fixture(scope="module")
def voices():
    """Four singers, one of them twice; (5, samples)."""
    takes = [torch.from_numpy(synthesize(draw_singer(i, 1), seconds=1.5, seed=i)) for i in range(4)]
    return torch.stack([takes[0], *takes])


@pytest.fixture
def cuda(device):
    if device.type != "cuda":
        pytest.skip("compares a GPU with the CPU")
    return device


def stretched(voices, rates):
    return time_stretch(voices, 44100, rates.to(voices.device), 100_000)


def test_the_gpu_renders_what_the_cpu_renders(cuda, voices):
    expected = stretched(voices, RATES)
    result = stretched(voices.to(cuda), RATES).cpu()
    assert torch.equal(result[0], expected[0])
    assert torch.equal(result == 0, expected == 0)
    error = (result.double() - expected).square().sum(1)[1:]
    # Sums in another order move a mark by 1e-4 samples: 70 dB below a harmonic of 5 kHz.
    assert (10 * torch.log10(expected.double().square().sum(1)[1:] / error) > 60).all()


def test_the_gpu_gives_the_same_bits_again_and_in_any_batch(cuda, voices):
    batch = voices.to(cuda)
    expected = stretched(batch, RATES)
    assert torch.equal(stretched(batch, RATES), expected)
    alone = [stretched(batch[b : b + 1], RATES[b : b + 1]) for b in range(len(batch))]
    assert torch.equal(torch.cat(alone), expected)


def test_rates_beyond_their_range_count_as_its_ends(cuda, voices):
    batch = voices[1:4].to(cuda)
    beyond, ends = torch.tensor([9.0, -1.0, float("nan")]), torch.tensor([2.0, 0.5, 0.5])
    assert torch.equal(stretched(batch, beyond), stretched(batch, ends))


def test_a_graph_captures_it(cuda, voices):
    batch, rates = voices.to(cuda), RATES.to(cuda)
    expected = stretched(batch, rates)  # the first call makes the tables
    source = torch.zeros_like(batch)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = stretched(source, rates)
    source.copy_(batch)
    graph.replay()
    assert torch.equal(captured, expected)
