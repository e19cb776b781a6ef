"""Who shifts pitch and keeps formants, and who tracks F0: ours and the peers, each behind one callable type.

A peer that is not installed is left out, and a line says so. To have them all: `pip install
praat-parselmouth pyworld`, and Rubber Band's command line from the system's packages.
"""

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.quality.oracle_voice import SAMPLE_RATE_HZ
from benchmarks.quality.pitch_metrics import TRACK_HOP_SAMPLES

Waveform = NDArray[np.float32]  # (samples,) at 44.1 kHz
Array = NDArray[np.float64]
Shift = Callable[[Waveform, float], Waveform]  # (waveform, pitch_ratio) to as many samples
Tracker = Callable[[Waveform], Array]  # waveform to F0 in Hz every 512 samples, 0 where unvoiced

OURS = "singerprint"
WORLD_FLOOR_HZ, WORLD_CEILING_HZ, WORLD_FRAME_MS = 60.0, 1500.0, 5.0


def shifters(wanted: Iterable[str] = ()) -> dict[str, Shift]:
    """The shifters that can be had here, by name; all of them, or those wanted."""
    makers: dict[str, Callable[[], Shift]] = {
        OURS: _our_shift,
        "Praat 75-600": lambda: _praat_shift(75, 600),  # the papers'
        "Praat 60-1400": lambda: _praat_shift(60, 1400),
        "WORLD Harvest": lambda: _world_shift("harvest"),
        "WORLD DIO": lambda: _world_shift("dio"),
        "Rubber Band R3": _rubber_band_shift,
    }
    return available(makers, wanted)


def trackers(wanted: Iterable[str] = ()) -> dict[str, Tracker]:
    """The F0 trackers that can be had here, by name; all of them, or those wanted."""
    makers: dict[str, Callable[[], Tracker]] = {
        OURS: _our_tracker,
        "Praat AC 60-1500": lambda: _praat_tracker(60, 1500),
        "Praat AC 75-600": lambda: _praat_tracker(75, 600),
        "WORLD Harvest": lambda: _world_tracker("harvest"),
        "WORLD DIO": lambda: _world_tracker("dio"),
    }
    return available(makers, wanted)


def available(makers, wanted):
    """What the makers make: of all names or those wanted, but for those whose maker lacks something."""
    wanted = tuple(wanted) or tuple(makers)
    unknown = [name for name in wanted if name not in makers]
    if unknown:
        raise SystemExit(f"no method named {', '.join(unknown)}; there are: {', '.join(makers)}")
    made = {}
    for name in wanted:
        try:
            made[name] = makers[name]()
        except ImportError as missing:
            Console(stderr=True, soft_wrap=True).print(f"{name} is left out: {missing}")
    return made


def _our_shift() -> Shift:
    from singerprint.augment import pitch_shift  # noqa: PLC0415 - peers run without it

    def shift(waveform: Waveform, pitch_ratio: float) -> Waveform:
        ratios = torch.tensor([pitch_ratio])
        return pitch_shift(torch.from_numpy(waveform)[None], SAMPLE_RATE_HZ, ratios)[0].numpy()

    return shift


def _our_tracker() -> Tracker:
    from singerprint.frontend import pitch  # noqa: PLC0415 - peers run without it

    return lambda waveform: pitch(torch.from_numpy(waveform)[None], SAMPLE_RATE_HZ).f0_hz[0].double().numpy()


def _praat_shift(floor_hz: float, ceiling_hz: float) -> Shift:
    from benchmarks.quality import praat  # noqa: PLC0415 - needs parselmouth

    return lambda waveform, pitch_ratio: _same_length(
        praat.change_gender(waveform, pitch_ratio, floor_hz, ceiling_hz), waveform.size
    )


def _praat_tracker(floor_hz: float, ceiling_hz: float) -> Tracker:
    from benchmarks.quality import praat  # noqa: PLC0415 - needs parselmouth

    return lambda waveform: at_hops(*praat.autocorrelation_f0(waveform, floor_hz, ceiling_hz), waveform.size)


def _world():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyworld 0.3.5 asks setuptools for its own version
        import pyworld  # noqa: PLC0415 - optional

    return pyworld


def _world_f0(world, waveform: Array, method: str) -> tuple[Array, Array]:
    range_hz = {"f0_floor": WORLD_FLOOR_HZ, "f0_ceil": WORLD_CEILING_HZ, "frame_period": WORLD_FRAME_MS}
    f0_hz, seconds = getattr(world, method)(waveform, SAMPLE_RATE_HZ, **range_hz)
    # Harvest refines by itself; DIO is meant to be followed by StoneMask.
    return (world.stonemask(waveform, f0_hz, seconds, SAMPLE_RATE_HZ) if method == "dio" else f0_hz), seconds


def _world_shift(method: str) -> Shift:
    world = _world()
    fft_size = world.get_cheaptrick_fft_size(SAMPLE_RATE_HZ, WORLD_FLOOR_HZ)

    def shift(waveform: Waveform, pitch_ratio: float) -> Waveform:
        sound = waveform.astype(np.float64)
        f0_hz, seconds = _world_f0(world, sound, method)
        envelope = world.cheaptrick(sound, f0_hz, seconds, SAMPLE_RATE_HZ, fft_size=fft_size)
        aperiodicity = world.d4c(sound, f0_hz, seconds, SAMPLE_RATE_HZ, fft_size=fft_size)
        shifted = world.synthesize(
            f0_hz * pitch_ratio, envelope, aperiodicity, SAMPLE_RATE_HZ, WORLD_FRAME_MS
        )
        return _same_length(shifted.astype(np.float32), waveform.size)

    return shift


def _world_tracker(method: str) -> Tracker:
    world = _world()

    def track(waveform: Waveform) -> Array:
        f0_hz, seconds = _world_f0(world, waveform.astype(np.float64), method)
        return at_hops(seconds, f0_hz, waveform.size)

    return track


def _rubber_band_shift() -> Shift:
    program = shutil.which("rubberband-r3") or shutil.which("rubberband")
    if program is None:
        raise ImportError("no program named rubberband-r3 or rubberband")

    def shift(waveform: Waveform, pitch_ratio: float) -> Waveform:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "in.wav", Path(folder) / "out.wav"
            soundfile.write(source, waveform, SAMPLE_RATE_HZ, subtype="FLOAT")
            options = ["--quiet", "--fine", "--formant", "--frequency", str(pitch_ratio)]
            subprocess.run([program, *options, str(source), str(target)], check=True, capture_output=True)
            return _same_length(soundfile.read(target, dtype="float32")[0], waveform.size)

    return shift


def _same_length(waveform: Waveform, samples: int) -> Waveform:
    """Cut, or padded with silence: synthesis may end some samples early or late."""
    return np.pad(waveform[:samples], (0, max(0, samples - waveform.size)))


def at_hops(seconds: Array, f0_hz: Array, samples: int) -> Array:
    """A track with frame times of its own, read at every 512th sample.

    The nearest frame says whether a hop is voiced (none within 10 ms: it is not); between two voiced frames
    the pitch is interpolated, in octaves.
    """
    hops = np.arange(1 + samples // TRACK_HOP_SAMPLES) * TRACK_HOP_SAMPLES / SAMPLE_RATE_HZ
    voiced = f0_hz > 0
    if not voiced.any():
        return np.zeros(hops.size)
    after = np.clip(np.searchsorted(seconds, hops), 1, seconds.size - 1)
    nearest = np.where(hops - seconds[after - 1] < seconds[after] - hops, after - 1, after)
    between = np.exp2(np.interp(hops, seconds[voiced], np.log2(f0_hz[voiced])))
    at_gap = ~(voiced[after - 1] & voiced[after])
    pitch_hz = np.where(at_gap, f0_hz[nearest], between)
    return np.where(np.abs(seconds[nearest] - hops) <= 0.01, pitch_hz, 0.0)
