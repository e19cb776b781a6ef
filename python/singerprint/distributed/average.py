"""average_over_ranks: the mean of tensors over ranks, in place, such as gradients after a backward."""

from collections import defaultdict
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor

from singerprint.distributed.exchange import taking_part
from singerprint.distributed.process_group import in_group, rank_count


@torch.no_grad()
def average_over_ranks(tensors: Iterable[Tensor]) -> None:
    """Replaces each tensor by its mean over the ranks, the same bits on each; nothing outside a group.

    Tensors of one dtype and device travel together, in one all-reduce: the ranks must bring tensors of the
    same sizes in the same order.

    Args:
        tensors: floating point, of any shapes.

    Raises:
        RankError: a rank failed, left, or did not come before the process group's timeout.

    Example:
        >>> gradient = torch.tensor([1.0, 2.0])
        >>> average_over_ranks([gradient])
        >>> gradient
        tensor([1., 2.])
    """
    if not in_group():
        return
    alike: defaultdict[tuple[torch.dtype, torch.device], list[Tensor]] = defaultdict(list)
    for tensor in tensors:
        alike[tensor.dtype, tensor.device].append(tensor)
    for group in alike.values():
        flat = torch.cat([tensor.flatten() for tensor in group])
        with taking_part("average_over_ranks"):
            dist.all_reduce(flat)
        flat /= rank_count()
        for tensor, mean in zip(group, torch.split(flat, [tensor.numel() for tensor in group]), strict=True):
            tensor.copy_(mean.view_as(tensor))
