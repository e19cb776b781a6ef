"""read_audio: a span of an audio file as mono float32 at one sample rate, decoding only that span.

    mono[n] = mean over channels of file[n, channel]
    samples = resample(mono, file rate -> sample_rate_hz)[start, start + length)

Resampling is the op `resample` (frontend/resample.py). A span is read in its cells, so that it equals the
same span of the whole resampled file bit for bit.
"""

from __future__ import annotations

import math
import os
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import soundfile
import torch

from singerprint.data.ogg_pages import last_page_start

__all__ = ["AudioError", "AudioFile", "AudioInfo", "audio_info", "read_audio"]

Samples = npt.NDArray[np.float32]
AudioPath = str | os.PathLike[str]

# SF_COUNT_MAX: what libsndfile says of a FLAC stream whose encoder could not go back to write the length.
UNKNOWN_LENGTH_SAMPLES = 2**63 - 1


class AudioError(ValueError):
    """An audio file that cannot be used; the message is one sentence that names the file."""


class AudioInfo(NamedTuple):
    """What the header of an audio file says.

    Attributes:
        samples: Number of samples per channel, at the file's own rate.
        sample_rate_hz: The file's own sample rate.
        channels: Number of channels.
        seconds: Duration, ``samples / sample_rate_hz``.
    """

    samples: int
    sample_rate_hz: int
    channels: int
    seconds: float


class AudioFile:
    """An audio file, read in spans at one sample rate: what `read_audio` does, for many spans.

    Every span is bit for bit that of the whole file, which takes care with Ogg Vorbis: libsndfile can be a
    block off after a handle's second seek (https://github.com/libsndfile/libsndfile/issues/885), so each span
    opens the file anew, and after a seek into the last page (see `ogg_pages`), so that page is read through.

    Args:
        path: A WAV, FLAC, Ogg Vorbis or MP3 file.
        sample_rate_hz: Rate of the samples that `read` returns; None keeps the file's own.
        operation: The word that opens error messages: who is reading.

    Raises:
        AudioError: The file is missing, a folder, empty or not audio, or `sample_rate_hz` is not positive.

    Example:
        >>> AudioFile("song.flac", 44100).read(start_samples=44100, length_samples=4410).shape
        (4410,)
    """

    def __init__(
        self, path: AudioPath, sample_rate_hz: int | None = None, operation: str = "read_audio"
    ) -> None:
        self.path = Path(path)
        self._operation = operation
        self._check_sample_rate(sample_rate_hz)
        self._check_path()
        with self._opened() as file:
            rate_hz, samples, channels = int(file.samplerate), int(file.frames), int(file.channels)
            is_ogg = file.format == "OGG"
        self.info = AudioInfo(samples, rate_hz, channels, samples / rate_hz)
        self.sample_rate_hz = rate_hz if sample_rate_hz is None else int(sample_rate_hz)
        if samples <= 0:
            raise self._error(f"path must name a file with at least one sample, got 0 in {self.path}")
        if samples >= UNKNOWN_LENGTH_SAMPLES:
            rule = "path must name a file whose header tells its length"
            raise self._error(f"{rule}, got {self.path} (written to a pipe? encoding it again mends it)")
        # the last sample to which a seek is exact
        self._seekable_samples = last_page_start(self.path, samples) if is_ogg else samples

    @property
    def samples(self) -> int:
        """Number of samples the whole file has at `sample_rate_hz`, rounded up."""
        return -(-self.info.samples * self.sample_rate_hz // self.info.sample_rate_hz)

    def read(self, start_samples: int, length_samples: int) -> Samples:
        """Reads the span [start_samples, start_samples + length_samples) counted at `sample_rate_hz`.

        Args:
            start_samples: First sample, in [0, samples).
            length_samples: Samples wanted, >= 1.

        Returns:
            (samples,) float32, mono, finite; fewer than `length_samples` only at the end of the file.

        Raises:
            AudioError: The span starts outside the file, cannot be decoded, or holds NaN or infinity.
        """
        if not 0 <= start_samples < self.samples:
            rule = f"start_samples must lie in [0, {self.samples}) of {self.path}"
            raise self._error(f"{rule}, got {start_samples}")
        stop_samples = min(start_samples + length_samples, self.samples)
        own_rate_hz, rate_hz = self.info.sample_rate_hz, self.sample_rate_hz
        if own_rate_hz == rate_hz:
            return self._decode(start_samples, stop_samples)
        cell_inputs, cell_outputs, ahead = self._cell()
        # A cell's outputs need the cell before it, and some samples ahead.
        first_cell = max(0, start_samples // cell_outputs - 1)
        first = first_cell * cell_inputs
        last = min(self.info.samples, -(-stop_samples // cell_outputs) * cell_inputs + ahead)
        decoded = torch.from_numpy(self._decode(first, last))
        resampled = torch.ops.singerprint.resample(decoded[None], own_rate_hz, rate_hz)[0].numpy()
        skip = start_samples - first_cell * cell_outputs
        return np.ascontiguousarray(resampled[skip : skip + stop_samples - start_samples])

    def _decode(self, first: int, last: int) -> Samples:
        """Samples [first, last) at the file's own rate, channels averaged."""
        with self._opened() as file:
            try:
                begin = min(first, self._seekable_samples)
                file.seek(begin)
                decoded = file.read(last - begin, dtype="float32", always_2d=True)[first - begin :]
            except soundfile.SoundFileError as error:
                reason = _reason(error)
                raise self._error(f"path must name an undamaged file, got {self.path} ({reason})") from error
        if len(decoded) < last - first:
            ends = f"{self.path}, which ends {last - first - len(decoded)} samples before its header says"
            raise self._error(f"path must name an undamaged file, got {ends}")
        # float64, so that averaging cannot overflow
        mono = decoded[:, 0] if decoded.shape[1] == 1 else decoded.mean(axis=1, dtype=np.float64)
        finite = np.isfinite(mono)
        if not finite.all():
            worst = int(np.argmin(finite))
            where = f"{mono[worst]} at {(first + worst) / self.info.sample_rate_hz:.3f} s of {self.path}"
            raise self._error(f"samples must be finite, got {where}")
        return np.ascontiguousarray(mono, dtype=np.float32)

    def _opened(self) -> soundfile.SoundFile:
        try:
            return soundfile.SoundFile(self.path)
        except soundfile.SoundFileError as error:
            reason = _reason(error)
            raise self._error(f"path must name a readable audio file, got {self.path} ({reason})") from error

    def _cell(self) -> tuple[int, int, int]:
        """Samples that the resampler takes and gives at a time, and those it needs ahead."""
        try:
            cell: tuple[int, int, int] = torch.ops.singerprint.resample_cell(
                self.info.sample_rate_hz, self.sample_rate_hz
            )
        except ValueError as error:  # the rates are too far apart
            rule = f"sample_rate_hz must suit the {self.info.sample_rate_hz} Hz of {self.path}"
            raise self._error(f"{rule}, got {self.sample_rate_hz}") from error
        return cell

    def _check_sample_rate(self, sample_rate_hz: int | None) -> None:
        if sample_rate_hz is None or (isinstance(sample_rate_hz, Integral) and sample_rate_hz > 0):
            return
        rule = "sample_rate_hz must be a positive whole number"
        raise self._error(f"{rule}, got {sample_rate_hz} (for {self.path})")

    def _check_path(self) -> None:
        if self.path.is_dir():
            raise self._error(f"path must name a file, got the folder {self.path}")
        if not self.path.is_file():
            raise self._error(f"path must name an existing file, got {self.path}")

    def _error(self, sentence: str) -> AudioError:
        return AudioError(f"{self._operation}: {sentence}")


def audio_info(path: AudioPath) -> AudioInfo:
    """Reads the header of an audio file.

    Args:
        path: A WAV, FLAC, Ogg Vorbis or MP3 file.

    Returns:
        Samples per channel, sample rate, channels and seconds.

    Raises:
        AudioError: The file is missing, a folder, empty or not audio.

    Example:
        >>> audio_info("song.flac").seconds
        40.0
    """
    return AudioFile(path, operation="audio_info").info


def read_audio(
    path: AudioPath,
    sample_rate_hz: int = 44100,
    start_seconds: float = 0.0,
    duration_seconds: float | None = None,
) -> Samples:
    """Reads a span of an audio file as mono at one sample rate; only that span is decoded.

    Args:
        path: A WAV, FLAC, Ogg Vorbis or MP3 file, of any rate and number of channels.
        sample_rate_hz: Rate of the returned samples, > 0.
        start_seconds: Where the span begins, in [0, duration of the file).
        duration_seconds: Length of the span, > 0; None reads to the end.

    Returns:
        (samples,) float32, channels averaged, finite. `round(duration_seconds * sample_rate_hz)` samples,
        fewer where the file ends before.

    Raises:
        AudioError: One sentence that names the file: missing, a folder, no audio, damaged, NaN or infinity in
            it, a span that starts beyond its end, or an argument outside its range.

    Example:
        >>> read_audio("song.flac", start_seconds=30.0, duration_seconds=4.0).shape
        (176400,)
    """
    file = AudioFile(path, sample_rate_hz)
    if not 0 <= start_seconds < file.info.seconds:
        rule = f"start_seconds must lie in [0, {file.info.seconds:.3f}) of {file.path}"
        raise AudioError(f"read_audio: {rule}, got {start_seconds}")
    # min: the last half sample of the file still rounds to its last sample
    start_samples = min(round(start_seconds * file.sample_rate_hz), file.samples - 1)
    if duration_seconds is None:
        return file.read(start_samples, file.samples)
    if not (math.isfinite(duration_seconds) and round(duration_seconds * file.sample_rate_hz) >= 1):
        rule = f"duration_seconds must span at least one sample of {file.path}"
        raise AudioError(f"read_audio: {rule}, got {duration_seconds}")
    return file.read(start_samples, round(duration_seconds * file.sample_rate_hz))


def _reason(error: Exception) -> str:
    """What libsndfile says, without the path that our sentence already names."""
    words = str(getattr(error, "error_string", "") or error).strip()
    return words.rstrip(".") or "damaged data"
