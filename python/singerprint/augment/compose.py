"""A chain of random augmentations, keyed by seed, epoch and clip."""

from collections.abc import Iterator, Sequence

from torch import Tensor

from singerprint.augment.draw_key import DrawKey
from singerprint.augment.gain import RandomGain
from singerprint.augment.gaussian_noise import RandomGaussianNoise
from singerprint.augment.noise_gain_mask import noise_gain_mask
from singerprint.augment.random_transform import Parameters, RandomTransform, samples_of
from singerprint.augment.time_mask import RandomTimeMask

# Three passes over memory in one, to the same bits. Subclasses may do something else and are left alone.
_FUSED = (RandomGaussianNoise, RandomGain, RandomTimeMask)


class Compose:
    """Applies random transforms one after the other.

    Each draws from its own stream, by its class and by how many of the same class stand before it: to add or
    remove a transform of another class changes no number of the others.

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

    def apply(self, waveforms: Tensor, parameters: Sequence[Parameters], key: DrawKey) -> Tensor:
        """Applies what ``draw`` returned: ``(batch, samples)`` -> ``(batch, samples)``.

        Raises:
            ValueError: there are not as many parameters as transforms.
        """
        if len(parameters) != len(self.transforms):
            raise ValueError(
                f"Compose: parameters must have {len(self.transforms)} entries, one per transform, "
                f"got {len(parameters)}"
            )
        links = list(self._links())
        place = 0
        while place < len(links):
            run = slice(place, place + len(_FUSED))
            transform, occurrence = links[place]
            if tuple(type(link) for link, _ in links[run]) == _FUSED:
                noise, level, mask = parameters[run]
                drawn = {**noise, **level, **mask}
                waveforms = noise_gain_mask(waveforms, **drawn, key=key, stream=transform.stream(occurrence))
                place += len(_FUSED)
            else:
                waveforms = transform.apply(waveforms, parameters[place], key, occurrence)
                place += 1
        return waveforms

    def __call__(self, waveforms: Tensor, key: DrawKey) -> Tensor:
        """Draws and applies: ``(batch, samples)`` -> ``(batch, samples)``.

        Raises:
            ValueError: the waveforms are not ``(batch, samples)``, or the key is not of as many clips.
            TypeError: the waveforms are not float32.
        """
        return self.apply(waveforms, self.draw(key, samples_of(self, waveforms)), key)

    def __repr__(self) -> str:
        """The chain, link by link."""
        return f"Compose({list(self.transforms)})"
