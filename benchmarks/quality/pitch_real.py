"""Pitch shift of recorded voices: is the pitch as asked, do the formants stay, is it still the same singer?

    python -m benchmarks.quality.pitch_real --data FOLDER [--clips 120] [--methods NAME ...]

FOLDER has a folder per singer. There is no true output here, so each output is held against its input: F0 by
Praat's tracker (which is also what Praat's own shift steers by), formants by Burg's LPC where both takes stay
under 350 Hz, the singer by GE2E's published weights. Frames more than an octave from the clip's median F0 are
not judged: there the tracker takes what rings in a consonant, most at 1 to 1.4 kHz, for a voice. The figures
go to benchmarks/results/pitch_shift_real.json.
"""

import argparse
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soxr
import torch
from rich.console import Console
from rich.progress import Progress

from benchmarks.harness import RESULTS
from benchmarks.quality.ge2e import SAMPLE_RATE_HZ as GE2E_RATE_HZ
from benchmarks.quality.ge2e import Ge2e
from benchmarks.quality.oracle_voice import SAMPLE_RATE_HZ
from benchmarks.quality.pitch_peers import shifters
from benchmarks.quality.praat import Track, autocorrelation_f0, burg_formants_hz
from benchmarks.quality.report import keep, show
from singerprint.data import audio_info, read_audio, scan_folder

CLIP_SECONDS = 4.0
LEAST_VOICED = 0.6  # share of the frames
RATIOS = (1.3, 1 / 1.3)
NEAR_CENTS = 50.0
HIGHEST_LPC_HZ = 350.0  # over it LPC's first formants are harmonics
SHIFTED_PERCENT = 80.0  # frames near the pitch asked for, from which on a take counts as shifted
FACTS = ("method", "clip", "ratio", "singer", "median_hz")  # of a take; the rest are its figures
FORMANT_CEILING_HZ = 5250.0  # between Praat's advice for men (5000) and women (5500): the singer is unknown


class Clip(NamedTuple):
    """4 s of singing, and what its shifted takes are held against."""

    name: str
    singer: str
    waveform: np.ndarray  # (samples,) float32
    track: Track
    embedding: torch.Tensor

    @property
    def median_hz(self):
        return float(np.median(self.track.f0_hz[self.track.f0_hz > 0]))

    @property
    def sung(self):
        """(frames,) which are voiced and within an octave of the median."""
        return (self.track.f0_hz >= self.median_hz / 2) & (self.track.f0_hz <= self.median_hz * 2)


def find_clips(folder, count, encoder):
    """The middles of voiced files, one of each singer in turn until there are `count` or no more."""
    files_of = {}
    for file in scan_folder(folder):
        files_of.setdefault(file.singer, []).append(file)
    in_turn = [voiced_clips(spread(files), encoder) for files in files_of.values()]
    clips = []
    while in_turn and len(clips) < count:
        found = [(clip, singer) for singer in in_turn if (clip := next(singer, None)) is not None]
        clips.extend(clip for clip, _ in found)
        in_turn = [singer for _, singer in found]
    return clips[:count]


def voiced_clips(files, encoder):
    """Clips of the files, one each, but for those that are short or of which little is voiced."""
    for file in files:
        seconds = audio_info(file.path).seconds
        if seconds < CLIP_SECONDS:
            continue
        waveform = read_audio(file.path, SAMPLE_RATE_HZ, (seconds - CLIP_SECONDS) / 2, CLIP_SECONDS)
        track = autocorrelation_f0(waveform)
        if np.mean(track.f0_hz > 0) >= LEAST_VOICED:
            yield Clip(file.name, file.singer, waveform, track, embed(encoder, waveform))


def spread(files):
    """First ones far from each other: neighbours are often takes of one phrase."""
    steps = np.argsort(np.arange(len(files)) * 0.618_034 % 1.0, kind="stable")
    return [files[i] for i in steps]


def embed(encoder, waveform):
    return encoder.embed_waveform(soxr.resample(waveform, SAMPLE_RATE_HZ, GE2E_RATE_HZ))


def judge_take(clip, output, ratio, encoder):
    """Figures of one output; formants are NaN where a take goes over HIGHEST_LPC_HZ."""
    track = autocorrelation_f0(output)
    both = clip.sung & (track.f0_hz > 0)
    off_cents = 1200 * np.log2(track.f0_hz[both] / clip.track.f0_hz[both] / ratio)
    shifts_hz = [math.nan] * 3
    if clip.median_hz * max(1.0, ratio) < HIGHEST_LPC_HZ and both.any():
        before, after = (
            burg_formants_hz(take, track.seconds[both], FORMANT_CEILING_HZ, 3)
            for take in (clip.waveform, output)
        )
        shifts_hz = np.abs(np.nanmedian(after - before, axis=0)).tolist()
    return {
        "f0_error_cents": float(abs(np.median(off_cents))) if both.any() else math.inf,
        "f0_within_50_cents_percent": 100 * np.sum(np.abs(off_cents) <= NEAR_CENTS) / np.sum(clip.sung),
        **{f"f{i + 1}_shift_hz": shift for i, shift in enumerate(shifts_hz)},
        "ge2e_cosine": float(torch.cosine_similarity(embed(encoder, output), clip.embedding, dim=0)),
    }


def takes(clips, methods, ratios, encoder, progress):
    rows = []
    task = progress.add_task("takes", total=len(clips) * len(methods) * len(ratios))
    for clip in clips:
        for ratio in ratios:
            for name, shift in methods.items():
                figures = judge_take(clip, shift(clip.waveform, ratio), ratio, encoder)
                facts = (name, clip.name, ratio, clip.singer, clip.median_hz)
                rows.append({**dict(zip(FACTS, facts, strict=True)), **figures})
                progress.advance(task)
    return rows


def summary(rows):
    """Means per method; of the F0 error the median, for one octave error would be all of its mean.

    A voice that a method leaves at its pitch is close to itself: of methods that lose voices, cosines are
    compared on the takes that all of them shifted.
    """
    result = []
    shifted = shifted_by_all(rows)
    for method in dict.fromkeys(row["method"] for row in rows):
        mine = [row for row in rows if row["method"] == method]
        figures = [column for column in mine[0] if column not in FACTS]
        means = {column: mean_of([row[column] for row in mine]) for column in figures}
        means["f0_error_cents"] = float(np.median([row["f0_error_cents"] for row in mine]))
        lowest = float(np.percentile([row["ge2e_cosine"] for row in mine], 10))
        all_shifted = [row["ge2e_cosine"] for row in mine if (row["clip"], row["ratio"]) in shifted]
        lpc_takes = sum(not math.isnan(row["f1_shift_hz"]) for row in mine)
        result.append(
            {
                "method": method,
                "takes": len(mine),
                "lpc_takes": lpc_takes,
                **means,
                "ge2e_cosine_p10": lowest,
                "takes_all_shifted": len(all_shifted),
                "ge2e_cosine_all_shifted": mean_of(all_shifted),
                **behind_the_first(rows, method),
            }
        )
    return result


def behind_the_first(rows, method):
    """What its cosines lack of the first method's, on the takes that both shifted: mean and standard error.

    Each singer counts once, however many clips there are: takes of one singer err alike.
    """
    first = {(r["clip"], r["ratio"]): r for r in rows if r["method"] == rows[0]["method"]}
    lacks = {}
    for row in rows:
        pair = (row, first[row["clip"], row["ratio"]])
        if row["method"] == method and all(r["f0_within_50_cents_percent"] >= SHIFTED_PERCENT for r in pair):
            lacks.setdefault(row["singer"], []).append(pair[1]["ge2e_cosine"] - row["ge2e_cosine"])
    of_singer = [float(np.mean(values)) for values in lacks.values()]
    several = len(of_singer) > 1
    error = float(np.std(of_singer, ddof=1) / math.sqrt(len(of_singer))) if several else math.nan
    return {"ge2e_behind": mean_of(of_singer), "ge2e_behind_error": error}


def shifted_by_all(rows):
    """(clip, ratio) of the takes in which every method has at least `SHIFTED_PERCENT` frames as asked."""
    lost = {(r["clip"], r["ratio"]) for r in rows if r["f0_within_50_cents_percent"] < SHIFTED_PERCENT}
    return {(row["clip"], row["ratio"]) for row in rows} - lost


def mean_of(values):
    """NaN, without numpy's warning, where no take has the figure."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=120)
    parser.add_argument("--methods", nargs="+", default=(), help="of the names in pitch_peers; default all")
    parser.add_argument("--ratios", nargs="+", type=float, default=RATIOS)
    parser.add_argument("--json", type=Path, default=RESULTS / "pitch_shift_real.json")
    arguments = parser.parse_args()
    encoder = Ge2e()
    clips = find_clips(arguments.data, arguments.clips, encoder)
    with Progress(console=Console(stderr=True)) as progress:
        rows = takes(clips, shifters(arguments.methods), arguments.ratios, encoder, progress)
    means = summary(rows)
    settings = {"clips": [clip.name for clip in clips], "ratios": arguments.ratios}
    keep(arguments.json, {"settings": settings, "rows": means, "takes": rows})
    show(f"pitch shift of {len(clips)} clips of real singing", means)


if __name__ == "__main__":
    main()
