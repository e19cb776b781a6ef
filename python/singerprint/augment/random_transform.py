"""What the random augmentations share: parameters are drawn first, one row per clip, and then applied."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from singerprint.augment.draw_key import DrawKey
from singerprint.augment.draw_uniform import draw_uniform

Parameters = dict[str, Tensor]


class NativeCall(NamedTuple):
    """An op of the library, and its arguments after the waveforms."""

    op: str
    arguments: tuple[Tensor | float | str, ...]

    def __call__(self, waveforms: Tensor) -> Tensor:
        """Calls the op."""
        result: Tensor = getattr(torch.ops.singerprint, self.op)(waveforms, *self.arguments)
        return result


class RandomTransform(ABC):
    """An augmentation that happens to each clip with a probability, by its own parameters.

    ``draw`` gives the parameters and ``apply`` replays them exactly; calling the transform does both. Uniform
    number 0 of the transform's stream says whether a clip is augmented, the others make its parameters.

    Subclasses name their ``op_id`` (the stream is ``op_id + 256 * occurrence``) and how many uniform numbers
    their parameters are made of, ``draws``, and write ``parameters_of`` and either ``native_call`` or, where
    one op is not enough, ``augment``.

    Args:
        probability: in [0, 1], that a clip is augmented.
    """

    op_id: ClassVar[int]
    draws: ClassVar[int]

    def __init__(self, probability: float) -> None:
        self.require(0.0 <= probability <= 1.0, "probability must be in [0, 1]", probability)
        self.probability = probability

    def require(self, holds: bool, rule: str, value: object) -> None:
        """Raises ValueError in the wording of the package unless ``holds`` (which NaN never does)."""
        if not holds:
            raise ValueError(f"{type(self).__name__}: {rule}, got {value}")

    def require_range(self, name: str, low: float, high: float) -> None:
        """Raises ValueError unless ``low <= high``, both finite."""
        holds = math.isfinite(low) and math.isfinite(high) and low <= high
        self.require(holds, f"min_{name} <= max_{name} must hold, both finite", f"{low} and {high}")

    def stream(self, occurrence: int) -> int:
        """The Philox stream of this transform, the ``occurrence``-th of its class in a chain."""
        return self.op_id + 256 * occurrence

    def draw(self, key: DrawKey, samples: int, occurrence: int = 0) -> Parameters:
        """Draws the parameters of a batch.

        Args:
            key: who draws; see :class:`DrawKey`.
            samples: length of the waveforms.
            occurrence: how many transforms of the same class stand before this one in its chain.

        Returns:
            Tensors of shape ``(batch,)`` or ``(batch, ...)`` by name; a clip that is not augmented has those
            that change nothing.
        """
        uniform = draw_uniform(key, self.stream(occurrence), 1 + self.draws)
        # In float64 the products of 24-bit numbers are so exact that every device rounds to the same result.
        return self.parameters_of(
            uniform[:, 0] < self.probability, uniform[:, 1:].double().unbind(1), samples
        )

    def apply(self, waveforms: Tensor, parameters: Parameters, key: DrawKey, occurrence: int = 0) -> Tensor:
        """Applies drawn parameters: a pure function, so that an augmentation can be replayed.

        Args:
            waveforms: ``(batch, samples)`` float32.
            parameters: what ``draw`` returned.
            key: who draws the numbers that every sample has of its own (noise).
            occurrence: as in ``draw``.

        Returns:
            ``(batch, samples)`` float32.
        """
        return self.augment(waveforms, parameters, key, self.stream(occurrence))

    @abstractmethod
    def parameters_of(self, chosen: Tensor, uniform: tuple[Tensor, ...], samples: int) -> Parameters:
        """Makes the parameters of ``draws`` uniform numbers.

        Args:
            chosen: ``(batch,)`` bool, which clips are augmented.
            uniform: ``draws`` tensors ``(batch,)`` float64 in [0, 1).
            samples: length of the waveforms.
        """

    def native_call(self, parameters: Parameters, key: DrawKey, stream: int) -> NativeCall | None:
        """The one op of the library that this transform is; ``None`` where it is more than one."""
        return None

    def augment(self, waveforms: Tensor, parameters: Parameters, key: DrawKey, stream: int) -> Tensor:
        """The op itself, on drawn parameters."""
        call = self.native_call(parameters, key, stream)
        if call is None:
            raise NotImplementedError(f"{type(self).__name__} must define native_call or augment")
        return call(waveforms)

    def __call__(self, waveforms: Tensor, key: DrawKey) -> Tensor:
        """Draws and applies: ``(batch, samples)`` -> ``(batch, samples)``.

        Raises:
            ValueError: the waveforms are not ``(batch, samples)``, or the key is not of as many clips.
            TypeError: the waveforms are not float32.
        """
        return self.apply(waveforms, self.draw(key, samples_of(self, waveforms)), key)

    def __repr__(self) -> str:
        """The class with its arguments, which are its attributes."""
        arguments = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"{type(self).__name__}({arguments})"


def samples_of(transform: object, waveforms: Tensor) -> int:
    """The length of waveforms ``(batch, samples)``; others are refused in the name of ``transform``."""
    if waveforms.dim() != 2:
        raise ValueError(
            f"{type(transform).__name__}: waveforms must have shape (batch, samples), "
            f"got {list(waveforms.shape)}"
        )
    return waveforms.shape[1]


def uniform_between(uniform: Tensor, low: float, high: float) -> Tensor:
    """[0, 1) float64 -> [low, high) float32 (``high`` itself by rounding, at most)."""
    return (low + uniform * (high - low)).to(torch.float32)


def uniform_integer(uniform: Tensor, count: Tensor | int) -> Tensor:
    """[0, 1) float64 -> {0, ..., count - 1} int64, equally likely up to ``count / 2**24``."""
    return (uniform * count).to(torch.int64)
