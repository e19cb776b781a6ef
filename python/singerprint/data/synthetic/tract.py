"""vocal_tract: the transfer function of the mouth and throat, one per frame.

    H(f) = prod_i (F_i^2 + B_i^2 / 4) / (F_i^2 + B_i^2 / 4 - f^2 + j f B_i) * upper(f) * dip(f)

Five formants that move, resonances of the tube above them that stay, and the antiresonance of the piriform
sinuses (Dang and Honda, J. Acoust. Soc. Am. 101, 1997): Fant's cascade (Acoustic Theory of Speech Production,
1960).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from singerprint.data.synthetic.performance import Curves
from singerprint.data.synthetic.voice import SyntheticSinger

__all__ = ["vocal_tract"]

Floats = npt.NDArray[np.float64]
# what fits into a core's cache
FRAMES_AT_ONCE = 16
TUBE_SPACING_HZ = 1000.0
NASAL_F1_HZ = 270.0
# above the first formant a voice is tuned to it, or the note would lose its fundamental
F1_ABOVE_PITCH = 1.04


def vocal_tract(singer: SyntheticSinger, curves: Curves, frequencies_hz: Floats) -> npt.NDArray[np.complex64]:
    """Transfer functions of a performance.

    Args:
        singer: Whose tract.
        curves: What it does.
        frequencies_hz: (bins,).

    Returns:
        (frames, bins) complex64, 1 at 0 Hz.
    """
    # (frames, formants)
    formants_hz = np.exp(curves.vowels @ np.log(singer.formant_hz)) * (1.0 + curves.wander)
    bandwidths_hz = np.exp(curves.vowels @ np.log(singer.bandwidth_hz))
    nasal = curves.nasal
    formants_hz[:, 0] += nasal * (singer.tract_scale * NASAL_F1_HZ - formants_hz[:, 0])
    bandwidths_hz *= 1.0 + 1.5 * nasal[:, None]
    formants_hz[:, 0] = np.maximum(formants_hz[:, 0], F1_ABOVE_PITCH * curves.pitch_hz)
    formants_hz[:, 1] = np.maximum(formants_hz[:, 1], 1.2 * formants_hz[:, 0])
    fixed = _fixed(singer, frequencies_hz)
    result = np.empty((len(nasal), len(frequencies_hz)), dtype=np.complex64)
    for first in range(0, len(nasal), FRAMES_AT_ONCE):
        part = slice(first, first + FRAMES_AT_ONCE)
        result[part] = fixed / _formants(formants_hz[part], bandwidths_hz[part], frequencies_hz)
    return result


def _formants(
    formants_hz: Floats, bandwidths_hz: Floats, frequencies_hz: Floats
) -> npt.NDArray[np.complex64]:
    """The denominator of the moving formants (frames, formants), 1 at 0 Hz, (frames, bins)."""
    frequencies = frequencies_hz.astype(np.float32)
    product = np.ones((len(formants_hz), len(frequencies)), dtype=np.complex64)
    factor = np.empty_like(product)
    for formant_hz, bandwidth_hz in zip(formants_hz.T, bandwidths_hz.T, strict=True):
        dc = formant_hz**2 + 0.25 * bandwidth_hz**2
        factor.real = 1.0 - frequencies**2 * (1.0 / dc[:, None]).astype(np.float32)
        factor.imag = frequencies * (bandwidth_hz / dc)[:, None].astype(np.float32)
        product *= factor
    return product


def _fixed(singer: SyntheticSinger, frequencies_hz: Floats) -> npt.NDArray[np.complex64]:
    """The part of the transfer function that no vowel changes, (bins,)."""
    top_hz = max(row[-1] for row in singer.formant_hz)
    spacing_hz = singer.tract_scale * TUBE_SPACING_HZ
    result = np.ones(len(frequencies_hz), dtype=np.complex128)
    for order, centre_hz in enumerate(np.arange(top_hz + spacing_hz, 1.2 * frequencies_hz[-1], spacing_hz)):
        result /= _resonance(frequencies_hz, float(centre_hz), 300.0 + 80.0 * order)
    wide_hz = 900.0
    narrow_hz = wide_hz * (1.0 - 0.85 * singer.dip_depth)
    result *= _resonance(frequencies_hz, singer.dip_hz, narrow_hz) / _resonance(
        frequencies_hz, singer.dip_hz, wide_hz
    )
    return result.astype(np.complex64)


def _resonance(frequencies_hz: Floats, centre_hz: float, bandwidth_hz: float) -> npt.NDArray[np.complex128]:
    """The denominator of a resonance, 1 at 0 Hz."""
    dc = centre_hz**2 + 0.25 * bandwidth_hz**2
    return np.asarray((dc - frequencies_hz**2 + 1j * frequencies_hz * bandwidth_hz) / dc)
