"""Chains as JSON values: a list of transforms by name, each with the arguments it was made with."""

import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor

from singerprint.augment.band_pass import RandomBandPass
from singerprint.augment.bandwidth import RandomBandwidth
from singerprint.augment.compose import Compose
from singerprint.augment.gain import RandomGain
from singerprint.augment.gaussian_noise import RandomGaussianNoise
from singerprint.augment.high_pass import RandomHighPass
from singerprint.augment.low_pass import RandomLowPass
from singerprint.augment.parametric_eq import RandomParametricEq
from singerprint.augment.pitch_shift import RandomPitchShift
from singerprint.augment.random_transform import RandomTransform
from singerprint.augment.reverb import RandomReverb
from singerprint.augment.shift import RandomShift
from singerprint.augment.tanh_distortion import RandomTanhDistortion
from singerprint.augment.time_mask import RandomTimeMask
from singerprint.augment.time_stretch import RandomTimeStretch

TRANSFORMS: dict[str, type[RandomTransform]] = {
    "band_pass": RandomBandPass,
    "bandwidth": RandomBandwidth,
    "gain": RandomGain,
    "gaussian_noise": RandomGaussianNoise,
    "high_pass": RandomHighPass,
    "low_pass": RandomLowPass,
    "parametric_eq": RandomParametricEq,
    "pitch_shift": RandomPitchShift,
    "reverb": RandomReverb,
    "shift": RandomShift,
    "tanh_distortion": RandomTanhDistortion,
    "time_mask": RandomTimeMask,
    "time_stretch": RandomTimeStretch,
}


CONFIG_SUFFIXES = (".json", ".yaml", ".yml")


def from_config(config: Sequence[Mapping[str, Any]], sample_rate_hz: float = 44_100) -> Compose:
    """Makes a chain of what JSON can hold.

    Args:
        config: one mapping per transform, in the order of application: ``name``, the op's, and arguments of
            its random transform; those left out have their defaults.
        sample_rate_hz: of the waveforms, for the transforms that want it and do not name it themselves.

    Returns:
        The chain.

    Raises:
        ValueError: a name, an argument or a number is not one that can be.

    Example:
        >>> import singerprint as sp
        >>> sp.augment.from_config([{"name": "gain", "min_gain_db": -12}, {"name": "time_mask"}])
        Compose([RandomGain(probability=0.5, min_gain_db=-12, max_gain_db=0.0), \
RandomTimeMask(probability=0.5, max_length_ratio=0.125)])
    """
    if isinstance(config, str) or not isinstance(config, Sequence):
        raise ValueError(f"from_config: config must be a list of transforms, got {config!r}")
    return Compose([_transform(entry, sample_rate_hz) for entry in config])


def _transform(entry: Mapping[str, Any], sample_rate_hz: float) -> RandomTransform:
    if not isinstance(entry, Mapping) or "name" not in entry:
        raise ValueError(f"from_config: each transform must be an object with a name, got {entry!r}")
    arguments = dict(entry)
    name = arguments.pop("name")
    if not isinstance(name, str) or name not in TRANSFORMS:
        raise ValueError(f"from_config: name must be one of {sorted(TRANSFORMS)}, got {name!r}")
    defaults = _defaults(TRANSFORMS[name])
    for argument, value in arguments.items():
        if argument not in defaults:
            raise ValueError(
                f"from_config: arguments of {name} must be among {sorted(defaults)}, got {argument!r}"
            )
        _check_kind(f"{name}'s {argument}", value, defaults[argument])
    if "sample_rate_hz" in defaults:
        arguments.setdefault("sample_rate_hz", sample_rate_hz)
    return TRANSFORMS[name](**arguments)


def _defaults(transform: type[RandomTransform]) -> dict[str, Any]:
    """The arguments of a random transform; all have defaults."""
    return {name: parameter.default for name, parameter in inspect.signature(transform).parameters.items()}


def _check_kind(what: str, value: object, default: object) -> None:
    """Raises ValueError unless a value is of its default's kind; None is the default of lists of rows."""
    if isinstance(default, bool):
        holds, kind = isinstance(value, bool), "true or false"
    elif isinstance(default, (int, float)):
        holds, kind = _is_number(value), "a number"
    elif default is None:
        rows = isinstance(value, (list, tuple)) and all(isinstance(row, (list, tuple)) for row in value)
        numbers = rows and all(_is_number(number) for row in value for number in row)  # type: ignore[attr-defined]
        holds, kind = value is None or numbers, "null or a list of lists of numbers"
    else:
        holds = isinstance(value, (list, tuple)) and all(map(_is_number, value))
        kind = "a list of numbers"
    if not holds:
        raise ValueError(f"from_config: {what} must be {kind}, got {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def to_config(chain: Compose) -> list[dict[str, Any]]:
    """Writes a chain as JSON values, with every argument; :func:`from_config` makes it again.

    Args:
        chain: of transforms of this package.

    Returns:
        One dictionary per transform: its name and its arguments.

    Raises:
        ValueError: a transform is not of this package.

    Example:
        >>> import singerprint as sp
        >>> sp.augment.to_config(sp.augment.Compose([sp.augment.RandomGain(-12)]))
        [{'name': 'gain', 'min_gain_db': -12, 'max_gain_db': 0.0, 'probability': 0.5}]
    """
    names = {transform: name for name, transform in TRANSFORMS.items()}
    config = []
    for transform in chain.transforms:
        if type(transform) not in names:
            raise ValueError(f"to_config: transforms must be of this package, got {type(transform).__name__}")
        arguments = {name: getattr(transform, name) for name in _defaults(type(transform))}
        for name, value in arguments.items():
            if isinstance(value, Tensor):
                arguments[name] = value.tolist()
            elif isinstance(value, tuple):
                arguments[name] = list(value)
        config.append({"name": names[type(transform)], **arguments})
    return config


def read_config(path: str | Path) -> list[dict[str, Any]]:
    """Reads the list that :func:`from_config` takes from a file.

    Args:
        path: ends in ``.json``, ``.yaml`` or ``.yml``.

    Returns:
        What the file holds.

    Raises:
        ValueError: the file is missing, of another kind, broken, or holds no list.

    Example:
        >>> import json, tempfile, singerprint as sp
        >>> path = Path(tempfile.mkdtemp()) / "chain.json"
        >>> _ = path.write_text(json.dumps([{"name": "gain", "min_gain_db": -3}]))
        >>> sp.augment.from_config(sp.augment.read_config(path))
        Compose([RandomGain(probability=0.5, min_gain_db=-3, max_gain_db=0.0)])
    """
    path = Path(path)
    if path.suffix not in CONFIG_SUFFIXES:
        raise ValueError(f"read_config: path must end in .json, .yaml or .yml, got {path}")
    if not path.is_file():
        raise ValueError(f"read_config: path must name an existing file, got {path}")
    try:
        text = path.read_text(encoding="utf-8")
        config = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"read_config: {path} must hold {path.suffix[1:].upper()}, got {reason}") from error
    if not isinstance(config, list):
        raise ValueError(f"read_config: {path} must hold a list of transforms, got {type(config).__name__}")
    return config
