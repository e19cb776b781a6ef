"""Standardization: spectrograms of mean 0 and variance 1, clip by clip."""

from typing import Literal

from torch import Tensor, nn

VARIANCE_EPS = 1e-5  # keeps silence finite, whose log-mel is constant; those of music vary by 1 to 20


def standardize(
    spectrograms: Tensor, over: Literal["clip", "frames"] = "clip", eps: float = VARIANCE_EPS
) -> Tensor:
    """Takes the mean away from each clip and divides by its deviation: ``(x - mean) / sqrt(variance + eps)``.

    What is taken away is a level (in a logarithm, a gain), or with ``over="frames"`` a colouring, mel by mel.
    Mean and variance are the clip's own, never the batch's: an embedding must not depend on who else is in
    its batch. They are taken in float32 also of half precision.

    Args:
        spectrograms: ``(batch, mels, frames)`` floating point.
        over: ``"clip"``, one mean and variance for all of a clip, as ``SingerEncoder`` has it; or
            ``"frames"``, one for each mel of it, as the VoxCeleb trainer's instance norm.
        eps: added to the variance, positive.

    Returns:
        ``(batch, mels, frames)`` of the same dtype.

    Raises:
        ValueError: the shape, ``over`` or ``eps`` does not fit.

    Example:
        >>> import torch, singerprint as sp
        >>> spectrograms = sp.frontend.log_mel(torch.randn(2, 44100))
        >>> sp.frontend.standardize(spectrograms).std(dim=(1, 2), correction=0)
        tensor([1.0000, 1.0000])
    """
    if spectrograms.dim() != 3:
        raise ValueError(
            f"standardize: spectrograms must have shape (batch, mels, frames), got {list(spectrograms.shape)}"
        )
    if over not in {"clip", "frames"}:
        raise ValueError(f"standardize: over must be clip or frames, got {over}")
    if not eps > 0:
        raise ValueError(f"standardize: eps must be positive, got {eps}")
    # Layer norm over the last dimensions is exactly the formula above, in one pass and float32 also under
    # autocast.
    shape = spectrograms.shape[1:] if over == "clip" else spectrograms.shape[2:]
    result: Tensor = nn.functional.layer_norm(spectrograms, list(shape), eps=eps)
    return result
