"""Native ops one after the other in one call."""

from collections.abc import Sequence

import torch
from torch import Tensor

from singerprint.augment.random_transform import NativeCall


def chain(waveforms: Tensor, calls: Sequence[NativeCall]) -> Tensor:
    """What the calls make of the waveforms, one after the other, to the same bits.

    On the CPU clip by clip, several at once by threads: what one op writes, the next finds in the cache.

    Args:
        waveforms: ``(batch, samples)``.
        calls: of ops whose result for a clip depends on that clip alone; of tensors among the arguments,
            those whose first dimension is the batch have a row for each clip.

    Returns:
        What the last op returns for the batch; the waveforms themselves where there is none.
    """
    calls = _fused(calls)
    if not calls:
        return waveforms
    if len(calls) == 1:
        return calls[0](waveforms)
    arguments = [argument for call in calls for argument in call.arguments]
    result: Tensor = torch.ops.singerprint.chain(
        waveforms,
        [call.op for call in calls],
        [argument for argument in arguments if isinstance(argument, Tensor)],
        [float(argument) for argument in arguments if not isinstance(argument, (Tensor, str))],
        [argument for argument in arguments if isinstance(argument, str)],
    )
    return result


def _fused(calls: Sequence[NativeCall]) -> list[NativeCall]:
    """Noise, gain and mask, which are three passes over memory, as the one op that does them in one."""
    fused: list[NativeCall] = []
    for call in calls:
        fused.append(call)
        if [last.op for last in fused[-3:]] == ["gaussian_noise", "gain", "time_mask"]:
            noise, gain, mask = fused[-3:]
            amplitude, *numbers = noise.arguments
            fused[-3:] = [
                NativeCall("noise_gain_mask", (amplitude, *gain.arguments, *mask.arguments, *numbers))
            ]
    return fused
