"""Convolution: each waveform with its own impulse response."""

import torch
from torch import Tensor


def convolve(waveforms: Tensor, impulse_responses: Tensor) -> Tensor:
    """Convolves: ``y[b, n] = sum_k impulse_responses[b, k] * x[b, n - k]``, causal and as long as before.

    The error is that of a fast Fourier transform in float32: less than -120 dB of the loudest sample. NaN and
    infinity spread over the samples around them, at most over the waveform.

    Args:
        waveforms: ``(batch, samples)`` float32, any level.
        impulse_responses: ``(batch, taps)`` float32, at least one tap; what would end beyond the waveform is
            cut.

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a shape or a device does not fit.
        TypeError: a dtype is not float32.

    Example:
        >>> import torch, singerprint as sp
        >>> echo = torch.tensor([[1.0, 0.0, 0.5]])
        >>> sp.augment.convolve(torch.tensor([[1.0, 2.0, 4.0, 8.0]]), echo).round(decimals=3)
        tensor([[1.0000, 2.0000, 4.5000, 9.0000]])

    Source:
        Stockham, "High-speed convolution and correlation", 1966 (overlap-save).
    """
    result: Tensor = torch.ops.singerprint.convolve(waveforms, impulse_responses)
    return result
