"""Gaussian noise: adds white noise, to each waveform at its own amplitude."""

import torch
from torch import Tensor

from singerprint.augment.argument_check import per_clip
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.random_transform import NativeCall, Parameters, RandomTransform, uniform_between


def gaussian_noise(waveforms: Tensor, amplitude: Tensor | float, key: DrawKey, stream: int = 2) -> Tensor:
    """Adds white Gaussian noise: ``y[b, n] = x[b, n] + amplitude[b] * normal[b, n]``, ``normal ~ N(0, 1)``.

    ``normal[b, n]`` depends on the seed, the clip id, the epoch, the stream and ``n`` alone: not on the
    batch, the threads, the instruction set or the device, to the last bit. Amplitude 0 changes no bit.

    Args:
        waveforms: ``(batch, samples)`` float32, any level. NaN stays NaN.
        amplitude: ``(batch,)`` float32 or one number, the standard deviation of the noise.
        key: who draws, on the device of the waveforms. On CUDA only the low 32 bits of clip ids and epochs
            count (to check the others would wait for the device).
        stream: what is drawn, in [0, 2**31): different streams are independent.

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a shape, a device or a number of the key does not fit.
        TypeError: a dtype is not float32 (waveforms, amplitude) or int64 (key).

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3])
        >>> noise = sp.augment.gaussian_noise(torch.zeros(1, 44100), torch.tensor([0.1]), key)
        >>> round(noise.std().item(), 2)
        0.1

    Source:
        Box and Muller, "A note on the generation of random normal deviates", 1958, on Philox4x32-10
        (Salmon et al., SC'11).
    """
    amplitude = per_clip("gaussian_noise", "amplitude", amplitude, waveforms)
    result: Tensor = torch.ops.singerprint.gaussian_noise(waveforms, amplitude, *key, stream)
    return result


class RandomGaussianNoise(RandomTransform):
    """Adds white Gaussian noise of random amplitude: ``amplitude ~ U[min_amplitude, max_amplitude)``, or 0.

    Args:
        min_amplitude: the least standard deviation of the noise, at least 0.
        max_amplitude: the largest.
        probability: in [0, 1], that a clip is augmented.

    Raises:
        ValueError: the range is empty, negative or not finite, or the probability lies outside [0, 1].

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3])
        >>> noise = sp.augment.RandomGaussianNoise(0.1, 0.1, probability=1.0)(torch.zeros(1, 44100), key)
        >>> round(noise.std().item(), 2)
        0.1
    """

    op_id = 2
    draws = 1

    def __init__(
        self, min_amplitude: float = 0.001, max_amplitude: float = 0.05, probability: float = 0.5
    ) -> None:
        super().__init__(probability)
        self.require(min_amplitude >= 0, "min_amplitude must not be negative", min_amplitude)
        self.require_range("amplitude", min_amplitude, max_amplitude)
        self.min_amplitude = min_amplitude
        self.max_amplitude = max_amplitude

    def parameters_of(self, chosen: Tensor, uniform: tuple[Tensor, ...], samples: int) -> Parameters:
        """``amplitude`` ``(batch,)`` float32."""
        amplitude = uniform_between(uniform[0], self.min_amplitude, self.max_amplitude)
        return {"amplitude": torch.where(chosen, amplitude, 0.0)}

    def native_call(self, parameters: Parameters, key: DrawKey, stream: int) -> NativeCall:
        """:func:`gaussian_noise`."""
        return NativeCall("gaussian_noise", (parameters["amplitude"], *key, stream))
