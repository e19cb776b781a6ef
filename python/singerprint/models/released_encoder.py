"""ReleasedEncoder: a SingerEncoder of the released models' kind, called as the published code calls them."""

from __future__ import annotations

from torch import Tensor

from singerprint.frontend import LOG_MEL_PRESETS, resample
from singerprint.models.encoder_config import EncoderConfig
from singerprint.models.singer_encoder import SingerEncoder

RELEASED_RATE_HZ = 44100
FRONT_END = LOG_MEL_PRESETS["released"]


def released_config(
    embedding_dim: int = 1000, reference: bool = False, network: str = "efficientnet_b0"
) -> EncoderConfig:
    """What the released models hear.

    Args:
        embedding_dim: Length of an embedding.
        reference: Whether clips are divided by the maximum of their batch, as in the published forward.
        network: One of ``models.networks.NETWORKS``; what was released is ``efficientnet_b0``.

    Returns:
        The configuration: 128 mel filters for 22,050 Hz on 44,100 Hz, natural logarithm of power + 1e-8.

    Example:
        >>> released_config().filter_rate_hz
        22050
    """
    return EncoderConfig(
        sample_rate_hz=RELEASED_RATE_HZ,
        filter_rate_hz=FRONT_END["sample_rate_hz"],
        n_fft=FRONT_END["n_fft"],
        hop_length=FRONT_END["hop_length"],
        n_mels=FRONT_END["n_mels"],
        embedding_dim=embedding_dim,
        normalization="batch_maximum" if reference else "clip_maximum",
        network=network,
    )


class ReleasedEncoder(SingerEncoder):
    """What `load_model` gives for a released model.

    Called, it takes waveforms in any of the three shapes that the published ``IdentityEncoder`` takes, at
    `input_rate_hz`. `embed` and `embed_batch` are those of every encoder: files of any rate, and batches at
    `sample_rate_hz`, which is 44,100 Hz.

    Args:
        config: Front end, network and window.
        input_rate_hz: Sample rate of what `forward` is given; other rates than 44,100 Hz are resampled.

    Raises:
        ValueError: `input_rate_hz` is no positive whole number.

    Example:
        >>> import torch
        >>> encoder = ReleasedEncoder(released_config(embedding_dim=16), input_rate_hz=16000).eval()
        >>> encoder(torch.randn(16000)).shape
        torch.Size([1, 16])
    """

    def __init__(self, config: EncoderConfig, input_rate_hz: int = RELEASED_RATE_HZ) -> None:
        if not (isinstance(input_rate_hz, int) and input_rate_hz > 0):
            raise ValueError(f"load_model: input_sr must be a positive whole number, got {input_rate_hz}")
        super().__init__(config)
        self.input_rate_hz = input_rate_hz

    def forward(self, waveforms: Tensor) -> Tensor:
        """Embeds each clip.

        Args:
            waveforms: ``(batch, samples)``, ``(samples,)`` or ``(batch, 1, samples)``, float32 or float64 at
                `input_rate_hz`; at 44,100 Hz at least 1,025 samples.

        Returns:
            ``(batch, dim)``.

        Raises:
            ValueError: The shape does not fit, there is no clip, or it is too short.
            TypeError: The dtype is neither float32 nor float64.
        """
        return super().forward(released_clips(waveforms, self.input_rate_hz))


def released_clips(waveforms: Tensor, input_rate_hz: int) -> Tensor:
    """Brings what ``IdentityEncoder`` takes to ``(batch, samples)`` at 44,100 Hz.

    Args:
        waveforms: ``(batch, samples)``, ``(samples,)`` or ``(batch, 1, samples)`` at `input_rate_hz`.
        input_rate_hz: A positive whole number.

    Returns:
        ``(batch, samples)``.

    Raises:
        ValueError: The shape is another.
        TypeError: The rate has to be changed, and the dtype is neither float32 nor float64.

    Example:
        >>> import torch
        >>> released_clips(torch.zeros(2, 1, 22050), input_rate_hz=22050).shape
        torch.Size([2, 44100])
    """
    clips = waveforms
    if waveforms.dim() == 1:
        clips = waveforms.unsqueeze(0)
    elif waveforms.dim() == 3 and waveforms.shape[1] == 1:
        clips = waveforms.squeeze(1)
    if clips.dim() != 2:
        raise ValueError(
            "released_encoder: waveforms must have shape (samples,), (batch, samples) or "
            f"(batch, 1, samples), got {list(waveforms.shape)}"
        )
    if input_rate_hz == RELEASED_RATE_HZ:
        return clips
    return resample(clips, input_rate_hz, RELEASED_RATE_HZ)
