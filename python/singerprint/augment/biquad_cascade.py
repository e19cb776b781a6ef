"""Biquad cascade: second-order sections one after the other, each waveform with its own coefficients."""

import torch
from torch import Tensor


def biquad_cascade(waveforms: Tensor, coefficients: Tensor) -> Tensor:
    """Filters each waveform, from rest, by a cascade of second-order sections.

    Every section computes ``y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]`` of what the
    section before it has made. The state is float32, in a form that keeps low frequencies: the result differs
    from the same in float64 by less than -120 dB for Q up to 5 between 5 Hz and 9.5 kHz at 44.1 kHz, by less
    than -95 dB for Q up to 50 or up to 22 kHz. Subnormal numbers may count as 0; NaN and infinity stay from
    where they are.

    Args:
        waveforms: ``(batch, samples)`` float32, any level.
        coefficients: ``(batch, sections, 5)`` float64, ``b0 b1 b2 a1 a2`` of each section (``a0 = 1``),
            stable: ``|a2| < 1`` and ``|a1| < 1 + a2``. At most 64 sections. On CUDA, where to look at them
            would wait for the device, an unstable section makes a waveform that is not finite.

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a shape or a device does not fit, or, on the CPU, a section is not stable.
        TypeError: a dtype is not float32 (waveforms) or float64 (coefficients).

    Example:
        >>> import torch, singerprint as sp
        >>> halves = torch.tensor([[[0.5, 0.0, 0.0, -0.5, 0.0]]], dtype=torch.float64)
        >>> sp.augment.biquad_cascade(torch.ones(1, 4), halves)
        tensor([[0.5000, 0.7500, 0.8750, 0.9375]])

    Source:
        Zavalishin, "The Art of VA Filter Design", section 4 (the state-variable form).
    """
    result: Tensor = torch.ops.singerprint.biquad_cascade(waveforms, coefficients)
    return result
