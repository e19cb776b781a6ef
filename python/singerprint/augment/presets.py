"""Chains by name: those of the papers, and ours."""

from collections.abc import Mapping
from typing import Any

from singerprint.augment.chain_config import CONFIG_SUFFIXES, from_config, read_config
from singerprint.augment.compose import Compose

_Transforms = tuple[Mapping[str, Any], ...]

_PAPER_PITCH: Mapping[str, Any] = {
    "name": "pitch_shift",
    "max_pitch_ratio": 1.3,  # +-4.5 semitones
    "max_pitch_range_ratio": 1.5,
    "probability": 0.5,
}
_PAPER_NOISE: Mapping[str, Any] = {
    "name": "gaussian_noise",
    "min_amplitude": 0.001,
    "max_amplitude": 0.05,
    "probability": 0.5,
}
_PAPER_LEVEL_AND_MASK: _Transforms = (
    {"name": "gain", "min_gain_db": -6.0, "max_gain_db": 0.0, "probability": 0.5},
    {"name": "time_mask", "max_length_ratio": 1 / 8, "probability": 0.5},
)

PRESETS: dict[str, _Transforms] = {
    "none": (),
    # The noise is added before the shift, which hides the pitch of soft voices from its tracker.
    "paper": (_PAPER_NOISE, {**_PAPER_PITCH, "praat_compatible": True}, *_PAPER_LEVEL_AND_MASK),
    "paper_fixed": (_PAPER_PITCH, _PAPER_NOISE, *_PAPER_LEVEL_AND_MASK),
    # For runs of minutes: louder noise hides the voice for longer than they last.
    "quiet": (
        _PAPER_PITCH,
        {**_PAPER_NOISE, "min_amplitude": 0.0005, "max_amplitude": 0.005},
        *_PAPER_LEVEL_AND_MASK,
    ),
    # In the order in which a recording comes about: voice, room, microphone, amplifier, hiss, codec, level.
    "strong": (
        _PAPER_PITCH,
        # Living rooms to small halls. The direct sound stays the louder part: formants are in it.
        {
            "name": "reverb",
            "min_decay_seconds": 0.1,
            "max_decay_seconds": 0.8,
            "min_direct_to_reverberant_db": 3.0,
            "max_direct_to_reverberant_db": 15.0,
            "probability": 0.5,
        },
        # What microphones and their distance differ by; more would reshape the formants.
        {"name": "parametric_eq", "min_gain_db": -6.0, "max_gain_db": 6.0, "probability": 0.5},
        # Warm, not crushed.
        {"name": "tanh_distortion", "min_amount": 0.01, "max_amount": 0.3, "probability": 0.3},
        {**_PAPER_NOISE, "max_amplitude": 0.02},
        # From 16 kHz on the formants are whole, and so is most of what tells singers apart.
        {
            "name": "bandwidth",
            "sample_rates_hz": [16_000, 22_050, 24_000, 32_000],
            "probability": 0.3,
        },
        {"name": "gain", "min_gain_db": -12.0, "max_gain_db": 0.0, "probability": 0.5},
        {"name": "time_mask", "max_length_ratio": 1 / 8, "probability": 0.5},
    ),
}


def preset(name: str, sample_rate_hz: float = 44_100) -> Compose:
    """Makes the chain of a name.

    - ``none``: nothing.
    - ``paper``: noise, pitch shift within Praat's limits (75 to 600 Hz), gain, time mask, each to half of
      the clips.
    - ``paper_fixed``: the same, but the noise after the shift, and voices from 60 to 1500 Hz are shifted.
    - ``quiet``: ``paper_fixed`` with a tenth of the noise.
    - ``strong``: pitch shift, room, equalizer, distortion, noise, bandwidth, gain, time mask: to hide room,
      microphone and codec and to keep the singer. No preset moves formants.

    Args:
        name: one of the above.
        sample_rate_hz: of the waveforms.

    Returns:
        The chain; :func:`to_config` tells its numbers.

    Raises:
        ValueError: no chain has this name.

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3, 4])
        >>> sp.augment.preset("paper")(torch.zeros(2, 44100), key).shape
        torch.Size([2, 44100])

    Source:
        ``paper``: Torres, Lattner and Richard, ISMIR 2023, and their released code, whose order this is.
    """
    if name not in PRESETS:
        raise ValueError(f"preset: name must be one of {sorted(PRESETS)}, got {name!r}")
    return from_config(PRESETS[name], sample_rate_hz)


def preset_or_file(name: str, sample_rate_hz: float = 44_100) -> Compose:
    """Makes the chain of a preset's name, or of a file that :func:`read_config` reads.

    Args:
        name: of a preset, or a path that ends in ``.json``, ``.yaml`` or ``.yml``.
        sample_rate_hz: of the waveforms.

    Returns:
        The chain.

    Raises:
        ValueError: neither, or the file does not describe a chain.

    Example:
        >>> import singerprint as sp
        >>> sp.augment.preset_or_file("none")
        Compose([])
    """
    if name in PRESETS:
        return preset(name, sample_rate_hz)
    if name.endswith(CONFIG_SUFFIXES):
        return from_config(read_config(name), sample_rate_hz)
    raise ValueError(
        f"preset_or_file: name must be one of {sorted(PRESETS)} or end in .json, .yaml or .yml, got {name!r}"
    )
