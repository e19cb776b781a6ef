"""The pitch shift on a GPU against the CPU's."""

import pytest
import torch

from singerprint.augment import pitch_shift
from singerprint.data.synthetic import draw_singer, synthesize

# Of pitch, range and formants, a clip each; the first asks for nothing, the second for an octave.
RATIOS = torch.tensor([[1.0, 1.0, 1.0], [2.0, 1.0, 1.0], [0.8, 1.4, 1.0], [1.1, 0.0, 1.2], [0.6, 2.0, 0.8]])


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


def shifted(voices, ratios, **options):
    pitch_ratio, range_ratio, formant_ratio = ratios.to(voices.device).unbind(1)
    return pitch_shift(voices, 44100, pitch_ratio, range_ratio, formant_ratio, **options)


@pytest.mark.parametrize("praat_compatible", [False, True])
def test_the_gpu_renders_what_the_cpu_renders(praat_compatible, cuda, voices):
    expected = shifted(voices, RATIOS, praat_compatible=praat_compatible)
    result = shifted(voices.to(cuda), RATIOS, praat_compatible=praat_compatible).cpu()
    assert torch.equal(result[0], voices[0])
    untouched = expected == voices
    assert torch.equal(result[untouched], voices[untouched])
    error = (result.double() - expected).square().sum(1)[1:]
    # A mark that moves by a rounding may take the next row of the table for reading between samples.
    assert (10 * torch.log10(expected.double().square().sum(1)[1:] / error) > 60).all()


def test_the_gpu_gives_the_same_bits_again_and_in_any_batch(cuda, voices):
    batch = voices.to(cuda)
    expected = shifted(batch, RATIOS)
    assert torch.equal(shifted(batch, RATIOS), expected)
    alone = [shifted(batch[b : b + 1], RATIOS[b : b + 1]) for b in range(len(batch))]
    assert torch.equal(torch.cat(alone), expected)


def test_a_batch_of_more_clips_than_fit_at_once_is_the_same(cuda, voices):
    # 200 clips of 1.5 s have 4 MB of lines each, more than the 512 MiB that the kernels are given at a time.
    batch = voices.to(cuda).repeat(40, 1)
    expected = shifted(voices.to(cuda), RATIOS).repeat(40, 1)
    assert torch.equal(shifted(batch, RATIOS.repeat(40, 1)), expected)


def test_ratios_beyond_their_range_count_as_its_ends(cuda, voices):
    beyond = torch.tensor([[9.0, -1.0, 0.1]])
    ends = torch.tensor([[4.0, 0.0, 0.25]])
    batch = voices[1:2].to(cuda)
    assert torch.equal(shifted(batch, beyond), shifted(batch, ends))


def test_a_graph_captures_it(cuda, voices):
    batch, ratios = voices.to(cuda), RATIOS.to(cuda)
    expected = shifted(batch, ratios)  # the first call makes the tables
    source = torch.zeros_like(batch)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = shifted(source, ratios)
    source.copy_(batch)
    graph.replay()
    assert torch.equal(captured, expected)
