"""Encoders for other runtimes: one graph from waveforms to embeddings, of PyTorch's or ONNX's operators."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import math
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from singerprint.atomic_file import write_files
from singerprint.frontend import PortableLogMel
from singerprint.models.normalization import NORMALIZATIONS, at_full_scale
from singerprint.models.singer_encoder import SingerEncoder

OPSET = 18  # of ONNX: the lowest that PyTorch's exporter writes by itself
INPUT, OUTPUT = "waveforms", "embeddings"
METADATA_KEY = "singerprint"


class PortableEncoder(nn.Module):
    """A `SingerEncoder` of PyTorch's operators alone, in eval mode and float32: what can be exported.

    ``torch.export.export`` takes it with dynamic batch and length (from 32 frames on, 16,384 samples), and
    what it gives loads where this package is not installed. One call embeds one window of each clip, as
    `SingerEncoder.embed_batch` does; files, sample rates and the mean over the windows of a long clip are
    left to the caller, and so are checks.

    Args:
        encoder: Is copied, not changed.

    Example:
        >>> import torch, singerprint as sp
        >>> encoder = sp.SingerEncoder.untrained(embedding_dim=16)
        >>> PortableEncoder(encoder)(torch.randn(2, 44100)).shape
        torch.Size([2, 16])
    """

    def __init__(self, encoder: SingerEncoder) -> None:
        super().__init__()
        self.peak_normalize = encoder.config.peak_normalize
        self.log_mel = PortableLogMel(**encoder.log_mel_options)
        self.images = NORMALIZATIONS[encoder.config.normalization].images
        self.network = copy.deepcopy(encoder.network).cpu().float()
        self.eval().requires_grad_(False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Gives ``(batch, dim)`` of ``(batch, samples)`` float32 at the encoder's rate."""
        if self.peak_normalize:
            waveforms = at_full_scale(waveforms)
        embeddings: Tensor = self.network(self.images(self.log_mel(waveforms)))
        return embeddings


def export_onnx(encoder: SingerEncoder, path: str | os.PathLike[str], seconds: float | None = None) -> None:
    """Writes an encoder as ONNX: input ``waveforms`` (batch, samples), output ``embeddings`` (batch, dim).

    The graph holds log-mel, normalisation and network, all in float32, for any batch; its metadata has the
    encoder's configuration under ``singerprint``, as JSON. It is one window of `embed_batch`: clips longer
    than ``window_seconds`` are the mean over windows.

    Args:
        encoder: Is not changed.
        path: File to write, ``.onnx``; afterwards it is whole, or what it was before.
        seconds: Length of every clip; None leaves it open, at least 0.1 s. Runtimes plan better for a length
            that they know.

    Raises:
        ValueError: `seconds` is below 0.1 or not finite, the path does not end in ``.onnx``, or the extra
            ``onnx`` is not installed.
        OSError: The file cannot be written.

    Example:
        >>> import singerprint as sp
        >>> encoder = sp.SingerEncoder.untrained()
        >>> export_onnx(encoder, "encoder.onnx", seconds=4)  # doctest: +SKIP
    """
    path, config = Path(path), encoder.config
    if path.suffix != ".onnx":
        raise ValueError(f"export: path must end in .onnx, got {path}")
    if seconds is not None and not config.minimum_samples <= seconds * config.sample_rate_hz < math.inf:
        raise ValueError(f"export: seconds must be at least 0.1 and finite, got {seconds}")
    samples = config.window_samples if seconds is None else round(seconds * config.sample_rate_hz)
    dynamic = {0: torch.export.Dim("batch")}
    if seconds is None:
        dynamic[1] = torch.export.Dim("samples", min=config.minimum_samples)
    program = _exported(PortableEncoder(encoder), torch.zeros(2, samples), dynamic)
    description = {"config": config.to_dict(), "samples": None if seconds is None else samples}
    program.model.metadata_props[METADATA_KEY] = json.dumps(description)
    with contextlib.closing(io.BytesIO()) as file:
        program.save(file)
        write_files({path: file.getvalue()})


def _exported(portable: PortableEncoder, waveforms: Tensor, dynamic: dict[int, Any]) -> Any:  # noqa: ANN401
    try:
        import onnxscript  # noqa: F401, PLC0415 - an optional extra
    except ImportError:
        raise ValueError(
            "export: ONNX files must be written with onnxscript, which is not installed "
            "(pip install singerprint[onnx])"
        ) from None
    with torch.no_grad():
        return torch.onnx.export(
            portable,
            (waveforms,),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes={"waveforms": dynamic},
        )
