"""SyncBatchNorm1d: batch normalisation with the statistics of all ranks' rows, on gloo as on NCCL.

    mean = mean over ranks of mean[r]
    variance = mean over ranks of (variance[r] + (mean[r] - mean)^2)           Chan, Golub, LeVeque 1983
    result = weight * z + bias,   z = (rows - mean) / sqrt(variance + eps)
    gradient of rows = weight / sqrt(variance + eps) * (g - mean over all rows of g - z * mean of g * z)

`torch.nn.SyncBatchNorm` refuses CPU tensors, and this one is exact to `torch.nn.BatchNorm1d` of the global
batch. Gradients of weight and bias are the rank's own share: their mean over ranks is that of one process.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from singerprint.distributed.all_gather_rows import gather_parts, same_rows
from singerprint.distributed.exchange import taking_part
from singerprint.distributed.process_group import in_group, rank_count

OPERATION = "SyncBatchNorm1d"


class SyncBatchNorm1d(nn.BatchNorm1d):
    """`torch.nn.BatchNorm1d` of the global batch: the rows of all ranks, as many on each.

    Same arguments, parameters, buffers and state dict. In eval mode and outside a process group it is
    `torch.nn.BatchNorm1d` itself. Float16 and bfloat16 rows are normalised in float32.

    Raises (in training, within a process group, on every rank):
        ValueError: rows are not ``(batch, num_features)``, differ in shape, dtype or device between ranks, or
            there is one row in all.
        RankError: a rank failed, left, or did not come before the process group's timeout.

    Example:
        >>> import torch, singerprint as sp
        >>> layer = sp.distributed.SyncBatchNorm1d(3)
        >>> layer(torch.randn(8, 3)).mean(0).abs().max() < 1e-6
        tensor(True)
    """

    def forward(self, rows: Tensor) -> Tensor:
        """Normalises ``(batch, num_features)`` rows of this rank."""
        if not (self.training and in_group()):
            return super().forward(rows)
        same_rows(OPERATION, rows)
        if rows.ndim != 2 or rows.shape[1] != self.num_features:
            raise ValueError(
                f"{OPERATION}: rows must have shape (batch, {self.num_features}), got {list(rows.shape)}"
            )
        all_rows = len(rows) * rank_count()
        if all_rows < 2:
            raise ValueError(f"{OPERATION}: rows must be at least 2 over all ranks, got {all_rows}")
        wide = rows.to(torch.promote_types(rows.dtype, torch.float32))
        mean, variance = _statistics_of_all(wide.detach())
        self._follow(mean, variance * (all_rows / (all_rows - 1)))
        normalised: Tensor = _Normalise.apply(wide, mean, torch.rsqrt(variance + self.eps))  # type: ignore[no-untyped-call]
        if self.weight is not None:
            normalised = normalised * self.weight
        if self.bias is not None:
            normalised = normalised + self.bias
        return normalised.to(rows.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, unbiased_variance: Tensor) -> None:
        """Moves the running statistics."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        for running, new in ((self.running_mean, mean), (self.running_var, unbiased_variance)):
            if self.momentum is None:  # the mean of all batches
                share = self.num_batches_tracked.to(running.dtype).reciprocal()
                running.lerp_(new.to(running.dtype), share)
            else:
                running.lerp_(new.to(running.dtype), self.momentum)


def synchronise_batch_norm(module: nn.Module) -> nn.Module:
    """Makes every `torch.nn.BatchNorm1d` of a tree of modules a `SyncBatchNorm1d` with the same tensors.

    For the heads of an objective. Other layers stay: batch normalisation of an encoder's convolutions is per
    rank, as in the papers' training.

    Args:
        module: changed in place; optimisers and state dicts that know its parameters stay valid.

    Returns:
        The module; another one only where `module` itself is a `torch.nn.BatchNorm1d`.

    Example:
        >>> from torch import nn
        >>> head = synchronise_batch_norm(nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)))
        >>> [type(layer).__name__ for layer in head]
        ['Linear', 'SyncBatchNorm1d']
    """
    if type(module) is nn.BatchNorm1d:
        twin = SyncBatchNorm1d(
            module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats
        )
        twin._parameters, twin._buffers = module._parameters, module._buffers
        return twin.train(module.training)
    for name, child in module.named_children():
        setattr(module, name, synchronise_batch_norm(child))
    return module


def _statistics_of_all(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance, (dim,) each, of all ranks' rows (batch, dim)."""
    own = torch.stack([rows.mean(0), rows.var(0, correction=0)])
    means, variances = gather_parts(OPERATION, own).unbind(1)
    mean = means.mean(0)
    return mean, (variances + (means - mean).square()).mean(0)


class _Normalise(torch.autograd.Function):
    """(rows - mean) * scale, where mean and scale follow from the rows of all ranks."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - PyTorch's context takes any attribute
        rows: Tensor,
        mean: Tensor,
        scale: Tensor,
    ) -> Tensor:
        normalised = (rows - mean) * scale
        ctx.save_for_backward(normalised, scale)
        return normalised

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any,  # noqa: ANN401 - as above
        gradient: Tensor,
    ) -> tuple[Tensor, None, None]:
        normalised, scale = ctx.saved_tensors
        means = torch.stack([gradient.mean(0), (gradient * normalised).mean(0)])
        with taking_part(f"{OPERATION}'s backward"):
            dist.all_reduce(means)
        mean, mean_product = means / rank_count()
        return scale * (gradient - mean - normalised * mean_product), None, None
