"""SingerEncoder: from waveforms to embeddings of who is singing.

    spectrogram = log_mel(waveform)                                              # (mels, frames)
    normalized = (spectrogram - mean(spectrogram)) / sqrt(var(spectrogram) + 1e-5)
    embedding = network(normalized)                                              # (dim,)

Mean and variance are those of the clip itself: whatever else is in the batch, and however loud the clip is,
its embedding stays the same. The network is EfficientNet-B0 unless the `EncoderConfig` names another, and so
is the normalization: the released models were trained with another one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from singerprint.data import Clip, as_clip
from singerprint.frontend import log_mel
from singerprint.models.encoder_config import EncoderConfig
from singerprint.models.initialize import initialize
from singerprint.models.networks import NETWORKS
from singerprint.models.normalization import NORMALIZATIONS, at_full_scale
from singerprint.models.windows import frame_windows, windows_of

# Windows of a long file that are embedded at once: beyond 16 a window costs no less, only memory.
WINDOWS_PER_BATCH = 16


class SingerEncoder(nn.Module):
    """Log-mel spectrogram, per-clip normalisation and a network; the weights come from `load_model`.

    Args:
        config: Front end, network and window.
        seed: Of the initial weights.

    Example:
        >>> import torch, singerprint as sp
        >>> encoder = sp.SingerEncoder.untrained(seed=0)
        >>> encoder.embed(torch.randn(44100)).shape
        torch.Size([1000])
    """

    def __init__(self, config: EncoderConfig | None = None, *, seed: int = 0) -> None:
        super().__init__()
        self.config = EncoderConfig() if config is None else config
        self.network = NETWORKS[self.config.network](self.config.network_shape, seed)

    @classmethod
    def untrained(
        cls,
        seed: int = 0,
        init: str | os.PathLike[str] | None = None,
        **options: Any,  # noqa: ANN401 - EncoderConfig types them
    ) -> SingerEncoder:
        """Makes an encoder that has heard no singing yet, in eval mode.

        Args:
            seed: Of the random weights.
            init: None for random weights, or a source of weights of photographs, such as ``"imagenet"`` or a
                file of torchvision's or timm's EfficientNet-B0; see `models.initialize`.
            **options: Fields of `EncoderConfig`.

        Returns:
            The encoder: where training starts, and the baseline that it must beat.

        Raises:
            ValueError: A value is out of range, or the source cannot be had (a ``ModelError``).
            TypeError: An option is none of `EncoderConfig`'s.

        Example:
            >>> import singerprint as sp
            >>> sp.SingerEncoder.untrained(seed=1, embedding_dim=16).dim
            16
        """
        encoder = cls(EncoderConfig(**options), seed=seed)
        if init is not None:
            initialize(encoder.network, init)
        return encoder.eval()

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self.config.embedding_dim

    @property
    def sample_rate_hz(self) -> int:
        """Sample rate of the waveforms."""
        return self.config.sample_rate_hz

    def forward(self, waveforms: Tensor) -> Tensor:
        """Embeds each clip; in training mode batch norms use the batch, and gradients reach the weights.

        Args:
            waveforms: ``(batch, samples)`` float32 or float64 at `sample_rate_hz`, of any level.

        Returns:
            ``(batch, dim)``, of the weights' dtype.

        Raises:
            ValueError: The shape does not fit, or a clip is too short for the front end.
            TypeError: The dtype is neither float32 nor float64.
        """
        embeddings: Tensor = self.network(self.front_end(waveforms))
        return embeddings

    def front_end(self, waveforms: Tensor) -> Tensor:
        """Gives what the network sees: the normalised log-mel of ``(batch, samples)`` at `sample_rate_hz`.

        Returns:
            ``(batch, channels, mels, frames)``, of the weights' dtype.

        Raises:
            ValueError: The shape does not fit, or a clip is too short.
            TypeError: The dtype is neither float32 nor float64.
        """
        if self.config.peak_normalize:
            waveforms = at_full_scale(waveforms)
        spectrograms = log_mel(waveforms, **self.log_mel_options)  # (batch, mels, frames)
        return NORMALIZATIONS[self.config.normalization].images(spectrograms).to(self.network.dtype)

    @property
    def log_mel_options(self) -> dict[str, Any]:
        """The options of `frontend.log_mel` that its configuration stands for."""
        config = self.config
        return {
            "sample_rate_hz": config.filter_rate_hz or config.sample_rate_hz,
            "n_fft": config.n_fft,
            "hop_length": config.hop_length,
            "n_mels": config.n_mels,
            "fmin_hz": config.fmin_hz,
            "fmax_hz": config.fmax_hz,
            "mel_scale": config.mel_scale,
            "mel_norm": config.mel_norm,
            "log_offset": config.log_offset,
        }

    def embed_batch(self, waveforms: Tensor) -> Tensor:
        """Embeds each clip in eval mode and without gradients, whatever mode the encoder is in.

        With weights of bfloat16, or in an autocast region of it, the network is computed in bfloat16: on a
        CPU that multiplies it the faster way, elsewhere float32 with rounded embeddings.

        Args:
            waveforms: ``(batch, samples)`` float32 or float64 at `sample_rate_hz`, at least 0.1 s, finite; on
                any device.

        Returns:
            ``(batch, dim)`` float32, on the encoder's device.

        Raises:
            ValueError: The shape does not fit, there is no clip, it is too short, or it holds NaN or
                infinity.
            TypeError: The waveforms are not a tensor, or neither float32 nor float64.

        Example:
            >>> import torch, singerprint as sp
            >>> sp.SingerEncoder.untrained(embedding_dim=16).embed_batch(torch.randn(2, 44100)).shape
            torch.Size([2, 16])
        """
        self._check_batch(waveforms)
        with torch.inference_mode(), _evaluating(self):
            embeddings: Tensor = self.network(self.front_end(waveforms.to(self.network.device)))
        # A copy made outside inference mode: a classifier may be trained on it.
        return embeddings.float().clone()

    def embed(
        self,
        clip: Clip,
        sample_rate_hz: int | None = None,
    ) -> Tensor:
        """Embeds one clip of any length from 0.1 s: the mean over the embeddings of its windows.

        A clip of at most `config.window_seconds` is one window, of its own length. A longer one is covered by
        as few windows as possible, evenly spaced, the first at its start and the last at its end.

        Args:
            clip: Path of an audio file, or ``(samples,)`` floating point samples; any level.
            sample_rate_hz: Of the samples, > 0; None says that they have the encoder's. For a file it is
                None: the file tells its own. Other rates than the encoder's are resampled.

        Returns:
            ``(dim,)`` float32, on the encoder's device.

        Raises:
            ValueError: The file cannot be read or is too short (an ``AudioError``, which names it), or the
                samples are not one clip, too short or not finite.
            TypeError: The samples are not floating point.

        Example:
            >>> import torch, singerprint as sp
            >>> encoder = sp.SingerEncoder.untrained(embedding_dim=16)
            >>> encoder.embed(torch.randn(16000), sample_rate_hz=16000).shape
            torch.Size([16])
        """
        waveform = as_clip(clip, sample_rate_hz, self.sample_rate_hz, self.config.minimum_samples)
        windows = windows_of(waveform, self.config.window_samples, WINDOWS_PER_BATCH)
        return torch.cat([self.embed_batch(batch) for batch in windows]).mean(dim=0)

    @property
    def frame_hop_samples(self) -> int:
        """Samples from one frame of `frames` to the next: 16,384, or 0.37 s, of an EfficientNet.

        Raises:
            ValueError: The network embeds no frames.
        """
        return self.network.frame_stride * self.config.hop_length

    def frames(self, clip: Clip, sample_rate_hz: int | None = None) -> Tensor:
        """Embeds a clip of any length from 0.1 s frame by frame: who is singing when.

        Frame i is centred on sample ``i * frame_hop_samples``, and what it hears reaches to both sides. It is
        embedded as a clip of that frame alone would be, so it can be compared with other embeddings; of the
        networks that take the mean over frames (``efficientnet_b0``, ``_b4``), the mean over the frames of a
        clip of one window is its embedding. A clip longer than `config.window_seconds` is embedded in windows
        of whole frames, one behind the other, each normalised alone.

        Args:
            clip: As of `embed`.
            sample_rate_hz: As of `embed`.

        Returns:
            ``(1 + samples // frame_hop_samples, dim)`` float32, on the encoder's device; samples at
            `sample_rate_hz` of the encoder.

        Raises:
            ValueError: As of `embed`, or the network embeds no frames.
            TypeError: The samples are not floating point.

        Example:
            >>> import torch, singerprint as sp
            >>> encoder = sp.SingerEncoder.untrained(embedding_dim=16)
            >>> encoder.frames(torch.randn(441000)).shape
            torch.Size([27, 16])
        """
        hop_samples = self.frame_hop_samples
        waveform = as_clip(clip, sample_rate_hz, self.sample_rate_hz, self.config.minimum_samples)
        found = []
        for window, wanted in frame_windows(waveform, self.config.window_samples, hop_samples):
            with torch.inference_mode(), _evaluating(self):
                images = self.front_end(window[None].to(self.network.device))
                found.append(self.network.frame_embeddings(images)[0, wanted])
        return torch.cat(found).float().clone()

    def _check_batch(self, waveforms: Tensor) -> None:
        if not isinstance(waveforms, Tensor):
            raise TypeError(f"embed_batch: waveforms must be a tensor, got {type(waveforms).__name__}")
        rule = None
        if waveforms.dim() != 2:
            rule, got = "have shape (batch, samples)", f"{list(waveforms.shape)}"
        elif waveforms.shape[0] == 0:
            rule, got = "hold at least one clip", f"{list(waveforms.shape)}"
        elif waveforms.shape[1] < self.config.minimum_samples:
            rule, got = f"hold at least {self.config.minimum_samples} samples", f"{list(waveforms.shape)}"
        elif waveforms.is_floating_point() and not bool(waveforms.isfinite().all()):
            clips = (~waveforms.isfinite().all(dim=1)).nonzero().flatten().tolist()
            rule, got = "be finite", f"NaN or infinity in clip {clips[0]}"
        if rule is not None:
            raise ValueError(f"embed_batch: waveforms must {rule}, got {got}")


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    # Each module gets its own mode back: a part of it may have been frozen in eval mode.
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
