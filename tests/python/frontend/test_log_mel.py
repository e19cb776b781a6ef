import math
import os
import subprocess
import sys

import librosa
import numpy as np
import pytest
import scipy.signal
import torch
from tests.python.thread_counts import results_of_threads
from torch.library import opcheck

from singerprint.frontend import LogMel, log_mel

PAD_MODES = {"reflect": "reflect", "zeros": "constant"}
NORMS = {"slaney": "slaney", "area": 1, "none": None}


def reference_bins(waveforms, options):
    """librosa's bins in float64, (batch, bins, frames): powers or magnitudes."""
    window = scipy.signal.get_window(options["window"], options["window_length"], fftbins=options["periodic"])
    spectra = [
        librosa.stft(
            clip,
            n_fft=options["n_fft"],
            hop_length=options["hop_length"],
            win_length=options["window_length"],
            window=window,
            center=options["centred"],
            pad_mode=PAD_MODES[options["padding"]],
        )
        for clip in waveforms.double().numpy()
    ]
    return torch.from_numpy(np.abs(np.stack(spectra)) ** options["power"])


def reference_filters(options):
    """(mels, bins) float64"""
    matrix = librosa.filters.mel(
        sr=options["sample_rate_hz"],
        n_fft=options["n_fft"],
        n_mels=options["n_mels"],
        fmin=options["fmin_hz"],
        fmax=options["fmax_hz"],
        htk=options["mel_scale"] == "htk",
        norm=NORMS[options["mel_norm"]],
        dtype=np.float64,
    )
    return torch.from_numpy(matrix)


def tolerance(bins, filters, options, eps, of_value):
    """Allowed error of the filters' sums.

    An FFT gives each bin's amplitude an error of about e = eps * sqrt(log2 n_fft) * (loudest amplitude),
    taken at 4 sigma. A sum of magnitudes errs by e sum(w); powers by 2 |X| e + e^2, and by Cauchy-Schwarz
    their sum by 2 e sqrt(sum(w) * sum) + e^2 sum(w). On top: a share of the value, for all that is rounded.
    """
    loudest = bins.amax(1, keepdim=True) ** (1 / options["power"])
    e = 4 * eps * math.sqrt(math.log2(options["n_fft"])) * loudest
    area, sums = filters.sum(1)[:, None], filters @ bins
    rounding = e * area if options["power"] == 1 else 2 * e * (area * sums).sqrt() + e**2 * area
    return rounding + of_value * sums


def random_configuration(index):
    draw = np.random.default_rng(index)
    n_fft = int(draw.choice([16, 30, 64, 200, 256, 400, 512, 768, 882, 1024, 1200, 2048, 4096, 8192]))
    sample_rate_hz = int(draw.choice([8000, 16000, 22050, 44100, 48000]))
    return {
        "sample_rate_hz": sample_rate_hz,
        "n_fft": n_fft,
        "hop_length": int(draw.integers(n_fft // 8, 2 * n_fft)),
        "n_mels": max(1, n_fft // int(draw.integers(16, 40))),
        "fmin_hz": draw.uniform(0, 0.1) * sample_rate_hz,
        "fmax_hz": draw.uniform(0.3, 0.5) * sample_rate_hz,
        "mel_scale": str(draw.choice(["slaney", "htk"])),
        "mel_norm": str(draw.choice(["slaney", "area", "none"])),
        "window": str(draw.choice(["hann", "hamming"])),
        "window_length": int(draw.integers(n_fft // 2, n_fft + 1)),
        "periodic": bool(draw.integers(2)),
        "centred": bool(draw.integers(2)),
        "padding": str(draw.choice(["reflect", "zeros"])),
        "power": int(draw.integers(1, 3)),
    }


# eps of the dtype, and what may be lost of the value itself: some roundings each.
PRECISIONS = {torch.float32: (2.0**-24, 2e-6), torch.float64: (2.0**-53, 1e-12)}


@pytest.mark.parametrize("index", range(200))
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_equals_librosa(index, dtype, device, generator):
    options = random_configuration(index)
    samples = options["n_fft"] + 997 * (index % 7)
    waveforms = 0.1 * torch.randn(2, samples, generator=generator, dtype=dtype)
    bins, filters = reference_bins(waveforms, options), reference_filters(options)
    result = log_mel(waveforms.to(device), **options, log="none").cpu()
    assert result.dtype == dtype
    assert result.shape == (2, options["n_mels"], bins.shape[2])
    allowed = tolerance(bins, filters, options, *PRECISIONS[dtype])
    assert ((result.double() - filters @ bins).abs() <= allowed).all()


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_decibels_offset_and_floor_are_taken_of_the_sums(dtype, power, device, generator):
    waveforms = (torch.randn(2, 5000, generator=generator, dtype=dtype) * 0.01).to(device)
    sums = log_mel(waveforms, power=power, log="none").double()
    floor, offset = float(sums.median()), 0.1 * float(sums.min())
    shifted = sums + offset
    expected = shifted.clamp_min(floor)
    # A float32 logarithm below 16, of an argument rounded once; ten times and twice that in decibels.
    ulp = 1e-6 if dtype == torch.float32 else 1e-14
    natural = log_mel(waveforms, power=power, log_offset=offset, log_floor=floor)
    torch.testing.assert_close(natural.double(), expected.log(), rtol=0, atol=2 * ulp)
    decibels = log_mel(waveforms, power=power, log="db", log_offset=offset, log_floor=floor)
    factor = 20 / power
    torch.testing.assert_close(decibels.double(), factor * expected.log10(), rtol=0, atol=20 * ulp)
    assert 0 < (shifted < 0.999 * floor).sum() <= (natural == natural.min()).sum()


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
    results = results_of_threads(lambda: log_mel(waveforms, n_fft=n_fft, n_mels=40))
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


def test_opcheck(device):
    waveforms = torch.randn(2, 5000, device=device)
    options = (44100.0, 1024, 256, 40, 0.0, 22050.0, "slaney", "slaney", 1e-8)
    options += ("hann", 1000, True, True, "reflect", 2, "ln", 0.0)
    for leaf in (waveforms, waveforms.double().requires_grad_()):
        opcheck(torch.ops.singerprint.log_mel.default, (leaf, *options))


def test_compiles_as_one_graph(generator):
    compiled = torch.compile(LogMel(n_mels=40), fullgraph=True, dynamic=True, backend="aot_eager")
    for shape in ((2, 5000), (3, 7001)):
        waveforms = torch.randn(shape, generator=generator)
        assert torch.equal(compiled(waveforms), log_mel(waveforms, n_mels=40))
