"""Praat through parselmouth: the papers' pitch shift, the F0 and the formants that judges ask for.

Boersma 1993 (autocorrelation F0); Praat's "Change gender" (TD-PSOLA) and "To Formant (burg)".
"""

import math
from typing import NamedTuple

import numpy as np
import parselmouth
from numpy.typing import NDArray

from benchmarks.quality.oracle_voice import HOP_SAMPLES, SAMPLE_RATE_HZ, Truth
from benchmarks.quality.pitch_metrics import steady_frames

Array = NDArray[np.float64]


class Track(NamedTuple):
    """F0 at Praat's own frame times."""

    seconds: Array  # (frames,)
    f0_hz: Array  # (frames,), 0 where unvoiced


def change_gender(
    waveform: NDArray[np.float32], pitch_ratio: float, floor_hz: float, ceiling_hz: float
) -> NDArray[np.float32]:
    """(samples,) to (samples,): new median `pitch_ratio` times the old, formants and duration kept.

    As in the papers' augmentation: F0 every 0.8 / 75 s, and without any voiced frame new median 0, which is
    Praat's word for "leave the pitch".
    """
    sound = parselmouth.Sound(waveform.astype(np.float64), SAMPLE_RATE_HZ)
    pitch = sound.to_pitch(0.8 / 75, floor_hz, ceiling_hz)
    median_hz = parselmouth.praat.call(pitch, "Get quantile", 0.0, 0.0, 0.5, "Hertz")
    new_median_hz = 0.0 if math.isnan(median_hz) else pitch_ratio * median_hz
    shifted = parselmouth.praat.call([sound, pitch], "Change gender", 1.0, new_median_hz, 1.0, 1.0)
    return shifted.values[0].astype(np.float32)


def autocorrelation_f0(
    waveform: NDArray[np.float32], floor_hz: float = 60.0, ceiling_hz: float = 1500.0
) -> Track:
    """F0 every 5 ms."""
    sound = parselmouth.Sound(waveform.astype(np.float64), SAMPLE_RATE_HZ)
    pitch = sound.to_pitch_ac(time_step=0.005, pitch_floor=floor_hz, pitch_ceiling=ceiling_hz)
    return Track(pitch.xs(), pitch.selected_array["frequency"])


def burg_formants_hz(waveform: NDArray[np.float32], seconds: Array, ceiling_hz: float, count: int) -> Array:
    """F1 to F`count` at `seconds`: (times, count), NaN where Praat finds none.

    Five formants under `ceiling_hz`, 40 ms Gaussian windows. Above some 350 Hz of F0 the first formants lock
    on harmonics: no judge for high voices.
    """
    sound = parselmouth.Sound(waveform.astype(np.float64), SAMPLE_RATE_HZ)
    formants = sound.to_formant_burg(
        time_step=0.01, max_number_of_formants=5, maximum_formant=ceiling_hz, window_length=0.04
    )
    return np.array([[formants.get_value_at_time(i + 1, t) for i in range(count)] for t in seconds])


def formant_error_percent(waveform: NDArray[np.float32], truth: Truth, formant_scale: float) -> Array:
    """Median |F - true F| of F1..F4 in percent of the true one, over the steady frames of a low voice."""
    frames = np.array(steady_frames(truth, around_seconds=0.025))
    seconds = frames * HOP_SAMPLES / SAMPLE_RATE_HZ
    measured_hz = burg_formants_hz(waveform, seconds, ceiling_hz=4900 * formant_scale, count=4)
    true_hz = truth.formants_hz[frames, :4]
    return np.nanmedian(100 * np.abs(measured_hz - true_hz) / true_hz, axis=0)
