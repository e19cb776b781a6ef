"""resample against what a user would otherwise run, on one core.

Sixteen clips of four seconds and one clip, at the rates that singing comes in and models ask for. Every
contender is first held against the tones that the batch is made of; ``error_db`` is what that found.
"""

import importlib
import math

import numpy as np
import soxr
import torch
from benchmarks.harness import Row, compare
from scipy import signal

import singerprint as sp

SECONDS = 4
RATES_HZ = [(44100, 16000), (48000, 44100), (16000, 44100), (44100, 48000), (44100, 22050)]
# Tones up to this share of half the slower rate: where soxr's HQ, too, is flat to 0.01 dB.
HIGHEST_SHARE = 0.85
TONES = 24


def _tones(batch: int, rate_hz: int, slower_hz: int) -> torch.Tensor:
    """(batch, samples) float64: what an ideal resampler gives at any rate."""
    draw = np.random.default_rng(0)
    frequency_hz = draw.uniform(50, HIGHEST_SHARE * slower_hz / 2, (batch, TONES))
    phase = draw.uniform(0, 2 * math.pi, (batch, TONES))
    seconds = np.arange(SECONDS * rate_hz) / rate_hz
    clips = [
        sum(np.cos(2 * math.pi * f * seconds + p) for f, p in zip(frequencies, phases, strict=True))
        for frequencies, phases in zip(frequency_hz, phase, strict=True)
    ]
    return torch.from_numpy(0.02 * np.stack(clips))


def _contenders(waveforms, from_hz, to_hz):
    clips, common = waveforms.numpy(), math.gcd(from_hz, to_hz)

    def per_clip(quality):
        return lambda: np.stack([soxr.resample(clip, from_hz, to_hz, quality=quality) for clip in clips])

    contenders = {
        "singerprint": lambda: sp.frontend.resample(waveforms, from_hz, to_hz),
        "soxr HQ": per_clip("HQ"),
        "soxr VHQ": per_clip("VHQ"),
        # Its default filter: 20 zero crossings, 60 dB
        "scipy.signal.resample_poly": lambda: signal.resample_poly(
            clips, to_hz // common, from_hz // common, axis=1
        ),
    }
    try:
        kaiser = importlib.import_module("torchaudio.transforms").Resample(
            from_hz, to_hz, "sinc_interp_kaiser", lowpass_filter_width=186, rolloff=0.975, beta=14.47
        )
        contenders["torchaudio, our filter"] = lambda: kaiser(waveforms)
    except ImportError as error:
        print(f"torchaudio is left out: {error}")
    return contenders


def _error_db(result, expected) -> float:
    """Of the tones' level, away from the ends."""
    result = torch.as_tensor(result).double()[:, : expected.shape[1]]
    away = slice(expected.shape[1] // 8, -expected.shape[1] // 8)
    error = (result - expected)[:, away].square().mean() / expected[:, away].square().mean()
    return 10 * math.log10(error.item())


def run() -> list[Row]:
    torch.set_num_threads(1)
    rows: list[Row] = []
    for batch in (16, 1):
        for from_hz, to_hz in RATES_HZ:
            waveforms = _tones(batch, from_hz, min(from_hz, to_hz)).float()
            expected = _tones(batch, to_hz, min(from_hz, to_hz))
            contenders = _contenders(waveforms, from_hz, to_hz)
            errors_db = {name: _error_db(contender(), expected) for name, contender in contenders.items()}
            for name, error_db in errors_db.items():
                # scipy's default filter begins to fall early.
                if error_db > (-20 if "scipy" in name else -60):
                    raise AssertionError(f"{name} misses the tones by {error_db:.0f} dB")
            moved = 4.0 * (waveforms.numel() + expected.numel())
            for row in compare(f"{batch} x {SECONDS} s {from_hz} to {to_hz}", contenders, bytes_moved=moved):
                row["error_db"] = errors_db[str(row["contender"])]
                row["times_real_time"] = batch * SECONDS * 1e3 / row["median_ms"]
                rows.append(row)
    return rows
