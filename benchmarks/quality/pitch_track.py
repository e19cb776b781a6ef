"""F0 trackers on synthetic voices whose F0 is known, clean and in white noise.

    python -m benchmarks.quality.pitch_track [--voices 16] [--seed N] [--noise 0 0.05] [--methods NAME ...]

The figures go to benchmarks/results/pitch_track_quality.json.
"""

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from benchmarks.harness import RESULTS
from benchmarks.quality.oracle_choir import fresh_voices
from benchmarks.quality.oracle_voice import render_cached
from benchmarks.quality.pitch_metrics import judge_track
from benchmarks.quality.pitch_peers import trackers
from benchmarks.quality.report import keep, show


def tracks(voices, methods, noise_amplitudes, cache, progress):
    """Figures of every tracker on every voice, at every amplitude of noise."""
    rows = []
    task = progress.add_task("tracks", total=len(voices) * len(methods) * len(noise_amplitudes))
    for voice in voices:
        waveform, truth = render_cached(voice, 1.0, cache)
        noise = np.random.default_rng(voice.seed).standard_normal(waveform.size)
        for amplitude in noise_amplitudes:
            heard = (waveform + amplitude * noise).astype(np.float32)
            for name, track in methods.items():
                figures = judge_track(track(heard), truth)._asdict()
                facts = {"method": name, "noise": amplitude, "voice": voice.name, "low": voice.is_low}
                rows.append({**facts, **figures})
                progress.advance(task)
    return rows


def summary(rows):
    """Means per method, noise and low or high voices."""
    result = []
    for noise, method, low in dict.fromkeys((r["noise"], r["method"], r["low"]) for r in rows):
        same = [r for r in rows if (r["noise"], r["method"], r["low"]) == (noise, method, low)]
        figures = [column for column in same[0] if column not in ("method", "noise", "voice", "low")]
        means = {column: float(np.nanmean([row[column] for row in same])) for column in figures}
        result.append({"method": method, "voices": "low" if low else "high", "noise": noise, **means})
    return sorted(result, key=lambda row: (row["noise"], row["voices"] != "low"))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--voices", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--noise", nargs="+", type=float, default=(0.0, 0.01, 0.05), help="amplitudes")
    parser.add_argument("--methods", nargs="+", default=(), help="of the names in pitch_peers; default all")
    parser.add_argument("--cache", type=Path, default=Path("runs/oracle_voices"))
    parser.add_argument("--json", type=Path, default=RESULTS / "pitch_track_quality.json")
    arguments = parser.parse_args()
    voices = fresh_voices(arguments.seed, arguments.voices)
    with Progress(console=Console(stderr=True)) as progress:
        rows = tracks(voices, trackers(arguments.methods), arguments.noise, arguments.cache, progress)
    means = summary(rows)
    settings = {"seed": arguments.seed, "voices": len(voices)}
    keep(arguments.json, {"settings": settings, "rows": means, "tracks": rows})
    show(f"F0 of {len(voices)} voices", means)


if __name__ == "__main__":
    main()
