import math
import os
import subprocess
import sys

import librosa
import numpy as np
import pytest
import torch
from torch.library import opcheck

from singerprint.frontend import LogMel, log_mel

EPS = 2.0**-24


def reference_power(
    waveforms, sample_rate_hz, n_fft, hop_length, n_mels, fmin_hz, fmax_hz, mel_scale, mel_norm
):
    """Power in float64 (batch, mels, frames), each frame's largest bin (batch, 1, frames), the mel matrix."""
    window = torch.hann_window(n_fft, dtype=torch.float64)
    spectrum = torch.stft(waveforms.double(), n_fft, hop_length, window=window, return_complex=True)
    matrix = librosa.filters.mel(
        sr=sample_rate_hz,
        n_fft=n_fft,
        n_mels=n_mels,
        fmin=fmin_hz,
        fmax=fmax_hz,
        htk=mel_scale == "htk",
        norm=None if mel_norm == "none" else mel_norm,
        dtype=np.float64,
    )
    power = spectrum.abs() ** 2
    return torch.from_numpy(matrix) @ power, power.amax(1, keepdim=True), torch.from_numpy(matrix)


def tolerance(power, loudest, matrix, n_fft):
    """Allowed error of the mel power.

    An FFT in float32 gives each bin's amplitude an error of about e = eps * sqrt(log2 n_fft) * (loudest
    amplitude), taken at 4 sigma; the power then errs by 2 |X| e + e^2, and by Cauchy-Schwarz the weighted sum
    over a filter by 2 e sqrt(sum(w) * mel power) + e^2 sum(w). On top: 2e-5 of the power itself, for window,
    weights and sums.
    """
    e = 4 * EPS * math.sqrt(math.log2(n_fft)) * loudest.sqrt()
    area = matrix.sum(1)[:, None]
    return 2 * e * (area * power).sqrt() + e**2 * area + 2e-5 * power


def random_configuration(index):
    draw = np.random.default_rng(index)
    n_fft = int(draw.choice([16, 30, 64, 200, 256, 400, 512, 882, 1024, 1200, 2048, 4096, 8192]))
    sample_rate_hz = int(draw.choice([8000, 16000, 22050, 44100, 48000]))
    fmin_hz, fmax_hz = draw.uniform(0, 0.1) * sample_rate_hz, draw.uniform(0.3, 0.5) * sample_rate_hz
    return {
        "sample_rate_hz": sample_rate_hz,
        "n_fft": n_fft,
        "hop_length": int(draw.integers(1, 2 * n_fft))
        if n_fft < 500
        else int(draw.integers(n_fft // 8, n_fft)),
        "n_mels": max(1, n_fft // int(draw.integers(16, 40))),
        "fmin_hz": fmin_hz,
        "fmax_hz": fmax_hz,
        "mel_scale": str(draw.choice(["slaney", "htk"])),
        "mel_norm": str(draw.choice(["slaney", "none"])),
    }


@pytest.mark.parametrize("index", range(40))
def test_equals_stft_and_mel_matrix(index, device, generator):
    options = random_configuration(index)
    n_fft = options["n_fft"]
    if device.type == "cuda" and n_fft & (n_fft - 1):
        pytest.skip("CUDA has powers of two")
    waveforms = 0.1 * torch.randn(2, n_fft // 2 + 1 + 997 * (index % 7), generator=generator)
    power, loudest, matrix = reference_power(waveforms, **options)
    result = log_mel(waveforms.to(device), **options, log_offset=0).cpu().double().exp()
    assert result.shape == power.shape
    # exp(float32 logarithm): half an ulp of a logarithm below 32 is a relative 2^-20.
    assert ((result - power).abs() <= tolerance(power, loudest, matrix, n_fft) + 2**-20 * power).all()


@pytest.mark.parametrize("mel_scale", ["slaney", "htk"])
@pytest.mark.parametrize("mel_norm", ["slaney", "none"])
@pytest.mark.parametrize("n_mels", [80, 128])
def test_equals_librosa_on_a_sweep(mel_scale, mel_norm, n_mels, device):
    sweep = librosa.chirp(fmin=60, fmax=18000, sr=44100, duration=1.0).astype(np.float64)
    expected = librosa.feature.melspectrogram(
        y=sweep,
        sr=44100,
        n_fft=2048,
        hop_length=512,
        n_mels=n_mels,
        pad_mode="reflect",
        htk=mel_scale == "htk",
        norm=None if mel_norm == "none" else mel_norm,
    )
    result = log_mel(
        torch.from_numpy(sweep).float()[None].to(device),
        n_mels=n_mels,
        mel_scale=mel_scale,
        mel_norm=mel_norm,
    )
    # Float32 round-off is 1e-7 of the loudest bin's amplitude: 1e-4 of that of a filter 60 dB below it, twice
    # that of its power, and more where the filter is narrow.
    heard = expected > 1e-6 * expected.max(0)
    difference = np.abs(result[0].cpu().numpy() - np.log(expected + 1e-8))
    assert heard.mean() > 0.05
    assert difference[heard].max() < 3e-3


def test_twenty_decibels_more_add_the_logarithm_of_a_hundred(device, generator):
    waveforms = torch.randn(2, 9000, generator=generator).to(device)
    louder = log_mel(10 * waveforms, log_offset=0) - log_mel(waveforms, log_offset=0)
    # The samples round anew (10 is no power of two): 1e-7 of the loudest bin, and noise has none far below
    # it.
    torch.testing.assert_close(louder, torch.full_like(louder, math.log(100)), rtol=0, atol=2e-4)


def test_a_power_of_two_adds_exactly_its_logarithm(device, generator):
    waveforms = torch.randn(1, 9000, generator=generator).to(device)
    doubled, plain = log_mel(2 * waveforms, log_offset=0), log_mel(waveforms, log_offset=0)
    # Every operation before the logarithm scales exactly; left is an ulp of each logarithm (below 8).
    torch.testing.assert_close(doubled - plain, torch.full_like(plain, math.log(4)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("tone_hz", [110.0, 440.0, 1000.0, 3520.0, 15000.0])
def test_a_tone_peaks_in_the_filter_that_contains_it(tone_hz, device):
    tone = torch.sin(2 * math.pi * tone_hz * torch.arange(22050, dtype=torch.float64) / 44100).float()[None]
    edges = librosa.mel_frequencies(42, fmin=0.0, fmax=22050.0)
    peak = log_mel(tone.to(device), n_mels=40, mel_norm="none")[0, :, 20].argmax().item()
    assert edges[peak] < tone_hz < edges[peak + 2]


def test_a_click_is_seen_in_the_frames_that_reach_it(device):
    waveforms = torch.zeros(1, 8192)
    waveforms[0, 4000] = 1.0
    level = log_mel(waveforms.to(device), n_fft=256, hop_length=64, n_mels=10)
    centres = torch.arange(level.shape[2]) * 64
    reached = (centres - 4000).abs() < 128
    assert torch.equal((level[0] > math.log(2e-8)).all(0).cpu(), reached)


@pytest.mark.parametrize("log_offset", [1e-8, 1e-10, 1e-6, 1e-5, 1.0, 3.0])
def test_silence_gives_exactly_the_logarithm_of_the_offset(log_offset):
    level = log_mel(torch.zeros(1, 4000), log_offset=log_offset)
    assert torch.equal(level, torch.full_like(level, math.log(float(np.float32(log_offset)))))


def test_silence_beside_a_loud_sound_stays_silent(device):
    waveforms = torch.zeros(1, 44100)
    waveforms[0, 20480:] = torch.randn(44100 - 20480, generator=torch.Generator().manual_seed(0))
    level = log_mel(waveforms.to(device))
    assert torch.equal(level[:, :, :39], log_mel(torch.zeros_like(waveforms).to(device))[:, :, :39])


@pytest.mark.parametrize(("samples", "frames"), [(1025, 3), (2047, 4), (2048, 5), (2049, 5)])
def test_a_frame_begins_every_hop(samples, frames, device):
    assert log_mel(torch.zeros(1, samples, device=device)).shape == (1, 80, frames)


@pytest.mark.parametrize("n_fft", [400, 1024])
def test_a_clip_does_not_depend_on_its_batch(n_fft, device, generator):
    waveforms = torch.randn(7, 20_001, generator=generator).to(device)
    together = log_mel(waveforms, n_fft=n_fft, n_mels=40)
    for b in range(7):
        assert torch.equal(log_mel(waveforms[b : b + 1], n_fft=n_fft, n_mels=40), together[b : b + 1])


@pytest.mark.parametrize("n_fft", [400, 1024])
def test_the_threads_change_no_bit(n_fft, generator):
    waveforms = torch.randn(3, 30_001, generator=generator)
    threads = torch.get_num_threads()
    results = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        results.append(log_mel(waveforms, n_fft=n_fft, n_mels=40))
    torch.set_num_threads(threads)
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


@pytest.mark.parametrize("n_fft", [400, 2048])
def test_a_part_of_a_clip_has_the_same_inner_frames(n_fft, device, generator):
    waveforms = torch.randn(1, 44_100, generator=generator).to(device)
    whole = log_mel(waveforms, n_fft=n_fft, n_mels=40)
    part = log_mel(waveforms[:, 10 * 512 : 60 * 512], n_fft=n_fft, n_mels=40)
    # Other lanes, other blocks, the same bits; two frames at either end are mirrored.
    assert torch.equal(part[:, :, 2:-2], whole[:, :, 12:59])


def test_non_contiguous_input_gives_the_same(device, generator):
    waveforms = torch.randn(5000, 3, generator=generator).to(device).t()
    assert torch.equal(log_mel(waveforms), log_mel(waveforms.contiguous()))


def test_an_empty_batch_gives_an_empty_batch(device):
    assert log_mel(torch.zeros(0, 4096, device=device)).shape == (0, 80, 9)


def test_the_module_is_the_function(device, generator):
    waveforms = torch.randn(2, 5000, generator=generator).to(device)
    options = {"sample_rate_hz": 16000, "n_fft": 512, "hop_length": 160, "n_mels": 23, "fmax_hz": 7600.0}
    module = LogMel(**options, mel_scale="htk", mel_norm="none", log_offset=1e-5)
    expected = log_mel(waveforms, **options, mel_scale="htk", mel_norm="none", log_offset=1e-5)
    assert torch.equal(module(waveforms), expected)
    assert "n_mels=23" in repr(module)


PROGRAM = """
import sys, torch, singerprint as sp
waveforms = torch.load(sys.argv[1])
log_mel = sp.frontend.log_mel
results = {n_fft: log_mel(waveforms, n_fft=n_fft, n_mels=20, log_offset=0) for n_fft in (400, 512, 2048)}
torch.save((sp._C.instruction_set(), results), sys.argv[2])
"""


def test_the_instruction_sets_agree(tmp_path, generator):
    torch.save(torch.randn(2, 20_001, generator=generator), tmp_path / "waveforms.pt")
    results = {}
    for name in ("baseline", "avx2", "avx512"):
        environment = {**os.environ, "SINGERPRINT_INSTRUCTION_SET": name, "OMP_NUM_THREADS": "1"}
        arguments = [sys.executable, "-c", PROGRAM, tmp_path / "waveforms.pt", tmp_path / "result.pt"]
        subprocess.run(arguments, env=environment, check=True)
        chosen, result = torch.load(tmp_path / "result.pt")
        results[chosen] = result
    for result in results.values():
        for n_fft, level in result.items():
            # The baseline rounds a * b + c twice: 1e-7 of the loudest bin, noise has no filter far below it.
            torch.testing.assert_close(level, results["baseline"][n_fft], rtol=0, atol=1e-5)
    if {"avx2", "avx512"} <= results.keys():
        for n_fft, level in results["avx2"].items():
            assert torch.equal(level, results["avx512"][n_fft])  # the same roundings, in more lanes


def test_a_gradient_is_refused_not_wrong():
    waveforms = torch.zeros(1, 4096, requires_grad=True)
    with pytest.raises(RuntimeError, match="derivative for singerprint::log_mel is not implemented"):
        log_mel(waveforms).sum().backward()


def test_opcheck(device):
    waveforms = torch.randn(2, 5000, device=device)
    options = (44100.0, 1024, 256, 40, 0.0, 22050.0, "slaney", "slaney", 1e-8)
    opcheck(torch.ops.singerprint.log_mel.default, (waveforms, *options))


def test_compiles_as_one_graph(generator):
    compiled = torch.compile(LogMel(n_mels=40), fullgraph=True, dynamic=True, backend="aot_eager")
    for shape in ((2, 5000), (3, 7001)):
        waveforms = torch.randn(shape, generator=generator)
        assert torch.equal(compiled(waveforms), log_mel(waveforms, n_mels=40))
