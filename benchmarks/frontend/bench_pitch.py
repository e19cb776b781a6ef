"""pitch against Praat's autocorrelation and WORLD's trackers: low and high voices of 4 s, on one core.

All give a frame every 512 samples and look for 60 to 1500 Hz. How good the tracks are is a matter of
benchmarks/quality/pitch_track.py; here each is held against the voices' true pitch before it is timed.
"""

import numpy as np
import torch
from benchmarks.harness import Row, compare
from benchmarks.quality.oracle_choir import fresh_voices
from benchmarks.quality.oracle_voice import SAMPLE_RATE_HZ, render
from benchmarks.quality.pitch_metrics import judge_track
from benchmarks.quality.pitch_peers import OURS, at_hops

from singerprint.frontend import pitch

HOP_SECONDS = 512 / SAMPLE_RATE_HZ
MIN_HZ, MAX_HZ, SEED, VOICES = 60.0, 1500.0, 42, 8


def run() -> list[Row]:
    takes = [(voice, *render(voice)) for voice in fresh_voices(SEED, VOICES)]
    rows = []
    for name, is_low in (("low", True), ("high", False)):
        waveforms = torch.stack([torch.from_numpy(x) for voice, x, _ in takes if voice.is_low == is_low])
        truths = [truth for voice, _, truth in takes if voice.is_low == is_low]
        contenders = {OURS: lambda x=waveforms: pitch(x, SAMPLE_RATE_HZ).f0_hz.double().numpy()}
        for maker in (praat, harvest, dio):
            try:
                peer, track = maker()
            except ImportError as missing:
                print(f"{maker.__name__} is left out: {missing}")
                continue
            contenders[peer] = lambda f=track, x=waveforms: [f(clip.double().numpy()) for clip in x]
        off = {contender: check(contender, track(), truths) for contender, track in contenders.items()}
        for row in compare(f"{len(waveforms)} {name} voices x 4 s", contenders, seconds=3.0):
            row["times_real_time"] = 4e3 * len(waveforms) / row["median_ms"]
            row["pitch_off_cents"] = off[row["contender"]]
            rows.append(row)
    return rows


def check(contender, tracks, truths) -> float:
    """The mean of the clips' median error, in cents."""
    cents = float(np.mean([judge_track(*pair).median_cents for pair in zip(tracks, truths, strict=True)]))
    if not cents < 15:  # WORLD's trackers smooth a vibrato's turning points
        raise AssertionError(f"{contender} is {cents:.0f} cents off")
    return cents


def praat():
    import parselmouth  # noqa: PLC0415 - optional

    def track(clip):
        sound = parselmouth.Sound(clip, SAMPLE_RATE_HZ)
        found = sound.to_pitch_ac(time_step=HOP_SECONDS, pitch_floor=MIN_HZ, pitch_ceiling=MAX_HZ)
        return at_hops(found.xs(), found.selected_array["frequency"], clip.size)

    return "Praat AC", track


def world(method):
    import pyworld  # noqa: PLC0415 - optional

    options = {"f0_floor": MIN_HZ, "f0_ceil": MAX_HZ, "frame_period": 1e3 * HOP_SECONDS}

    def track(clip):
        f0_hz, seconds = getattr(pyworld, method)(clip, SAMPLE_RATE_HZ, **options)
        # Harvest refines by itself; DIO is meant to be followed by StoneMask.
        refined = pyworld.stonemask(clip, f0_hz, seconds, SAMPLE_RATE_HZ) if method == "dio" else f0_hz
        return at_hops(seconds, refined, clip.size)

    return track


def harvest():
    return "WORLD Harvest", world("harvest")


def dio():
    return "WORLD DIO", world("dio")
