"""A chain of random augmentations, keyed by seed, epoch and clip."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from torch import Tensor

from singerprint.augment.chain import chain
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.random_transform import NativeCall, Parameters, RandomTransform, samples_of


class NativeModule(Protocol):
    """What can end a chain: an op of the library with its arguments, such as a ``LogMel``."""

    op: str

    @property
    def arguments(self) -> tuple[Tensor | float | str, ...]:
        """Those after the waveforms."""


class Compose:
    """Applies random transforms one after the other.

    Each draws from its own stream, by its class and by how many of the same class stand before it: to add or
    remove a transform of another class changes no number of the others. Transforms that are one native op
    each are done clip by clip, all of them while a clip is in the cache, several clips at once by threads.

    Args:
        transforms: in the order of application; none is the identity.

    Raises:
        TypeError: one is not a random transform.

    Example:
        The augmentations of Torres et al. (2023), without their pitch shift, and their replay:

        >>> import torch, singerprint as sp
        >>> from singerprint.augment import Compose, DrawKey, RandomGain, RandomGaussianNoise, RandomTimeMask
        >>> augmentation = Compose([RandomGaussianNoise(), RandomGain(), RandomTimeMask()])
        >>> waveforms, key = torch.randn(2, 44100), DrawKey.of(seed=7, clip_ids=[40, 2], epoch=3, view=1)
        >>> augmented = augmentation(waveforms, key)
        >>> torch.equal(augmentation.apply(waveforms, augmentation.draw(key, 44100), key), augmented)
        True

        With the spectrogram behind it, without leaving native code:

        >>> augmentation(waveforms, key, then=sp.frontend.LogMel()).shape
        torch.Size([2, 80, 87])
    """

    def __init__(self, transforms: Sequence[RandomTransform]) -> None:
        for transform in transforms:
            if not isinstance(transform, RandomTransform):
                raise TypeError(
                    f"Compose: transforms must be RandomTransform, got {type(transform).__name__}"
                )
        self.transforms = tuple(transforms)

    def _links(self) -> Iterator[tuple[RandomTransform, int]]:
        """Each transform and its occurrence: how many of its op stand before it."""
        seen: dict[int, int] = {}
        for transform in self.transforms:
            occurrence = seen.get(transform.op_id, 0)
            seen[transform.op_id] = occurrence + 1
            yield transform, occurrence

    def draw(self, key: DrawKey, samples: int) -> list[Parameters]:
        """Draws the parameters of every transform: one dictionary of ``(batch,)`` tensors for each."""
        return [transform.draw(key, samples, occurrence) for transform, occurrence in self._links()]

    def apply(
        self,
        waveforms: Tensor,
        parameters: Sequence[Parameters],
        key: DrawKey,
        then: NativeModule | None = None,
    ) -> Tensor:
        """Applies what ``draw`` returned: ``(batch, samples)`` -> ``(batch, samples)``.

        Args:
            waveforms: ``(batch, samples)`` float32.
            parameters: what ``draw`` returned.
            key: that it was given.
            then: what makes of each augmented clip what is returned instead, such as a ``LogMel``. No
                gradient flows.

        Raises:
            ValueError: there are not as many parameters as transforms.
            TypeError: ``then`` is no native module.
        """
        if len(parameters) != len(self.transforms):
            raise ValueError(
                f"Compose: parameters must have {len(self.transforms)} entries, one per transform, "
                f"got {len(parameters)}"
            )
        waiting: list[NativeCall] = []
        for (transform, occurrence), drawn in zip(self._links(), parameters, strict=True):
            call = None
            if _is_its_op(transform):
                call = transform.native_call(drawn, key, transform.stream(occurrence))
            if call is not None:
                waiting.append(call)
            else:
                waveforms = transform.apply(chain(waveforms, waiting), drawn, key, occurrence)
                waiting = []
        if then is not None:
            if not hasattr(then, "op"):
                raise TypeError(
                    f"Compose: then must be a native module such as LogMel, got {type(then).__name__}"
                )
            waiting.append(NativeCall(then.op, then.arguments))
        return chain(waveforms, waiting)

    def __call__(self, waveforms: Tensor, key: DrawKey, then: NativeModule | None = None) -> Tensor:
        """Draws and applies: ``(batch, samples)`` -> ``(batch, samples)``, or what ``then`` makes of it.

        Raises:
            ValueError: the waveforms are not ``(batch, samples)``, or the key is not of as many clips.
            TypeError: the waveforms are not float32.
        """
        return self.apply(waveforms, self.draw(key, samples_of(self, waveforms)), key, then)

    def __repr__(self) -> str:
        """The chain, link by link."""
        return f"Compose({list(self.transforms)})"


def _is_its_op(transform: RandomTransform) -> bool:
    """Whether it does nothing else: a subclass may have an ``augment`` or ``apply`` of its own."""
    kind = type(transform)
    return kind.augment is RandomTransform.augment and kind.apply is RandomTransform.apply
