"""The oracle's voice at another rate: the ideal output of a time stretch, and the truth it is made of.

All that the voice is made of, frame by frame, is read at `rate` times the frame: pitch, vowels and levels
keep their values and pass faster or slower. The take is as long as the oracle's: of a slower voice its
beginning, of a faster one all of it, with nothing after its end.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.oracle_voice import (
    FRAMES,
    HOP_SAMPLES,
    SAMPLES,
    OracleVoice,
    Truth,
    render,
    render_truth,
)

Array = NDArray[np.float64]


def stretched_truth(truth: Truth, rate: float) -> Truth:
    """The truth of the voice at `rate`."""
    at = np.arange(FRAMES) * rate
    inside = at <= SAMPLES / HOP_SAMPLES

    def read(values: Array) -> Array:
        rows = values.reshape(FRAMES, -1).T
        return np.stack([np.interp(at, np.arange(FRAMES), row) for row in rows], -1).reshape(values.shape)

    nearest = np.minimum(np.round(at).astype(int), FRAMES - 1)
    return Truth(
        f0_hz=read(truth.f0_hz),
        voiced=truth.voiced[nearest] & inside,
        amplitude=read(truth.amplitude) * inside,
        formants_hz=read(truth.formants_hz),
        bandwidths_hz=read(truth.bandwidths_hz),
        frication=read(truth.frication) * inside,
        gain=truth.gain,
    )


def render_stretched(voice: OracleVoice, rate: float) -> tuple[NDArray[np.float32], Truth]:
    """The ideal take of a stretch: (samples,) float32 at 44.1 kHz, and what it is made of."""
    truth = stretched_truth(render(voice)[1], rate)
    return render_truth(voice, truth), truth
