"""Takes: one recording, augmented several times, to listen to; the drawn parameters lie beside them.

Take ``t`` is what training would make of clip 0 in epoch ``t``, with one view. ``takes.json`` holds the chain
and every take's parameters, so that a take can be made again from it alone.
"""

import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.io.wavfile
import soundfile
import torch
from torch import Tensor

from singerprint.atomic_file import write_files
from singerprint.augment import Compose, DrawKey, from_config, to_config
from singerprint.data import read_audio
from singerprint.experiments.embed_files import Progress

SAMPLE_RATE_HZ = 44_100


class Take(NamedTuple):
    """All that makes a take of a recording: ``chain.apply(waveforms, parameters, key)``.

    Attributes:
        chain: the transforms.
        parameters: what was drawn for each of them.
        key: who drew, and draws the numbers that every sample has of its own.
    """

    chain: Compose
    parameters: list[dict[str, Tensor]]
    key: DrawKey


def write_takes(
    source: Path,
    chain: Compose,
    out: Path,
    takes: int = 8,
    *,
    seed: int = 0,
    start_seconds: float = 0.0,
    duration_seconds: float | None = None,
    audio_format: Literal["wav", "flac"] = "wav",
    progress: Progress | None = None,
) -> list[Path]:
    """Writes a recording as it was read, its takes and ``takes.json`` to a folder.

    Args:
        source: an audio file; read as mono, 44.1 kHz.
        chain: the augmentation, of this package's transforms.
        out: a new or empty folder.
        takes: how many, at least 1.
        seed: of every draw.
        start_seconds: where in the recording to begin.
        duration_seconds: how much of it to take; None is all.
        audio_format: ``wav`` (float32, nothing is lost) or ``flac`` (24 bit, cut at full scale).
        progress: called with (takes done, takes in all) after each.

    Returns:
        The takes, in their order.

    Raises:
        ValueError: the recording cannot be read, ``out`` is not empty, or an argument is outside its range.
        OSError: the disk is full or not writable.
    """
    if takes < 1:
        raise ValueError(f"augment: takes must be at least 1, got {takes}")
    if out.exists() and any(out.iterdir()):
        raise ValueError(f"augment: out must be a new or empty folder, got {out}")
    recording = read_audio(source, SAMPLE_RATE_HZ, start_seconds, duration_seconds)
    waveforms = torch.from_numpy(recording)[None]  # (1, samples)
    facts: dict[str, Any] = {
        "source": str(source),
        "start_seconds": start_seconds,
        "samples": len(recording),
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "seed": seed,
        "transforms": to_config(chain),
        "takes": [],
    }
    paths = []
    for number in range(takes):
        key = _key(seed, number)
        parameters = chain.draw(key, len(recording))
        augmented = chain.apply(waveforms, parameters, key)[0].numpy()
        if number == 0:  # only now, when nothing can be wrong with the arguments any more
            out.mkdir(parents=True, exist_ok=True)
            write_files({out / f"source.{audio_format}": _encoded(recording, audio_format)})
        paths.append(out / f"take-{number:03}.{audio_format}")
        write_files({paths[-1]: _encoded(augmented, audio_format)})
        facts["takes"].append({"file": paths[-1].name, "parameters": _as_json(parameters)})
        if progress is not None:
            progress(number + 1, takes)
    write_files({out / "takes.json": (json.dumps(facts, indent=2, allow_nan=False) + "\n").encode()})
    return paths


def read_take(folder: Path, number: int) -> Take:
    """Reads from ``takes.json`` how a take was made.

    Args:
        folder: that :func:`write_takes` wrote.
        number: of the take, from 0.

    Returns:
        What makes the take again, of the same recording to the same bits.

    Raises:
        ValueError: there is no such take.
        OSError: there is no ``takes.json``.
    """
    facts = json.loads((folder / "takes.json").read_text(encoding="utf-8"))
    if not 0 <= number < len(facts["takes"]):
        raise ValueError(f"read_take: number must be in [0, {len(facts['takes'])}), got {number}")
    parameters = [
        {name: _as_tensor(value) for name, value in drawn.items()}
        for drawn in facts["takes"][number]["parameters"]
    ]
    return Take(from_config(facts["transforms"]), parameters, _key(facts["seed"], number))


def _key(seed: int, number: int) -> DrawKey:
    return DrawKey.of(seed, [0], epoch=number, views=1)


def _as_json(parameters: Sequence[dict[str, Tensor]]) -> list[dict[str, Any]]:
    """The parameters of the one clip; JSON knows no infinity: null is 'no limit'."""
    return [
        {name: None if tensor.isinf().any() else tensor[0].tolist() for name, tensor in drawn.items()}
        for drawn in parameters
    ]


def _as_tensor(value: float | list[float] | None) -> Tensor:
    """``(1,)`` or ``(1, ...)``: int64 of integers, else float32."""
    return torch.tensor([math.inf if value is None else value])


def _encoded(samples: npt.NDArray[np.float32], audio_format: str) -> bytes:
    file = io.BytesIO()
    if audio_format == "wav":  # of libsndfile's, float WAV files hold the time at which they were written
        scipy.io.wavfile.write(file, SAMPLE_RATE_HZ, samples)
    else:
        soundfile.write(file, samples, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_24")
    return file.getvalue()
