"""Tanh distortion: squashes each waveform softly, by its own amount."""

import torch
from torch import Tensor

from singerprint.augment.argument_check import per_clip
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.random_transform import NativeCall, Parameters, RandomTransform, uniform_between


def tanh_distortion(waveforms: Tensor, amount: Tensor | float) -> Tensor:
    """Squashes each waveform: ``y = tanh(x / 2 / (threshold + 1e-6))``, brought back to its root mean square.

    ``1 - 0.99 * amount[b]`` of the magnitudes ``|x[b, n]|`` lie below the threshold: the larger the amount,
    the quieter the samples that are squashed. Amount 0 changes no bit. What is quieter than 1e-9 is not
    brought back; NaN spreads over its waveform.

    Args:
        waveforms: ``(batch, samples)`` float32, magnitudes below 1e18: their squares are added up.
        amount: ``(batch,)`` float32 or one number, in [0, 1]. On CUDA another number counts as the nearest of
            these (to refuse it would wait for the device).

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a shape or a device does not fit, or, on the CPU, an amount lies outside [0, 1].
        TypeError: a dtype is not float32.

    Example:
        >>> import torch, singerprint as sp
        >>> waveforms = torch.tensor([[0.1, -0.2, 0.3, 2.0]])
        >>> sp.augment.tanh_distortion(waveforms, 0.5).round(decimals=2)
        tensor([[ 0.3300, -0.6400,  0.9000,  1.6800]])

    Source:
        audiomentations 0.43.1, ``TanhDistortion``, but for the amount 0.
    """
    amount = per_clip("tanh_distortion", "amount", amount, waveforms)
    result: Tensor = torch.ops.singerprint.tanh_distortion(waveforms, amount)
    return result


class RandomTanhDistortion(RandomTransform):
    """Squashes softly by a random amount: ``amount ~ U[min_amount, max_amount)``, or 0.

    The ranges of audiomentations 0.43.1.

    Args:
        min_amount: the least amount, in [0, 1].
        max_amount: the largest.
        probability: in [0, 1], that a clip is augmented.

    Raises:
        ValueError: the range is empty or outside [0, 1], or the probability outside [0, 1].

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3])
        >>> sp.augment.RandomTanhDistortion(0.25, 0.25, probability=1.0).draw(key, 100)
        {'amount': tensor([0.2500])}
    """

    op_id = 9
    draws = 1

    def __init__(self, min_amount: float = 0.01, max_amount: float = 0.7, probability: float = 0.5) -> None:
        super().__init__(probability)
        self.require_range("amount", min_amount, max_amount)
        self.require(min_amount >= 0, "min_amount must not be negative", min_amount)
        self.require(max_amount <= 1, "max_amount must be at most 1", max_amount)
        self.min_amount = min_amount
        self.max_amount = max_amount

    def parameters_of(self, chosen: Tensor, uniform: tuple[Tensor, ...], samples: int) -> Parameters:
        """``amount`` ``(batch,)`` float32."""
        amount = uniform_between(uniform[0], self.min_amount, self.max_amount)
        return {"amount": torch.where(chosen, amount, 0.0)}

    def native_call(self, parameters: Parameters, key: DrawKey, stream: int) -> NativeCall:
        """:func:`tanh_distortion`."""
        return NativeCall("tanh_distortion", (parameters["amount"],))
