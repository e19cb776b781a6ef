"""Draws the picture of README.md's section on augmentation, docs/pitch_shift.png.

    python -m benchmarks.pictures

A synthetic singer's low voice, shifted by `singerprint.augment.pitch_shift`: nothing is drawn by hand.
"""

import dataclasses
from pathlib import Path

import torch

from singerprint.augment import pitch_shift
from singerprint.data.synthetic import draw_singer, synthesize
from singerprint.frontend import pitch
from singerprint.plots import voice_spectrograms

SAMPLE_RATE_HZ = 44_100
PICTURE = Path(__file__).parents[1] / "docs/pitch_shift.png"
# A low voice has its harmonics close together: there linear prediction sees the formants.
SINGER = dataclasses.replace(draw_singer(seed=0, index=1), register_centre_midi=45.0)


def main():
    voice = torch.from_numpy(synthesize(SINGER, seconds=2.0))[None]
    takes = {
        "a synthetic singer": voice,
        "pitch up by 30 %": pitch_shift(voice, SAMPLE_RATE_HZ, 1.3),
        "both up by 30 %": pitch_shift(voice, SAMPLE_RATE_HZ, 1.3, formant_ratio=1.3),
    }
    figure = voice_spectrograms(
        {title: take[0] for title, take in takes.items()},
        SAMPLE_RATE_HZ,
        {title: pitch(take, SAMPLE_RATE_HZ).f0_hz[0] for title, take in takes.items()},
    )
    figure.savefig(PICTURE, dpi=140)
    print(PICTURE)


if __name__ == "__main__":
    main()
