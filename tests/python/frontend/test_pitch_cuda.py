"""The pitch track on a GPU against the CPU's."""

import pytest
import torch

from singerprint.data.synthetic import draw_singer, synthesize
from singerprint.frontend import pitch


@pytest.fixture(scope="module")
def voices():
    """Four singers, and a clip of silence among them; (5, samples)."""
    takes = [torch.from_numpy(synthesize(draw_singer(i, 1), seconds=1.5, seed=i)) for i in range(4)]
    return torch.stack([*takes[:2], torch.zeros_like(takes[0]), *takes[2:]])


@pytest.fixture
def cuda(device):
    if device.type != "cuda":
        pytest.skip("compares a GPU with the CPU")
    return device


@pytest.mark.parametrize(
    "options", [(44100, 512, 60.0, 1500.0), (44100, 173, 30.0, 600.0), (8000, 80, 75.0, 3000.0)]
)
def test_the_gpu_decides_as_the_cpu(options, cuda, voices):
    on_cpu, on_gpu = pitch(voices, *options), pitch(voices.to(cuda), *options)
    assert torch.equal(on_gpu.voiced.cpu(), on_cpu.voiced)
    # From lag to lag the roundings of the two autocorrelations differ by up to 1e-6 of r. The flattest peak
    # that counts, 0.3 cos(2 pi l / P), makes 1e-6 / (0.3 (2 pi)^2) P of that: 3e-5, 0.05 cents, at P = 367.
    torch.testing.assert_close(on_gpu.f0_hz.cpu(), on_cpu.f0_hz, rtol=3e-5, atol=0)


def test_the_gpu_gives_the_same_bits_again_and_in_any_batch(cuda, voices):
    batch = voices.to(cuda)
    expected = pitch(batch).f0_hz
    assert torch.equal(pitch(batch).f0_hz, expected)
    assert torch.equal(torch.cat([pitch(clip[None]).f0_hz for clip in batch]), expected)


def test_a_graph_captures_it(cuda, voices):
    batch = voices.to(cuda)
    expected = pitch(batch).f0_hz  # the first call makes the tables
    source = torch.zeros_like(batch)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = pitch(source).f0_hz
    source.copy_(batch)
    graph.replay()
    assert torch.equal(captured, expected)
