"""Native augmentations: batched, each clip with its own parameters, deterministic by draw key."""

from singerprint.augment.compose import Compose
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.draw_uniform import draw_uniform
from singerprint.augment.gain import RandomGain, gain
from singerprint.augment.gaussian_noise import RandomGaussianNoise, gaussian_noise
from singerprint.augment.random_transform import RandomTransform
from singerprint.augment.time_mask import RandomTimeMask, time_mask

__all__ = [
    "Compose",
    "DrawKey",
    "RandomGain",
    "RandomGaussianNoise",
    "RandomTimeMask",
    "RandomTransform",
    "draw_uniform",
    "gain",
    "gaussian_noise",
    "time_mask",
]
