"""pitch_shift against what keeps formants elsewhere: four low and four high voices of 4 s, on one core.

The voices are the quality judge's (benchmarks/quality/oracle_voice.py); how good the takes are is its matter.
Every contender is asked for the same ratio, and `pitch_off_cents` is how far its take is from it: Praat, as
the papers call it, looks for no pitch above 600 Hz, and what is fast because it is wrong should be seen.
Rubber Band is a program of its own: the time of a short take is taken from that of a long one.
"""

import importlib.util
import os
from functools import partial

import numpy as np
import torch
from benchmarks.harness import Measurement, Row, compare, measure
from benchmarks.quality.oracle_choir import fresh_voices
from benchmarks.quality.oracle_voice import SAMPLE_RATE_HZ, render
from benchmarks.quality.pitch_peers import OURS, shifters

from singerprint.augment import (
    Compose,
    DrawKey,
    RandomGain,
    RandomGaussianNoise,
    RandomPitchShift,
    RandomTimeMask,
    pitch_shift,
)
from singerprint.frontend import LogMel, log_mel, pitch

RATIO, SEED, VOICES = 1.2, 42, 8
IN_PROCESS = ("Praat 75-600", "WORLD Harvest", "WORLD DIO")
PROGRAM, LONG_TAKES = "Rubber Band R3", 4  # as many voices' worth of the batch in its long take


def run() -> list[Row]:
    voices = fresh_voices(SEED, VOICES)
    batches = {
        name: torch.stack([torch.from_numpy(render(v)[0]) for v in voices if v.is_low == (name == "low")])
        for name in ("low", "high")
    }
    peers = shifters((*IN_PROCESS, PROGRAM))
    rows = [row for name, waveforms in batches.items() for row in compare_batch(name, waveforms, peers)]
    if (os.cpu_count() or 1) > 1:
        rows += [row for name, waveforms in batches.items() for row in compare_cores(name, waveforms)]
    if importlib.util.find_spec("parselmouth") is not None:
        rows += compare_chain(torch.cat(list(batches.values())))
    return rows


def compare_batch(name: str, waveforms: torch.Tensor, peers) -> list[Row]:
    def ours():
        return pitch_shift(waveforms, SAMPLE_RATE_HZ, RATIO)

    def one_by_one(shift):
        return lambda: torch.stack([torch.from_numpy(shift(clip, RATIO)) for clip in waveforms.numpy()])

    contenders = {OURS: ours} | {peer: one_by_one(peers[peer]) for peer in IN_PROCESS if peer in peers}
    off = {contender: off_cents(waveforms, take()) for contender, take in contenders.items()}
    check(name, off)
    rows = compare(f"{len(waveforms)} {name} voices x 4 s", contenders, seconds=4.0)
    if PROGRAM in peers:
        off[PROGRAM] = off_cents(waveforms, one_by_one(peers[PROGRAM])())
        rows.append(program_row(rows[0], waveforms, peers[PROGRAM]))
    for row in rows:
        row["times_real_time"] = 4e3 * len(waveforms) / row["median_ms"]
        row["pitch_off_cents"] = off[row["contender"]]
    return rows


def compare_cores(name: str, waveforms: torch.Tensor) -> list[Row]:
    """Twice the batch on two cores and on one: the same bits."""
    twice = waveforms.repeat(2, 1)

    def on_cores(count):
        torch.set_num_threads(count)
        return pitch_shift(twice, SAMPLE_RATE_HZ, RATIO)

    contenders = {OURS: partial(on_cores, 2), "on one core": partial(on_cores, 1)}
    assert torch.equal(*(take() for take in contenders.values()))
    rows = compare(f"{len(twice)} {name} voices x 4 s on two cores", contenders, seconds=4.0)
    torch.set_num_threads(1)
    return rows


def off_cents(before: torch.Tensor, after: torch.Tensor) -> float:
    """Median over the frames that are voiced in both, of the distance to the wanted pitch."""
    assert after.isfinite().all()
    first, second = pitch(before).f0_hz, pitch(after).f0_hz
    both = (first > 0) & (second > 0)
    return float((1200 * (second[both] / first[both] / RATIO).log2()).abs().median())


def check(name: str, off: dict[str, float]) -> None:
    """All low voices' takes, and ours of all, are what was asked for."""
    for contender, cents in off.items():
        # Two trackings of vibrato, each off by one or two; Praat's marks lie on whole samples.
        if cents > 10 and (name == "low" or contender == OURS):
            raise AssertionError(f"{contender} is {cents:.0f} cents off on {name} voices")


def program_row(ours: Row, waveforms: torch.Tensor, shift) -> Row:
    """Of a batch, by the difference of a long take and one of a tenth of a second."""
    batch = waveforms.flatten().numpy()
    long, short = np.tile(batch, LONG_TAKES), batch[: SAMPLE_RATE_HZ // 10]
    start = measure(lambda: shift(short, RATIO), seconds=1.0)
    whole = measure(lambda: shift(long, RATIO), seconds=1.0)
    median, least, most = ((value - start.median_ms) / LONG_TAKES for value in whole[:3])
    measurement = Measurement(median, least, most, whole.n)
    row: Row = {"case": ours["case"], "contender": PROGRAM, **measurement._asdict()}
    row["slower_by"] = median / ours["median_ms"]
    return row


def compare_chain(waveforms: torch.Tensor) -> list[Row]:
    """Noise, shift, gain, mask and mel of every clip; Praat between the same noise, gain, mask and mel."""
    from benchmarks.quality import praat  # noqa: PLC0415 - needs parselmouth

    key = DrawKey.of(0, range(len(waveforms)))
    shift = RandomPitchShift(max_pitch_range_ratio=1.0, probability=1.0)
    chain = Compose([RandomGaussianNoise(), shift, RandomGain(), RandomTimeMask()])
    before, after = Compose([RandomGaussianNoise()]), Compose([RandomGain(), RandomTimeMask()])

    def ours():
        return chain(waveforms, key, then=LogMel())

    def theirs():
        ratios = shift.draw(key, waveforms.shape[1])["pitch_ratio"].tolist()
        clips = zip(before(waveforms, key).numpy(), ratios, strict=True)
        shifted = np.stack([praat.change_gender(clip, ratio, 75.0, 600.0) for clip, ratio in clips])
        return log_mel(after(torch.from_numpy(shifted), key))

    mine, other = ours(), theirs()
    assert mine.shape == other.shape
    # Masks, gains and consonants are the same; voices differ as the methods do.
    assert (mine - other).abs().median() < 1
    contenders = {OURS: ours, "the same with Praat's shift": theirs}
    rows = compare(f"noise, shift, gain, mask, mel of {len(waveforms)} x 4 s", contenders, seconds=4.0)
    for row in rows:
        row["times_real_time"] = 4e3 * len(waveforms) / row["median_ms"]
    return rows
