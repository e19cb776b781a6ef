"""Reverberation: impulse responses of made-up rooms, and a transform that plays in random ones."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from singerprint.augment.argument_check import check_each, check_sample_rate
from singerprint.augment.convolve import convolve
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.gaussian_noise import gaussian_noise
from singerprint.augment.random_transform import (
    Parameters,
    RandomTransform,
    uniform_between,
    uniform_integer,
)


def reverb_impulse_response(
    key: DrawKey,
    sample_rate_hz: float,
    decay_seconds: Tensor,
    direct_to_reverberant_db: Tensor,
    taps: int,
    stream: int = 11,
) -> Tensor:
    """The impulse responses of made-up rooms: the direct sound, and Gaussian noise that decays.

    ``h[0] = 1`` and ``h[n] = level * normal[n] * 10 ** (-3 n / (decay_seconds * sample_rate_hz))``: the
    energy falls by 60 dB in ``decay_seconds``, and the level is such that the energy of all ``h[n]``, ``n >
    0``, lies ``direct_to_reverberant_db`` below that of ``h[0]``.

    Args:
        key: who draws; see :func:`gaussian_noise`.
        sample_rate_hz: of the waveforms.
        decay_seconds: ``(batch,)`` floating point, at least 0, where the room has no reverberation.
        direct_to_reverberant_db: ``(batch,)`` floating point, decibels.
        taps: of the result, at least 1.
        stream: what is drawn, in [0, 2**31): different streams are independent.

    Returns:
        ``(batch, taps)`` float32 on the device of the key.

    Raises:
        ValueError: a number, a shape or a device does not fit.
        TypeError: an argument is of another dtype.

    Example:
        >>> import torch, singerprint as sp
        >>> key, half = sp.augment.DrawKey.of(seed=0, clip_ids=[3]), torch.tensor([0.5])
        >>> room = sp.augment.reverb_impulse_response(key, 44100, half, torch.tensor([6.0]), taps=22050)
        >>> round(10 * room[0, 1:].square().sum().log10().item(), 3)
        -6.0

    Source:
        Polack's model of a room beyond its first reflections: J.-D. Polack, "La transmission de l'energie
        sonore dans les salles", 1988.
    """
    op = "reverb_impulse_response"
    check_sample_rate(op, sample_rate_hz)
    if taps < 1:
        raise ValueError(f"{op}: taps must be at least 1, got {taps}")
    batch = key.clip_ids.shape[0]
    for name, tensor in (
        ("decay_seconds", decay_seconds),
        ("direct_to_reverberant_db", direct_to_reverberant_db),
    ):
        if tensor.shape != (batch,):
            raise ValueError(
                f"{op}: {name} must have shape (batch,) with batch = {batch}, got {list(tensor.shape)}"
            )
        if not tensor.is_floating_point():
            raise TypeError(f"{op}: {name} must be floating point, got {tensor.dtype}")
    check_each(op, "decay_seconds", decay_seconds, decay_seconds >= 0, "not be negative")
    device = key.seed.device
    noise = gaussian_noise(
        torch.zeros(batch, taps, device=device), torch.ones(batch, device=device), key, stream
    )
    n = torch.arange(taps, device=device, dtype=torch.float32)
    decay = (-3 * math.log(10) / sample_rate_hz) / decay_seconds.float()  # -infinity where there is no room
    tail = torch.where(n > 0, noise * (decay[:, None] * n.clamp(min=1)).exp(), 0.0)
    energy = tail.double().square().sum(1)
    wanted = 10 ** (-direct_to_reverberant_db.double() / 10)
    level = torch.where(energy > 0, (wanted / energy).sqrt(), 0.0)
    return torch.where(n > 0, tail * level.float()[:, None], 1.0)


class RandomReverb(RandomTransform):
    """Plays each waveform in a random room: a made-up one, or one of the given impulse responses.

    Made-up rooms (:func:`reverb_impulse_response`) have ``decay_seconds ~ U[min_decay_seconds,
    max_decay_seconds)`` and ``direct_to_reverberant_db`` likewise. Of given responses each is equally likely.

    Args:
        impulse_responses: ``(count, taps)`` float32, or a sequence of ``(taps,)`` arrays, as
            ``singerprint.data.read_impulse_responses`` returns them; None makes rooms up. Used as they are.
        sample_rate_hz: of the waveforms.
        min_decay_seconds: the shortest time in which the energy falls by 60 dB, positive.
        max_decay_seconds: the longest; made-up responses are as long.
        min_direct_to_reverberant_db: the least ratio of the direct sound to all that follows, decibels.
        max_direct_to_reverberant_db: the largest.
        probability: in [0, 1], that a clip is augmented.

    Raises:
        ValueError: a number lies outside its range, or the responses are none, empty or not finite.

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3])
        >>> reverb = sp.augment.RandomReverb([[0.0, 1.0]], probability=1.0)  # a room that delays
        >>> reverb(torch.tensor([[1.0, 2.0, 3.0]]), key).abs().round(decimals=3)
        tensor([[0., 1., 2.]])
    """

    op_id = 11
    draws = 2

    def __init__(
        self,
        impulse_responses: Tensor | Sequence[NDArray[np.float32] | Sequence[float]] | None = None,
        sample_rate_hz: float = 44_100,
        min_decay_seconds: float = 0.1,
        max_decay_seconds: float = 0.8,
        min_direct_to_reverberant_db: float = 0.0,
        max_direct_to_reverberant_db: float = 15.0,
        probability: float = 0.5,
    ) -> None:
        super().__init__(probability)
        check_sample_rate("RandomReverb", sample_rate_hz)
        self.require_range("decay_seconds", min_decay_seconds, max_decay_seconds)
        self.require(min_decay_seconds > 0, "min_decay_seconds must be positive", min_decay_seconds)
        self.require_range(
            "direct_to_reverberant_db", min_direct_to_reverberant_db, max_direct_to_reverberant_db
        )
        self.impulse_responses = None if impulse_responses is None else self._as_rows(impulse_responses)
        self.sample_rate_hz = sample_rate_hz
        self.min_decay_seconds = min_decay_seconds
        self.max_decay_seconds = max_decay_seconds
        self.min_direct_to_reverberant_db = min_direct_to_reverberant_db
        self.max_direct_to_reverberant_db = max_direct_to_reverberant_db

    def _as_rows(self, responses: Tensor | Sequence[NDArray[np.float32] | Sequence[float]]) -> Tensor:
        """``(count, taps)``, the shorter ones filled with silence."""
        rows = [torch.as_tensor(response, dtype=torch.float32) for response in responses]
        self.require(len(rows) > 0, "impulse_responses must have at least 1 response", 0)
        for row in rows:
            self.require(
                row.dim() == 1 and row.numel() > 0, "each response must have shape (taps,)", list(row.shape)
            )
            strange = row[~row.isfinite()]
            self.require(strange.numel() == 0, "each response must be finite", strange[:1].tolist())
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)

    def parameters_of(self, chosen: Tensor, uniform: tuple[Tensor, ...], samples: int) -> Parameters:
        """``decay_seconds`` and ``direct_to_reverberant_db``; or ``response``, int64, -1 for none."""
        if self.impulse_responses is not None:
            response = uniform_integer(uniform[0], len(self.impulse_responses))
            return {"response": torch.where(chosen, response, -1)}
        decay_seconds = uniform_between(uniform[0], self.min_decay_seconds, self.max_decay_seconds)
        ratio_db = uniform_between(
            uniform[1], self.min_direct_to_reverberant_db, self.max_direct_to_reverberant_db
        )
        return {
            "decay_seconds": torch.where(chosen, decay_seconds, 0.0),
            "direct_to_reverberant_db": ratio_db,
        }

    def augment(self, waveforms: Tensor, parameters: Parameters, key: DrawKey, stream: int) -> Tensor:
        """:func:`convolve`; a clip without a room keeps all its bits."""
        if self.impulse_responses is not None:
            response = parameters["response"]
            rooms = self.impulse_responses.to(waveforms.device)[response.clamp(min=0)]
            return torch.where(response[:, None] >= 0, convolve(waveforms, rooms), waveforms)
        taps = max(1, math.ceil(self.max_decay_seconds * self.sample_rate_hz))
        rooms = reverb_impulse_response(key, self.sample_rate_hz, **parameters, taps=taps, stream=stream)
        return torch.where(parameters["decay_seconds"][:, None] > 0, convolve(waveforms, rooms), waveforms)

    def __repr__(self) -> str:
        """The class with its arguments; of given responses their shape."""
        shown = vars(self) | {}
        if self.impulse_responses is not None:
            shown["impulse_responses"] = f"<{list(self.impulse_responses.shape)}>"
        return f"RandomReverb({', '.join(f'{name}={value}' for name, value in shown.items())})"
