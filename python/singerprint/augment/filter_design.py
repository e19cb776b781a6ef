"""Coefficients of second-order sections, float64: ``(..., 5)``, ``b0 b1 b2 a1 a2`` with ``a0 = 1``.

Shelves and peaks: R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients".
Butterworth: poles of ``1 / (1 + frequency ** (2 order))`` on the left half circle, brought to the z-plane by
the bilinear transform ``s = (z - 1) / (z + 1)``, the corner frequencies prewarped by ``tan(pi frequency /
rate)``.
"""

import math

import torch
from torch import Tensor

IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0)


def low_shelf(sample_rate_hz: float, corner_hz: Tensor, gain_db: Tensor, q: Tensor) -> Tensor:
    """``gain_db`` below the corner, 0 dB above it."""
    return _shelf(sample_rate_hz, corner_hz, gain_db, q, side=-1.0)


def high_shelf(sample_rate_hz: float, corner_hz: Tensor, gain_db: Tensor, q: Tensor) -> Tensor:
    """``gain_db`` above the corner, 0 dB below it."""
    return _shelf(sample_rate_hz, corner_hz, gain_db, q, side=1.0)


def _shelf(sample_rate_hz: float, corner_hz: Tensor, gain_db: Tensor, q: Tensor, side: float) -> Tensor:
    amplitude, cosine, alpha = _cookbook(sample_rate_hz, corner_hz, gain_db, q)
    slope = 2 * amplitude.sqrt() * alpha
    more, less, turn = amplitude + 1, amplitude - 1, side * cosine
    return _normalized(
        amplitude * (more + less * turn + slope),
        -2 * side * amplitude * (less + more * turn),
        amplitude * (more + less * turn - slope),
        more - less * turn + slope,
        2 * side * (less - more * turn),
        more - less * turn - slope,
    )


def peak(sample_rate_hz: float, center_hz: Tensor, gain_db: Tensor, q: Tensor) -> Tensor:
    """``gain_db`` at the center, 0 dB far from it."""
    amplitude, cosine, alpha = _cookbook(sample_rate_hz, center_hz, gain_db, q)
    return _normalized(
        1 + alpha * amplitude,
        -2 * cosine,
        1 - alpha * amplitude,
        1 + alpha / amplitude,
        -2 * cosine,
        1 - alpha / amplitude,
    )


def _cookbook(
    sample_rate_hz: float, frequency_hz: Tensor, gain_db: Tensor, q: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    angle = 2 * math.pi / sample_rate_hz * frequency_hz.double()
    return 10 ** (gain_db.double() / 40), angle.cos(), angle.sin() / (2 * q.double())


def butterworth_low_pass(sample_rate_hz: float, cutoff_hz: Tensor, order: int) -> Tensor:
    """-3 dB at the cutoff, ``(..., order / 2, 5)``; from half the sample rate on they change nothing."""
    passes = cutoff_hz >= sample_rate_hz / 2
    damping, corner = _prototype(sample_rate_hz, torch.where(passes, sample_rate_hz / 4, cutoff_hz), order)
    square = (corner * corner).expand(damping.shape)
    return _unless(passes, _bilinear((0.0, 0.0, square), (1.0, damping * corner, square)))


def butterworth_high_pass(sample_rate_hz: float, cutoff_hz: Tensor, order: int) -> Tensor:
    """-3 dB at the cutoff, ``(..., order / 2, 5)``; at 0 Hz they change nothing."""
    passes = cutoff_hz <= 0
    damping, corner = _prototype(sample_rate_hz, torch.where(passes, sample_rate_hz / 4, cutoff_hz), order)
    square = (corner * corner).expand(damping.shape)
    return _unless(passes, _bilinear((1.0, 0.0, 0.0), (1.0, damping * corner, square)))


def butterworth_band_pass(sample_rate_hz: float, low_hz: Tensor, high_hz: Tensor, order: int) -> Tensor:
    """-3 dB at both cutoffs, ``(..., order, 5)``; where neither cuts they change nothing.

    The prototype's ``s`` becomes ``(s^2 + low high) / (s (high - low))``: of each of its poles two.
    """
    passes = (low_hz <= 0) & (high_hz >= sample_rate_hz / 2)
    low, high = (
        _warped(sample_rate_hz, low_hz),
        _warped(sample_rate_hz, high_hz.clamp(max=0.4999 * sample_rate_hz)),
    )
    low, high = (torch.where(passes, still, edge)[..., None] for still, edge in ((0.5, low), (2.0, high)))
    width, square = high - low, low * high
    angles = math.pi * (
        0.5 + (torch.arange(order // 2, device=low_hz.device, dtype=torch.float64) + 0.5) / order
    )
    half = 0.5 * width * torch.polar(torch.ones_like(angles), angles)
    root = (half * half - square).sqrt()
    # The larger pole of each two goes with a constant numerator, the smaller with s^2: no section amplifies
    # much, however far the cutoffs are apart.
    larger = torch.where((half + root).abs() > (half - root).abs(), half + root, half - root)
    low_passes = _bilinear((0.0, 0.0, (width * width).expand(half.shape)), _pole_pair(larger))
    high_passes = _bilinear((1.0, 0.0, 0.0), _pole_pair(square / larger))
    sections = torch.cat([low_passes, high_passes], -2)
    return _unless(passes, sections)


def _warped(sample_rate_hz: float, frequency_hz: Tensor) -> Tensor:
    return (math.pi / sample_rate_hz * frequency_hz.double()).tan()


def _prototype(sample_rate_hz: float, cutoff_hz: Tensor, order: int) -> tuple[Tensor, Tensor]:
    """The dampings of the pole pairs, ``(..., order / 2)``, and the warped cutoff, ``(..., 1)``."""
    pairs = torch.arange(order // 2, device=cutoff_hz.device, dtype=torch.float64)
    damping = 2 * ((2 * pairs + 1) * (math.pi / (2 * order))).sin()
    corner = _warped(sample_rate_hz, cutoff_hz)[..., None]
    return damping.expand(*corner.shape[:-1], -1), corner


def _pole_pair(pole: Tensor) -> "_Polynomial":
    return 1.0, -2 * pole.real, pole.real**2 + pole.imag**2


_Polynomial = tuple[Tensor | float, Tensor | float, Tensor | float]


def _bilinear(numerator: _Polynomial, denominator: _Polynomial) -> Tensor:
    """Polynomials in ``s``, the highest power first, to sections."""

    def in_z(p: _Polynomial, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        s2, s1, s0 = (
            torch.as_tensor(c, dtype=torch.float64, device=like.device).expand(like.shape) for c in p
        )
        return s2 + s1 + s0, 2 * (s0 - s2), s2 - s1 + s0

    like = torch.as_tensor(denominator[1])
    return _normalized(*in_z(numerator, like), *in_z(denominator, like))


def _normalized(b0: Tensor, b1: Tensor, b2: Tensor, a0: Tensor, a1: Tensor, a2: Tensor) -> Tensor:
    return torch.stack([b0, b1, b2, a1, a2], -1) / a0[..., None]


def _unless(passes: Tensor, sections: Tensor) -> Tensor:
    return torch.where(passes[..., None, None], sections.new_tensor(IDENTITY), sections)
