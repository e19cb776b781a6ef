import numpy as np
import pytest
import torch
from scipy.signal import oaconvolve
from torch.library import opcheck

from singerprint.augment import convolve


def reference(waveform, response):
    return np.convolve(waveform, response)[: len(waveform)]


@pytest.mark.parametrize("taps", [1, 2, 33, 1024, 3000])
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 17), (2, 2049)])
def test_equals_the_sum(shape, taps, device, generator):
    waveforms = torch.randn(shape, generator=generator)
    responses = torch.randn(shape[0], taps, generator=generator)
    result = convolve(waveforms.to(device), responses.to(device)).cpu()
    rows = zip(waveforms.double().numpy(), responses.double().numpy(), strict=True)
    expected = np.array([reference(*row) for row in rows])
    # Transforms round log2(4096) times; their errors are spread like the numbers' root mean square.
    assert abs(result.numpy() - expected).max() < 1e-6 * max(abs(expected).max(), taps**0.5)


@pytest.mark.parametrize("taps", [1023, 11_025, 44_100])
def test_long_responses_equal_scipy(taps, device, generator):
    waveforms = torch.randn(2, 100_000, generator=generator)
    responses = torch.randn(2, taps, generator=generator)
    expected = oaconvolve(waveforms.double().numpy(), responses.double().numpy(), axes=1)[:, :100_000]
    error = abs(convolve(waveforms.to(device), responses.to(device)).cpu().numpy() - expected).max()
    assert error < 1e-6 * abs(expected).max()  # -120 dB


@pytest.mark.parametrize("shape", [(0, 8), (2, 0)])
def test_nothing_gives_nothing(shape, device):
    responses = torch.ones(shape[0], 3, device=device)
    assert convolve(torch.ones(shape, device=device), responses).shape == shape


def test_a_clip_does_not_know_its_batch(device, generator):
    waveforms = torch.randn(5, 20_000, generator=generator).to(device)
    responses = torch.randn(5, 700, generator=generator).to(device)
    together = convolve(waveforms, responses)
    alone = [convolve(waveforms[b : b + 1], responses[b : b + 1]) for b in range(5)]
    assert torch.equal(torch.cat(alone), together)


def test_a_copy_of_the_waveforms_gives_the_same_bits(device, generator):
    waveforms = torch.randn(3, 20_000, generator=generator).to(device)
    responses = torch.randn(3, 700, generator=generator).to(device)
    assert torch.equal(convolve(waveforms.clone(), responses.clone()), convolve(waveforms, responses))


def test_non_contiguous_input_gives_the_same(device, generator):
    waveforms = torch.randn(51, 3, generator=generator).to(device).t()
    responses = torch.randn(9, 6, generator=generator).to(device).t()[::2]
    assert torch.equal(
        convolve(waveforms, responses), convolve(waveforms.contiguous(), responses.contiguous())
    )


@pytest.mark.parametrize(
    ("waveforms", "responses", "error", "sentence"),
    [
        (
            torch.ones(5),
            torch.ones(1, 2),
            ValueError,
            "waveforms must have shape (batch, samples), got [5]",
        ),
        (
            torch.ones(2, 5).double(),
            torch.ones(2, 2),
            TypeError,
            "waveforms must have dtype Float, got Double",
        ),
        (
            torch.ones(2, 5),
            torch.ones(3, 2),
            ValueError,
            "impulse_responses must have shape (batch, taps) with batch = 2, got [3, 2]",
        ),
        (
            torch.ones(2, 5),
            torch.ones(2),
            ValueError,
            "impulse_responses must have shape (batch, taps) with batch = 2, got [2]",
        ),
        (
            torch.ones(2, 5),
            torch.ones(2, 0),
            ValueError,
            "impulse_responses must have at least 1 tap, got 0",
        ),
        (
            torch.ones(2, 5),
            torch.ones(2, 2).double(),
            TypeError,
            "impulse_responses must have dtype Float, got Double",
        ),
        (
            torch.ones(2, 5),
            torch.ones(2, 2, device="meta"),
            ValueError,
            "impulse_responses must be on the device cpu, got meta",
        ),
    ],
)
def test_bad_arguments_are_named(waveforms, responses, error, sentence):
    with pytest.raises(error) as caught:
        convolve(waveforms, responses)
    assert str(caught.value) == f"convolve: {sentence}"


def test_a_gradient_is_refused_not_wrong():
    waveforms = torch.ones(1, 4, requires_grad=True)
    with pytest.raises(RuntimeError, match="derivative for singerprint::convolve is not implemented"):
        convolve(waveforms, torch.ones(1, 2)).sum().backward()


def test_opcheck(device):
    arguments = (torch.randn(2, 33, device=device), torch.randn(2, 5, device=device))
    opcheck(torch.ops.singerprint.convolve.default, arguments)


def test_compiles_as_one_graph():
    compiled = torch.compile(convolve, fullgraph=True, backend="aot_eager")
    waveforms, responses = torch.randn(2, 33), torch.randn(2, 5)
    assert torch.equal(compiled(waveforms, responses), convolve(waveforms, responses))
