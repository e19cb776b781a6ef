"""Native augmentations: batched, each clip with its own parameters, deterministic by draw key."""

from singerprint.augment.gain import gain

__all__ = ["gain"]
