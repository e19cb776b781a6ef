"""Stands in for ``singer_identity``, the published code of the released models: one import changes.

    from singerprint.compat.singer_identity import load_model

    model = load_model("byol")
    embeddings = model(waveforms)

It divides by the maximum of the batch, as the published forward does: its purpose is to give the same
figures. `singerprint.load_model` does not, and is what new code should call.

Programs that say ``from singer_identity import load_model`` and cannot be changed find it after
``sys.modules["singer_identity"] = singerprint.compat.singer_identity``, or where the distribution
``singerprint-singer-identity`` (folder ``compat`` of the repository) is installed.

Source: https://github.com/SonyCSLParis/ssl-singer-identity at 24751d1, ``singer_identity/model.py``.
"""

from __future__ import annotations

import os
import warnings

from torch import Tensor, nn

from singerprint.frontend import LogMel
from singerprint.models import ReleasedEncoder, SingerEncoder
from singerprint.models import load_model as load_encoder
from singerprint.models.normalization import NORMALIZATIONS
from singerprint.models.released_encoder import RELEASED_RATE_HZ, released_clips
from singerprint.models.released_source import HUB_SOURCE

__all__ = ["HF_SOURCE", "Encoder", "FeatureExtractor", "IdentityEncoder", "load_model"]

HF_SOURCE = HUB_SOURCE


class FeatureExtractor(nn.Module):
    """Mel powers of waveforms at `input_sr`; without tensors of its own.

    Args:
        input_sr: Sample rate in Hz of the waveforms; other rates than 44,100 Hz are resampled.
    """

    def __init__(self, input_sr: int = RELEASED_RATE_HZ) -> None:
        super().__init__()
        self.input_sr = input_sr
        self.spec_layer = LogMel.preset("released", log="none", log_offset=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Gives ``(batch, 128, frames)`` of waveforms of the shapes that the model takes."""
        powers: Tensor = self.spec_layer(released_clips(x, self.input_sr))
        return powers


class Encoder(nn.Module):
    """Embeddings of mel powers: logarithm, normalisation by the maximum of the batch, EfficientNet-B0.

    Args:
        encoder: Whose network and normalisation it has.
    """

    def __init__(self, encoder: SingerEncoder) -> None:
        super().__init__()
        self.network = encoder.network
        self.log_offset = encoder.config.log_offset
        self.normalization = encoder.config.normalization

    def forward(self, x: Tensor) -> Tensor:
        """Gives ``(batch, dim)`` of ``(batch, 128, frames)``."""
        images = NORMALIZATIONS[self.normalization].images((x + self.log_offset).log())
        embeddings: Tensor = self.network(images.to(self.network.dtype))
        return embeddings


class IdentityEncoder(nn.Module):
    """What the published `load_model` gives: ``encoder(feature_extractor(x))``.

    Args:
        feature_extractor: From waveforms to mel powers.
        encoder: From mel powers to embeddings.
    """

    def __init__(self, feature_extractor: FeatureExtractor, encoder: Encoder) -> None:
        super().__init__()
        self.feature_extractor = feature_extractor
        self.encoder = encoder

    def forward(self, x: Tensor) -> Tensor:
        """Gives ``(batch, dim)`` of ``(batch, samples)``, ``(samples,)`` or ``(batch, 1, samples)``."""
        embeddings: Tensor = self.encoder(self.feature_extractor(x))
        return embeddings


def load_model(
    model: str | os.PathLike[str],
    source: str | os.PathLike[str] = HF_SOURCE,
    torchscript: bool = False,
    savedir: str | os.PathLike[str] | None = None,
    input_sr: int = RELEASED_RATE_HZ,
) -> IdentityEncoder:
    """Reads a released model, with the arguments of the published function.

    Args:
        model: ``byol``, ``contrastive``, ``contrastive-vc``, ``uniformity`` or ``vicreg``, or a folder below
            `source`.
        source: A folder, or the id of a Hugging Face repository.
        torchscript: Ignored with a warning.
        savedir: Ignored with a warning: what is fetched lies in huggingface_hub's cache.
        input_sr: Sample rate in Hz of the waveforms.

    Returns:
        The model, in eval mode, with `feature_extractor` and `encoder`.

    Raises:
        ModelError: See `singerprint.load_model`.

    Example:
        >>> load_model("byol", source=".")
        Traceback (most recent call last):
        ...
        singerprint.models.model_error.ModelError: load_model: source . holds no folder byol
    """
    if savedir is not None:
        warnings.warn("load_model: savedir is ignored, the hub's cache keeps what is fetched", stacklevel=2)
    encoder = load_encoder(model, source, input_sr=input_sr, torchscript=torchscript, reference=True)
    assert isinstance(encoder, ReleasedEncoder)  # of a source nothing else comes
    return IdentityEncoder(FeatureExtractor(encoder.input_rate_hz), Encoder(encoder)).eval()
