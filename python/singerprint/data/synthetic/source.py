"""The sounds before the vocal tract: the glottal pulse and the noises.

    pulse(t) = e^(alpha t) sin(pi t / rise), 0 <= t < open_quotient,  t in glottal cycles, closure at its end
    P(nu)    = [e^(alpha te) (s sin w te - w cos w te) + w e^(j 2 pi nu te)] / (s^2 + w^2) / -e^(alpha te) sin
    w te
               with te = open_quotient, w = pi / rise, rise = asymmetry * te, s = alpha - j 2 pi nu

That is the open phase of Liljencrants and Fant's model of the glottal flow's derivative (Fant, Liljencrants
and Lin, STL-QPSR 4/1985) and its exact Fourier transform, time counted from the closure; alpha makes the flow
return to zero. The return phase is the first-order low-pass `tilt_hz`.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

from singerprint.data.synthetic.score import CONSONANTS
from singerprint.data.synthetic.voice import SyntheticSinger

__all__ = ["consonant_spectra", "glottal_spectra"]

# tilt_hz is that of medium effort; a loud voice is brighter by this many octaves than a soft one
EFFORT_TILT_OCTAVES = 2.0
# what fits into a core's cache
FRAMES_AT_ONCE = 16
# level against the voiced sound's RMS at effort 1, and relative centre and width in octaves of each noise
NOISE_SHAPES = {
    "s": (-14.0, 1.0, 0.35),
    "sh": (-13.0, 0.52, 0.4),
    "f": (-23.0, 1.1, 1.6),
    "h": (-21.0, 0.25, 1.6),
    "t": (-12.0, 0.7, 0.8),
}


@functools.cache
def opening_growth(open_quotient: float, asymmetry: float) -> float:
    """The growth alpha, per cycle, that makes the pulse integrate to zero: what flows in flows out."""
    w, te = math.pi / (asymmetry * open_quotient), open_quotient

    def net_flow(alpha: float) -> float:
        return alpha * math.sin(w * te) - w * math.cos(w * te) + w * math.exp(-alpha * te)

    low, high = 0.0, 200.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if net_flow(middle) > 0.0 else (low, middle)
    return low


def glottal_spectra(
    singer: SyntheticSinger,
    pitch_hz: npt.NDArray[np.float64],
    effort: npt.NDArray[np.float64],
    frequencies_hz: npt.NDArray[np.float64],
) -> npt.NDArray[np.complex64]:
    """Spectrum of one glottal pulse at each frame's pitch and effort.

    Args:
        singer: Whose folds.
        pitch_hz: (frames,).
        effort: (frames,) in [0, 1].
        frequencies_hz: (bins,).

    Returns:
        (frames, bins) complex64.
    """
    te = singer.open_quotient
    w = math.pi / (singer.asymmetry * te)
    alpha = opening_growth(te, singer.asymmetry)
    closing = math.exp(alpha * te)
    strength = 1.0 / (-closing * math.sin(w * te) * pitch_hz)
    tilt_hz = singer.tilt_hz * 2.0 ** (EFFORT_TILT_OCTAVES * (effort - 0.5))
    frequencies = frequencies_hz.astype(np.float32)
    spectra = np.empty((len(pitch_hz), len(frequencies)), dtype=np.complex64)
    for first in range(0, len(pitch_hz), FRAMES_AT_ONCE):
        part = slice(first, first + FRAMES_AT_ONCE)
        radians = np.float32(2.0 * math.pi) * frequencies / pitch_hz[part, None].astype(np.float32)
        s = alpha - 1j * radians
        opening = np.empty_like(s)
        opening.real, opening.imag = np.cos(te * radians), np.sin(te * radians)
        closed = closing * math.sin(w * te) * s - closing * w * math.cos(w * te)
        lowpass = 1.0 + 1j * (frequencies / tilt_hz[part, None].astype(np.float32))
        scale = strength[part, None].astype(np.float32)
        spectra[part] = scale * (closed + w * opening) / ((s * s + w * w) * lowpass)
    return spectra


def consonant_spectra(
    singer: SyntheticSinger, frequencies_hz: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Magnitude spectrum of each consonant's noise, of unit power times its level.

    Args:
        singer: Whose teeth and tongue.
        frequencies_hz: (bins,), evenly spaced from 0.

    Returns:
        (kinds, bins) in the order of CONSONANTS; a nasal has no noise.
    """
    octaves = np.log2(np.maximum(frequencies_hz, 20.0) / singer.sibilant_hz)
    spectra = np.zeros((len(CONSONANTS), len(frequencies_hz)), dtype=np.float32)
    for kind, (level_db, centre, width) in NOISE_SHAPES.items():
        shape = np.exp(-0.5 * ((octaves - math.log2(centre)) / width) ** 2)
        power = float(np.mean(shape**2))
        spectra[CONSONANTS.index(kind)] = 10.0 ** (level_db / 20.0) * shape / math.sqrt(power)
    return spectra
