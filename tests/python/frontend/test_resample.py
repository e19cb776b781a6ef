import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.special import i0
from tests.python.thread_counts import results_of_threads
from torch.library import opcheck

from singerprint.frontend import Resample, resample

HALF_WIDTH, CUTOFF, BETA = 186, 0.975, 0.1102 * (140 - 8.7)
# Blocks (small factors), blocks at ratios of small numbers, a row a phase, rows interpolated (both ways).
PAIRS_HZ = [
    (44100, 16000),
    (16000, 44100),
    (48000, 44100),
    (44100, 48000),
    (2, 1),
    (8000, 48000),
    (192000, 44100),
]
SUMMED_HZ = [(11, 10), (44100, 44056), (44056, 44100)]
# Two transforms of some five passes, or a sum, in float32: rms over a sample's surroundings, of their rms.
FLOAT32_FLOOR = 2.5e-7  # -132 dB


def reference(waveforms, from_hz, to_hz, outputs):
    """The sum of the docstring, in float64; J. O. Smith, https://ccrma.stanford.edu/~jos/resample/."""
    x, low = np.asarray(waveforms, dtype=np.float64), min(from_hz, to_hz)
    # low (m / to_hz - n / from_hz), in whole numbers as far as they go
    distance = (outputs[:, None] * from_hz - np.arange(x.shape[1]) * to_hz) * (low / (from_hz * to_hz))
    window = i0(BETA * np.sqrt(np.maximum(0, 1 - (distance / HALF_WIDTH) ** 2))) / i0(BETA)
    weights = low / from_hz * CUTOFF * np.sinc(CUTOFF * distance) * window * (np.abs(distance) < HALF_WIDTH)
    return torch.from_numpy(x @ weights.T)


def rms(error):
    return error.double().square().mean().sqrt().item()


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS_HZ + SUMMED_HZ)
@pytest.mark.parametrize("samples", [1, 2, 441, 5003])
def test_equals_the_sum(from_hz, to_hz, samples, device, generator):
    waveforms = torch.randn(2, samples, generator=generator, dtype=torch.float64)
    outputs = np.arange(0, -(-samples * to_hz // from_hz), 1 + samples // 500)
    expected = reference(waveforms, from_hz, to_hz, outputs)
    result = resample(waveforms.to(device), from_hz, to_hz).cpu()
    assert result.shape == (2, -(-samples * to_hz // from_hz)) and result.dtype == torch.float64
    result = result[:, outputs]
    # The weights of exact rows are the formula's to 1e-14; interpolated ones to 1e-8, all 372 to 5e-8. The
    # kernel ends with a jump of 3e-9: on which side of it a sample lies is a matter of rounding.
    limit = 1e-7 if (from_hz, to_hz) in SUMMED_HZ[1:] else 2e-8
    torch.testing.assert_close(result, expected, rtol=0, atol=limit)
    rounded = resample(waveforms.float().to(device), from_hz, to_hz).cpu()[:, outputs]
    assert rounded.dtype == torch.float32
    # Noise of level 1, and 5 sigma of the floor; at the first outputs of few samples as well.
    torch.testing.assert_close(rounded.double(), expected, rtol=0, atol=7 * FLOAT32_FLOOR)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44100, 16000), (16000, 44100), (44100, 44056)])
def test_there_is_no_delay(from_hz, to_hz):
    pulse = torch.zeros(1, 40 * 441 + 1, dtype=torch.float64)
    pulse[0, 20 * 441] = 1
    there = resample(pulse, from_hz, to_hz)
    # A pulse in the middle stays there: mirrored, it gives the mirror image.
    centre = torch.arange(there.shape[1]) * from_hz / to_hz - 20 * 441
    assert centre[there[0].argmax()].abs() <= 0.5 * from_hz / to_hz
    if 20 * 441 * to_hz % from_hz == 0:
        m = 20 * 441 * to_hz // from_hz
        torch.testing.assert_close(
            there[0, m - 500 : m], there[0, m + 1 : m + 501].flip(0), rtol=0, atol=1e-12
        )


def test_equal_rates_change_nothing(device, generator):
    waveforms = torch.randn(2, 1001, generator=generator).to(device)
    result = resample(waveforms, 44100, 44100.0)
    assert torch.equal(result, waveforms) and result.data_ptr() != waveforms.data_ptr()


def test_there_and_back_is_the_waveform(device, generator):
    waveforms = resample(torch.randn(1, 8000, generator=generator), 8000, 16000)  # empty above 4 kHz
    back = resample(resample(waveforms.to(device), 16000, 44100), 44100, 16000)[:, : waveforms.shape[1]].cpu()
    # Three times the floor's square root of two, away from the ends, where half a filter is missing.
    assert rms((back - waveforms)[:, 400:-400]) < 3 * FLOAT32_FLOOR


def test_rates_may_be_whole_floats_and_any_multiple(generator):
    waveforms = torch.randn(1, 1000, generator=generator)
    assert torch.equal(resample(waveforms, 22050.0, 44100), resample(waveforms, 1, 2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("from_hz", "to_hz"), [(44100, 16000), (11, 10)])
def test_a_clip_does_not_depend_on_its_batch(dtype, from_hz, to_hz, device, generator):
    waveforms = torch.randn(5, 30_000, generator=generator).to(device, dtype)
    waveforms[1:3] *= 1e6
    batch = resample(waveforms, from_hz, to_hz)
    for clip in (0, 2, 4):
        assert torch.equal(resample(waveforms[clip : clip + 1], from_hz, to_hz)[0], batch[clip])


def test_non_contiguous_input_gives_the_same(device, generator):
    waveforms = torch.randn(3000, 3, generator=generator).to(device).t()
    assert torch.equal(resample(waveforms, 44100, 16000), resample(waveforms.contiguous(), 44100, 16000))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("from_hz", "to_hz"), [(44100, 16000), (16000, 44100), (44100, 44056)])
def test_a_spoilt_sample_spoils_what_the_filter_reaches_and_no_more(
    dtype, value, from_hz, to_hz, device, generator
):
    waveforms = torch.randn(2, 40_000, generator=generator).to(device, dtype)
    clean = resample(waveforms, from_hz, to_hz)
    waveforms[0, 20_000] = value
    result = resample(waveforms, from_hz, to_hz)
    distance = (
        torch.arange(result.shape[1], device=device) * from_hz / to_hz - 20_000
    ).abs()  # input samples
    slowing = max(1.0, from_hz / to_hz)
    assert not result[0, distance < HALF_WIDTH * slowing - 1].isfinite().any()
    assert result[0, distance > HALF_WIDTH * slowing + 1].isfinite().all()
    assert torch.equal(result[1], clean[1])
    far = distance > HALF_WIDTH * slowing + 1
    # What was computed by blocks is now the sum: both are within the floor, 5 sigma each.
    torch.testing.assert_close(result[0, far], clean[0, far], rtol=0, atol=14 * FLOAT32_FLOOR)


def test_levels_near_the_ends_of_float32_are_kept(device, generator):
    waveforms = torch.rand(1, 20_000, generator=generator).to(device) - 0.5
    result = resample(waveforms, 44100, 16000)
    for exponent in (-90, 120, 127):
        scaled = resample(waveforms * 2.0**exponent, 44100, 16000)
        assert scaled.isfinite().all()
        torch.testing.assert_close(scaled / 2.0**exponent, result, rtol=0, atol=14 * FLOAT32_FLOOR)


@pytest.mark.parametrize("shape", [(0, 100), (3, 0), (0, 0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_gives_nothing(shape, dtype, device):
    result = resample(torch.zeros(shape, dtype=dtype, device=device), 44100, 16000)
    assert result.shape == (shape[0], -(-shape[1] * 160 // 441))


def test_silence_stays_exactly_silent(device):
    assert torch.equal(
        resample(torch.zeros(2, 30_000, device=device), 48000, 44100).cpu(), torch.zeros(2, 27_563)
    )


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_does_not_matter(threads, generator):
    waveforms = torch.randn(3, 200_000, generator=generator)
    expected = resample(waveforms, 44100, 16000)
    (result,) = results_of_threads(lambda: resample(waveforms, 44100, 16000), counts=(threads,))
    assert torch.equal(result, expected)


def test_every_instruction_set_gives_the_same(generator, tmp_path):
    program = (
        "import sys, torch, singerprint as sp; x = torch.load(sys.argv[1]);"
        "torch.save([sp.frontend.resample(x, 44100, b) for b in (16000, 44056)], sys.argv[2])"
    )
    waveforms = torch.randn(2, 20_000, generator=generator)
    expected = [resample(waveforms, 44100, to_hz) for to_hz in (16000, 44056)]
    torch.save(waveforms, tmp_path / "x.pt")
    for name in ("baseline", "avx2", "avx512"):
        environment = os.environ | {"SINGERPRINT_INSTRUCTION_SET": name}
        paths = [str(tmp_path / "x.pt"), str(tmp_path / "y.pt")]
        subprocess.run([sys.executable, "-c", program, *paths], check=True, env=environment)
        for result, one in zip(torch.load(paths[1]), expected, strict=True):
            assert rms(result - one) < 2**0.5 * FLOAT32_FLOOR


@pytest.mark.parametrize(("from_hz", "to_hz"), [(3, 2), (2, 3), (44100, 44056)])
def test_gradients_are_the_transpose(from_hz, to_hz, device, generator):
    waveforms = torch.randn(2, 40, generator=generator, dtype=torch.float64).to(device).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: resample(x, from_hz, to_hz), waveforms)
    assert torch.autograd.gradgradcheck(lambda x: resample(x, from_hz, to_hz).sin(), waveforms)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44100, 16000), (16000, 44100), (44100, 44056)])
def test_float32_gradients_are_those_of_float64(from_hz, to_hz, device, generator):
    waveforms = torch.randn(2, 9000, generator=generator).to(device)
    gradients = []
    for dtype in (torch.float32, torch.float64):
        x = waveforms.to(dtype, copy=True).requires_grad_()
        (
            resample(x, from_hz, to_hz) * torch.linspace(-1, 1, -(-9000 * to_hz // from_hz)).to(x)
        ).sum().backward()
        gradients.append(x.grad)
    # A sum like the forward's, times to_hz / from_hz.
    limit = 7 * FLOAT32_FLOOR * max(1, to_hz / from_hz)
    torch.testing.assert_close(gradients[0].double(), gradients[1], rtol=0, atol=limit)


def test_opcheck(device):
    waveforms = torch.randn(2, 700, device=device, requires_grad=True)
    opcheck(torch.ops.singerprint.resample.default, (waveforms, 44100, 16000))
    opcheck(torch.ops.singerprint.resample_backward.default, (resample(waveforms, 3, 2).detach(), 3, 2, 700))


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_as_one_graph_with_its_gradient(dynamic):
    compiled = torch.compile(Resample(44100, 16000), fullgraph=True, backend="aot_eager", dynamic=dynamic)
    for samples in (3000, 4001):
        waveforms = torch.randn(2, samples, requires_grad=True)
        result = compiled(waveforms)
        assert torch.equal(result, resample(waveforms, 44100, 16000))
        result.sum().backward()
        gradient, waveforms.grad = waveforms.grad, None
        resample(waveforms, 44100, 16000).sum().backward()
        assert torch.equal(gradient, waveforms.grad)


def test_the_module_is_the_function(generator):
    waveforms = torch.randn(2, 500, generator=generator)
    module = Resample(48000, 44100.0)
    assert torch.equal(module(waveforms), resample(waveforms, 48000, 44100))
    assert repr(module) == "Resample(from_hz=48000, to_hz=44100)"
