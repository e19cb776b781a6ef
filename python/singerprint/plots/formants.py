"""formant_tracks: the resonances of a voice, frame by frame, to be drawn over its spectrogram.

    x[n] ~ sum_k a[k] x[n - k], k = 1 ... 2 * 5: each pair of roots z of the polynomial of a is a resonance
    formant_hz = angle(z) * rate / (2 pi),  bandwidth_hz = -ln|z| * rate / pi

Linear prediction by autocorrelation: Makhoul, "Linear prediction: a tutorial review", Proc. IEEE 63, 1975.
To look at, and below some 300 Hz of pitch: above, the first resonances found are harmonics.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.linalg
import soxr

HOP_SECONDS = 0.01
WINDOW_SECONDS = 0.05  # of a Gaussian, down to exp(-12) at both ends as Praat's
FORMANTS = 5
WIDEST_HZ = 400.0  # what is wider shapes the slope of the spectrum
SILENT_DB = -40.0  # below the loudest frame
EMPHASIS = 0.97

Array = npt.NDArray[np.float64]


class FormantTracks(NamedTuple):
    """The resonances of a voice.

    Attributes:
        seconds: (frames,), every 10 ms.
        formants_hz: (frames, 5), ascending; NaN fills the row where fewer were found.
    """

    seconds: Array
    formants_hz: Array


def formant_tracks(
    samples: npt.ArrayLike, sample_rate_hz: float, ceiling_hz: float = 5250.0
) -> FormantTracks:
    """Finds up to five resonances below a ceiling in each frame of a voice.

    Args:
        samples: (samples,) floating point, of one voice.
        sample_rate_hz: at least twice the ceiling.
        ceiling_hz: 5000 suits men's, 5500 women's voices.

    Returns:
        The tracks; silent frames have no resonance.

    Raises:
        ValueError: if the samples are not one row, or the rate is too low.

    Example:
        >>> noise = np.random.default_rng(0).standard_normal(44100)
        >>> formant_tracks(noise, 44100).formants_hz.shape
        (96, 5)
    """
    waveform = np.asarray(samples, dtype=np.float64)
    if waveform.ndim != 1:
        raise ValueError(f"formant_tracks: samples must have shape (samples,), got {waveform.shape}")
    if not sample_rate_hz >= 2 * ceiling_hz > 0:
        raise ValueError(
            f"formant_tracks: sample_rate_hz must be at least twice ceiling_hz = {ceiling_hz:g}, "
            f"got {sample_rate_hz:g}"
        )
    rate_hz = 2 * ceiling_hz
    low: Array = soxr.resample(waveform, sample_rate_hz, rate_hz)
    emphasised = low - EMPHASIS * np.concatenate([[0.0], low[:-1]])
    width, hop = round(WINDOW_SECONDS * rate_hz), round(HOP_SECONDS * rate_hz)
    starts = np.arange(0, len(low) - width + 1, hop)
    window = np.exp(-12 * np.linspace(-1, 1, width) ** 2)
    frames = window * emphasised[starts[:, None] + np.arange(width)]  # (frames, width)
    energy = np.square(frames).sum(1)
    floor = energy.max(initial=0.0) * 10 ** (SILENT_DB / 10)
    formants_hz = np.full((len(frames), FORMANTS), np.nan)
    for row, frame, loud in zip(formants_hz, frames, (energy > floor), strict=True):
        if loud:
            found = _resonances_hz(frame, rate_hz)[:FORMANTS]
            row[: len(found)] = found
    middles = np.asarray((starts + 0.5 * width) / rate_hz, dtype=np.float64)
    return FormantTracks(middles, formants_hz)


def _resonances_hz(frame: Array, rate_hz: float) -> Array:
    """The narrow resonances of one frame, ascending."""
    order = 2 * FORMANTS
    autocorrelation = np.array([frame[: len(frame) - lag] @ frame[lag:] for lag in range(order + 1)])
    autocorrelation[0] *= 1 + 1e-9  # white noise 90 dB below: the equations stay solvable
    prediction = scipy.linalg.solve_toeplitz(autocorrelation[:-1], autocorrelation[1:])
    roots = np.roots(np.concatenate([[1.0], -prediction]))
    roots = roots[roots.imag > 0]
    frequency_hz = np.angle(roots) * rate_hz / (2 * np.pi)
    bandwidth_hz = -np.log(np.abs(roots)) * rate_hz / np.pi
    return np.sort(frequency_hz[(bandwidth_hz < WIDEST_HZ) & (frequency_hz > 100.0)])
