"""log_mel against what a user would otherwise run, on one core.

Four seconds at 44.1 kHz, n_fft 2048, hop 512, 80 mels: alone, and sixteen clips in a batch.
"""

import importlib
import math

import librosa
import numpy as np
import torch
from benchmarks.harness import Row, compare, machine_facts

import singerprint as sp

SAMPLE_RATE_HZ, SECONDS = 44100, 4
N_FFT, HOP_LENGTH, N_MELS, LOG_OFFSET = 2048, 512, 80, 1e-8
BINS = N_FFT // 2 + 1
# What the task needs, per frame: split-radix transform of real numbers (2 n lg n - 4 n + 4), window, power (3
# a bin), two filters a bin (2 each), logarithms of 20: 47.7 kFLOP, 16.5 MFLOP a clip.
FLOPS_PER_FRAME = (2 * N_FFT * int(math.log2(N_FFT)) - 4 * N_FFT + 4) + N_FFT + 7 * BINS + 20 * N_MELS


def _singing(batch: int) -> torch.Tensor:
    """(batch, samples): harmonics with vibrato and noise, different in every clip."""
    seconds = torch.arange(SECONDS * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    generator = torch.Generator().manual_seed(0)
    clips = []
    for b in range(batch):
        phase = 2 * math.pi * (200 + 20 * b) * seconds + 0.8 * torch.sin(2 * math.pi * 5.5 * seconds)
        voice = sum(torch.sin(k * phase) / k for k in range(1, 20))
        clips.append(0.1 * voice + 0.01 * torch.randn(seconds.shape, generator=generator))
    return torch.stack(clips)


def _torch_stft():
    window = torch.hann_window(N_FFT)
    matrix = torch.from_numpy(librosa.filters.mel(sr=SAMPLE_RATE_HZ, n_fft=N_FFT, n_mels=N_MELS))

    def log_mel(waveforms):
        spectrum = torch.stft(waveforms, N_FFT, HOP_LENGTH, window=window, return_complex=True)
        return torch.log(matrix @ spectrum.abs().square() + LOG_OFFSET)

    return log_mel


def _librosa(waveforms):
    return np.stack(
        [
            np.log(
                librosa.feature.melspectrogram(
                    y=clip,
                    sr=SAMPLE_RATE_HZ,
                    n_fft=N_FFT,
                    hop_length=HOP_LENGTH,
                    n_mels=N_MELS,
                    pad_mode="reflect",
                )
                + LOG_OFFSET
            )
            for clip in waveforms
        ]
    )


def _kaldi():
    """Its own definition (Povey's edges, no centring): timed at the same sizes, not compared."""
    knf = importlib.import_module("kaldi_native_fbank")
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = SAMPLE_RATE_HZ
    options.frame_opts.frame_length_ms = 1e3 * N_FFT / SAMPLE_RATE_HZ
    options.frame_opts.frame_shift_ms = 1e3 * HOP_LENGTH / SAMPLE_RATE_HZ
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = N_MELS

    def fbank(waveforms):
        for clip in waveforms:
            online = knf.OnlineFbank(options)
            online.accept_waveform(SAMPLE_RATE_HZ, clip)
            online.input_finished()
            for frame in range(online.num_frames_ready):
                online.get_frame(frame)

    return fbank


def _nnaudio():
    mel = importlib.import_module("nnAudio.features.mel").MelSpectrogram(
        sr=SAMPLE_RATE_HZ,
        n_fft=N_FFT,
        hop_length=HOP_LENGTH,
        n_mels=N_MELS,
        verbose=False,
        pad_mode="reflect",
    )
    return lambda waveforms: torch.log(mel(waveforms) + LOG_OFFSET)


def _pyfftw():
    """FFTW, planned for all frames of a clip at once."""
    fftw = importlib.import_module("pyfftw")
    window = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
    matrix = librosa.filters.mel(sr=SAMPLE_RATE_HZ, n_fft=N_FFT, n_mels=N_MELS)
    frames = 1 + SECONDS * SAMPLE_RATE_HZ // HOP_LENGTH
    windowed = fftw.empty_aligned((frames, N_FFT), dtype="float32")
    spectrum = fftw.empty_aligned((frames, BINS), dtype="complex64")
    transform = fftw.FFTW(windowed, spectrum, axes=(1,), flags=("FFTW_MEASURE",))

    def log_mel(waveforms):
        results = []
        for clip in waveforms:
            padded = np.pad(clip, N_FFT // 2, mode="reflect")
            np.multiply(
                np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP_LENGTH], window, out=windowed
            )
            transform()
            power = spectrum.real**2 + spectrum.imag**2
            results.append(np.log(matrix @ power.T + np.float32(LOG_OFFSET)))
        return np.stack(results)

    return log_mel


def _check_equal(ours, theirs, contender):
    """Compares what lies within 60 dB of a frame's loudest filter; round-off is 1e-7 of its loudest bin."""
    ours, theirs = torch.as_tensor(ours), torch.as_tensor(theirs)
    heard = theirs > theirs.amax(1, keepdim=True) - math.log(1e6)
    difference = (ours - theirs).abs()[heard].max().item()
    if difference > 5e-3:
        raise AssertionError(f"{contender} differs from ours by {difference:.2g}")


def run() -> list[Row]:
    torch.set_num_threads(1)
    rows = []
    for batch in (1, 16):
        waveforms = _singing(batch)
        arrays, ours = waveforms.numpy(), sp.frontend.log_mel(waveforms, log_offset=LOG_OFFSET)
        stft = _torch_stft()
        contenders = {
            "torch.stft + mel matrix, batched": lambda stft=stft, x=waveforms: stft(x),
            "torch.stft + mel matrix, per clip": lambda stft=stft, x=waveforms: torch.stack(
                [stft(c) for c in x]
            ),
            "librosa": lambda x=arrays: _librosa(x),
        }
        try:
            nnaudio = _nnaudio()
            contenders["nnAudio"] = lambda f=nnaudio, x=waveforms: f(x)
        except ImportError as error:
            print(f"nnAudio is left out: {error}")
        try:
            pyfftw = _pyfftw()
            contenders["pyFFTW + mel matrix"] = lambda f=pyfftw, x=arrays: f(x)
        except ImportError as error:
            print(f"pyFFTW is left out: {error}")
        for name, contender in contenders.items():
            _check_equal(ours, contender(), name)
        try:
            kaldi = _kaldi()
            contenders["kaldi-native-fbank (its own definition)"] = lambda f=kaldi, x=arrays: f(x)
        except ImportError as error:
            print(f"kaldi-native-fbank is left out: {error}")
        everyone = {
            "singerprint": lambda x=waveforms: sp.frontend.log_mel(x, log_offset=LOG_OFFSET),
            **contenders,
        }
        frames = batch * ours.shape[2]
        for row in compare(f"{batch} x {SECONDS} s", everyone, flops=frames * FLOPS_PER_FRAME):
            row["share_of_peak"] = row["gflop_per_s"] / machine_facts()["matmul_gflop_per_s"]
            row["times_real_time"] = batch * SECONDS * 1e3 / row["median_ms"]
            rows.append(row)
    return rows
