"""time_stretch against what stretches voices elsewhere: two low and two high voices of 4 s, on one core.

The takes are judged too, by the ruler of the pitch shift's judge (benchmarks/quality/pitch_metrics.py)
against the same voice rendered at that rate: pitch and envelope of the harmonics, level, and what stands
above 14 kHz and should not. The row of the oracle is what the ruler makes of the ideal takes themselves.
Rubber Band is a program of its own: its time is that of a call less that of one on a tenth of a second.
"""

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import soundfile
import torch
from benchmarks.harness import Measurement, Row, compare, measure
from benchmarks.quality.oracle_choir import fresh_voices
from benchmarks.quality.oracle_voice import HOP_SAMPLES, SAMPLE_RATE_HZ, SAMPLES, render
from benchmarks.quality.pitch_metrics import count_clicks, harmonic_figures
from benchmarks.quality.stretched_voice import render_stretched

from singerprint.augment import time_stretch

RATES, SEED, VOICES = (0.8, 1.25), 7, 4
OURS, PROGRAM, ORACLE = "singerprint", "Rubber Band R3", "oracle"
Stretch = Callable[[np.ndarray, float], np.ndarray]  # (waveform, rate) to samples / rate


def run() -> list[Row]:
    voices = fresh_voices(SEED, VOICES)
    waveforms = torch.stack([torch.from_numpy(render(voice)[0]) for voice in voices])
    return [row for rate in RATES for row in rows_of(rate, voices, waveforms)]


def rows_of(rate: float, voices, waveforms: torch.Tensor) -> list[Row]:
    peers, program = in_process(), rubber_band()
    contenders = {OURS: lambda: time_stretch(waveforms, SAMPLE_RATE_HZ, rate)} | {
        name: lambda stretch=stretch: [stretch(clip, rate) for clip in waveforms.numpy()]
        for name, stretch in peers.items()
    }
    takes = {name: contender() for name, contender in contenders.items()}
    if program is not None:
        takes[PROGRAM] = [program(clip, rate) for clip in waveforms.numpy()]
    ideals = [render_stretched(voice, rate) for voice in voices]
    figures = {name: judge(take, ideals) for name, take in takes.items()}
    check(figures)
    rows = compare(f"{len(voices)} voices x 4 s, rate {rate}", contenders, seconds=3.0)
    if program is not None:
        rows.append(program_row(rows[0], waveforms, program, rate))
    for row in rows:
        row["times_real_time"] = 4e3 * len(voices) / row["median_ms"]
        row.update(figures[row["contender"]])
    floor = judge([ideal for ideal, _ in ideals], ideals)
    return [*rows, {"case": rows[0]["case"], "contender": ORACLE, **floor}]


def in_process() -> dict[str, Stretch]:
    """The peers that can be had here."""
    peers: dict[str, Stretch] = {"librosa": lambda clip, rate: librosa.effects.time_stretch(clip, rate=rate)}
    if importlib.util.find_spec("audiomentations") and importlib.util.find_spec("python_stretch"):
        import audiomentations  # noqa: PLC0415 - optional

        def stretch(clip: np.ndarray, rate: float) -> np.ndarray:
            transform = audiomentations.TimeStretch(rate, rate, leave_length_unchanged=False, p=1.0)
            return transform(clip, SAMPLE_RATE_HZ)

        peers["audiomentations"] = stretch
    return peers


def rubber_band() -> Stretch | None:
    program = shutil.which("rubberband-r3")
    if program is None:
        return None

    def stretch(clip: np.ndarray, rate: float) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "in.wav", Path(folder) / "out.wav"
            soundfile.write(source, clip, SAMPLE_RATE_HZ, subtype="FLOAT")
            options = ["--quiet", "--fine", "--formant", "--time", str(1 / rate)]
            subprocess.run([program, *options, str(source), str(target)], check=True, capture_output=True)
            return soundfile.read(target, dtype="float32")[0]

    return stretch


def program_row(ours: Row, waveforms: torch.Tensor, program: Stretch, rate: float) -> Row:
    """Of the batch as one long take, less the program's start."""
    long = waveforms.flatten().numpy()
    start = measure(lambda: program(long[: SAMPLE_RATE_HZ // 10], rate), seconds=1.0)
    whole = measure(lambda: program(long, rate), seconds=1.0)
    measurement = Measurement(*(value - start.median_ms for value in whole[:3]), whole.n)
    slower_by = measurement.median_ms / ours["median_ms"]
    return {
        "case": ours["case"],
        "contender": PROGRAM,
        **measurement._asdict(),
        "slower_by": slower_by,
    }


def judge(takes, ideals) -> dict[str, float]:
    """Means over the voices; what lies past the oracle's 4 s is not judged, nor is the end of the take."""
    figures = []
    for take, (ideal, truth) in zip(takes, ideals, strict=True):
        heard = np.asarray(take, dtype=np.float64)[:SAMPLES]
        assert np.isfinite(heard).all()
        padded = np.pad(heard, (0, SAMPLES - heard.size))
        f0, _, _, envelope, _, level, _ = harmonic_figures(padded, truth)
        # A note that the clip's end cuts off clicks in every take but the ideal one.
        end = min(heard.size, int(np.flatnonzero(truth.amplitude + truth.frication)[-1]) * HOP_SAMPLES) - 4410
        figures.append((f0, envelope, level, count_clicks(heard[:end], ideal[:end].astype(np.float64))))
    names = ("f0_median_cents", "lsd5_db", "level_db", "clicks")
    return dict(zip(names, np.mean(figures, axis=0).tolist(), strict=True))


def check(figures: dict[str, dict[str, float]]) -> None:
    """All takes are what was asked for: vibrato of two voices costs the ruler two cents."""
    for contender, row in figures.items():
        if row["f0_median_cents"] > (5 if contender == OURS else 25):
            raise AssertionError(f"{contender} is {row['f0_median_cents']:.0f} cents off")
