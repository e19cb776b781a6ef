"""Checks of the augmentations that are made of others: what a native op would say, in the same wording."""

import numbers

import torch
from torch import Tensor


def per_clip(
    op: str, argument: str, value: Tensor | float, waveforms: Tensor, dtype: torch.dtype = torch.float32
) -> Tensor:
    """One number for all clips as ``(batch,)``; a tensor as it is, which is the op's to check.

    Raises:
        TypeError: it is neither a tensor nor a number, which is whole where the dtype is an integer's.
    """
    if isinstance(value, Tensor):
        return value
    kind, name = (numbers.Real, "number") if dtype.is_floating_point else (numbers.Integral, "whole number")
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{op}: {argument} must be a {name} or a tensor, got {type(value).__name__}")
    return torch.full(waveforms.shape[:1], value, dtype=dtype, device=waveforms.device)


def numbers_of(op: str, argument: str, value: Tensor | float, waveforms: Tensor) -> Tensor:
    """:func:`per_clip` in float64, and what :func:`check_numbers` says of a tensor."""
    numbers_per_clip = per_clip(op, argument, value, waveforms, torch.float64)
    check_numbers(op, argument, numbers_per_clip, waveforms)
    return numbers_per_clip


def check_numbers(op: str, argument: str, tensor: Tensor, waveforms: Tensor, *, columns: str = "") -> None:
    """Floating point numbers ``(batch,)``, or ``(batch, <columns>)``, on the device of the waveforms.

    Raises:
        ValueError: the shape or the device is another.
        TypeError: they are no tensor, or not floating point numbers.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{op}: {argument} must be a tensor, got {type(tensor).__name__}")
    if waveforms.dim() != 2:
        raise ValueError(f"{op}: waveforms must have shape (batch, samples), got {list(waveforms.shape)}")
    shape = f"(batch, {columns})" if columns else "(batch,)"
    if tensor.dim() != (2 if columns else 1) or tensor.shape[0] != waveforms.shape[0]:
        raise ValueError(
            f"{op}: {argument} must have shape {shape} with batch = {waveforms.shape[0]}, "
            f"got {list(tensor.shape)}"
        )
    if not tensor.is_floating_point():
        raise TypeError(f"{op}: {argument} must be floating point, got {tensor.dtype}")
    if tensor.device != waveforms.device:
        raise ValueError(f"{op}: {argument} must be on the device {waveforms.device}, got {tensor.device}")


def check_each(op: str, argument: str, tensor: Tensor, holds: Tensor, rule: str) -> None:
    """Raises ValueError with the first number that does not hold; on the CPU alone.

    Elsewhere it would wait for the device, and ``torch.compile`` knows no numbers.
    """
    if torch.compiler.is_compiling() or tensor.device.type != "cpu" or bool(holds.all()):
        return
    raise ValueError(f"{op}: {argument} must {rule}, got {tensor[~holds][0].item():g}")


def check_sample_rate(op: str, sample_rate_hz: float) -> None:
    """Raises ValueError unless the sample rate is positive and finite."""
    if not 0 < sample_rate_hz < float("inf"):
        raise ValueError(f"{op}: sample_rate_hz must be positive, got {sample_rate_hz}")


def check_order(op: str, order: int) -> None:
    """Raises ValueError unless the order is even: two poles a section."""
    if order < 2 or order % 2:
        raise ValueError(f"{op}: order must be even and at least 2, got {order}")
