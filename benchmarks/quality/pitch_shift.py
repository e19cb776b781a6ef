"""Pitch shift with formants kept: ours and the peers on synthetic voices whose ideal output is known.

    python -m benchmarks.quality.pitch_shift [--voices 16] [--seed N] [--methods NAME ...]

A take is judged against the oracle's own (oracle_voice, pitch_metrics), whose row is the floor of the ruler.
The same voice with its pulses half a period on is the floor for all who cannot know where they would fall,
and nobody can. With `--seed` voices are drawn that nothing was tuned on. The figures go to
benchmarks/results/pitch_shift_quality.json.
"""

import argparse
import importlib.util
import math
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from benchmarks.harness import RESULTS
from benchmarks.quality.oracle_choir import dev_voices, fresh_voices, held_out_voices
from benchmarks.quality.oracle_voice import render, render_cached
from benchmarks.quality.pitch_metrics import judge, judge_track, snr_db
from benchmarks.quality.pitch_peers import at_hops, shifters
from benchmarks.quality.report import keep, show

RATIOS = (1.3, 1 / 1.3, 1.15, 1 / 1.15)
ORACLE, OTHER_PHASE = "oracle", "oracle, other phase"
FORMANTS = ("f1_error_percent", "f2_error_percent", "f3_error_percent", "f4_error_percent")
SHOWN = (
    *("method", "voices", "f0_median_cents", "f0_p90_cents", "gross_error_percent", "tracked_gross_percent"),
    *("lsd5_db", "lsd10_db", "mcd_db", "mcd_leveled_db", "level_db", "level_error_db", "hnr_db"),
    *("clicks", "clicks_alone", "unvoiced_snr_db", "unvoiced_level_db", *FORMANTS),
)
HAS_PRAAT = importlib.util.find_spec("parselmouth") is not None


def takes(voices, methods, ratios, cache, progress):
    """Figures of every method on every voice and ratio; the oracle's own come first."""
    rows = []
    task = progress.add_task("takes", total=len(voices) * len(ratios) * (len(methods) + 2))
    for voice in voices:
        original, _ = render_cached(voice, 1.0, cache)
        for ratio in ratios:
            ideal, truth = render_cached(voice, ratio, cache)
            floor_db = math.nan
            oracles = {ORACLE: ideal, OTHER_PHASE: render(voice, ratio, first_cycles=0.5)[0]}
            for name in (*oracles, *methods):
                output = oracles[name] if name in oracles else methods[name](original, ratio)
                figures = judge(output, ideal, truth)._asdict()
                floor_db = figures["level_db"] if name == ORACLE else floor_db
                # The mean over ratios hides a level that rises up and falls down: its size is kept beside it.
                figures["level_error_db"] = abs(figures["level_db"] - floor_db)
                figures |= praat_figures(output, truth, voice) if HAS_PRAAT else {}
                rows.append(
                    {"method": name, "voice": voice.name, "low": voice.is_low, "ratio": ratio, **figures}
                )
                progress.advance(task)
    return rows


def praat_figures(output, truth, voice):
    """A second opinion: the harmonics' F0 cannot see an octave error, a tracker can."""
    from benchmarks.quality import praat  # noqa: PLC0415 - needs parselmouth

    track = judge_track(at_hops(*praat.autocorrelation_f0(output), output.size), truth)
    figures = {
        "tracked_gross_percent": track.gross_error_percent,
        "tracked_unvoiced_percent": track.voiced_to_unvoiced_percent,
    }
    if voice.is_low:  # LPC locks on the harmonics of a high voice
        errors = praat.formant_error_percent(output, truth, voice.formant_scale)
        figures |= dict(zip(FORMANTS, errors.tolist(), strict=True))
    return figures


def summary(rows):
    """Means over all, low and high voices, a row per method and group; of SNRs, medians."""
    keys = ("method", "voice", "low", "ratio")
    columns = [column for column in dict.fromkeys(c for row in rows for c in row) if column not in keys]
    result = []
    for method in dict.fromkeys(row["method"] for row in rows):
        mine = [row for row in rows if row["method"] == method]
        low, high = ([row for row in mine if row["low"] is is_low] for is_low in (True, False))
        for group, members in (("all", mine), ("low", low), ("high", high)):
            means = {column: mean_of(column, members) for column in columns}
            result.append({"method": method, "voices": group, "takes": len(members), **means})
    return result


def mean_of(column, rows):
    """Over the takes that have the figure; NaN where none has."""
    values = np.array([row.get(column, math.nan) for row in rows], float)
    values = values[~np.isnan(values)]
    if not values.size:
        return math.nan
    return float(np.median(values) if column.endswith("_snr_db") else values.mean())


def fidelity(voices, methods, cache):
    """Per method the worst over one low and one high voice: ratio 1 against the input, run against run."""
    chosen = [next((v for v in voices if v.is_low is low), None) for low in (True, False)]
    originals = [render_cached(voice, 1.0, cache)[0] for voice in chosen if voice is not None]
    return [
        {
            "method": name,
            "identity_snr_db": min(snr_db(shift(x, 1.0), x) for x in originals),
            "run_to_run_snr_db": min(snr_db(shift(x, 1.3), shift(x, 1.3)) for x in originals),
        }
        for name, shift in methods.items()
    ]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--voices", type=int, default=16, help="how many fresh ones")
    parser.add_argument("--seed", type=int, default=1, help="of the fresh voices")
    parser.add_argument("--choir", choices=("fresh", "held-out", "dev"), default="fresh")
    parser.add_argument("--methods", nargs="+", default=(), help="of the names in pitch_peers; default all")
    parser.add_argument("--ratios", nargs="+", type=float, default=RATIOS)
    parser.add_argument("--cache", type=Path, default=Path("runs/oracle_voices"))
    parser.add_argument("--json", type=Path, default=RESULTS / "pitch_shift_quality.json")
    arguments = parser.parse_args()
    voices = {
        "fresh": lambda: fresh_voices(arguments.seed, arguments.voices),
        "held-out": held_out_voices,
        "dev": dev_voices,
    }[arguments.choir]()
    methods = shifters(arguments.methods)
    with Progress(console=Console(stderr=True)) as progress:
        rows = takes(voices, methods, arguments.ratios, arguments.cache, progress)
    means, fidelities = summary(rows), fidelity(voices, methods, arguments.cache)
    settings = {name: getattr(arguments, name) for name in ("choir", "seed", "ratios")}
    facts = {"settings": settings, "rows": means, "fidelity": fidelities, "takes": rows}
    keep(arguments.json, facts)
    show(f"pitch shift of {len(voices)} voices, mean of {len(arguments.ratios)} ratios", means, SHOWN)
    if fidelities:
        show("worst of a low and a high voice", fidelities)


if __name__ == "__main__":
    main()
