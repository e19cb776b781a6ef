"""Losses of a global batch and their gradients, from this process's rows, whoever holds the others."""

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from singerprint.distributed import (
    all_gather_rows,
    average_over_ranks,
    in_group,
    rank,
    rank_count,
    synchronise_batch_norm,
)
from singerprint.losses import alignment, byol, decoupled, nt_xent, uniformity, vicreg

BATCH, IN_DIM, DIM = 12, 7, 5

GATHERED = {
    "nt_xent": lambda first, second: nt_xent(first, second, 0.2),
    "decoupled": lambda first, second: decoupled(first, second, 0.1),
    "uniformity": lambda first, second: (uniformity(first) + uniformity(second)) / 2,
    "alignment": alignment,
    "vicreg": lambda first, second: vicreg(first, second, gamma=0.5),
}
LOSSES = [*GATHERED, "byol"]


class Heads(nn.Module):
    """A shared projection, and BYOL's predictor with its batch normalisation."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.projection = nn.Linear(IN_DIM, DIM, dtype=torch.float64)
        self.predictor = nn.Sequential(
            nn.Linear(DIM, 2 * DIM, bias=False),
            nn.BatchNorm1d(2 * DIM),
            nn.ReLU(),
            nn.Linear(2 * DIM, DIM),
        ).double()

    def forward(self, loss, first, second):
        first, second = self.projection(first), self.projection(second)
        if loss == "byol":  # a mean over rows: the mean of the ranks' means is that of all
            return byol(self.predictor(first), second.detach()) + byol(self.predictor(second), first.detach())
        return GATHERED[loss](all_gather_rows(first), all_gather_rows(second))


def own_views():
    """This rank's rows of two views of 12 clips."""
    generator = torch.Generator().manual_seed(1)
    views = torch.randn(2, BATCH, IN_DIM, generator=generator, dtype=torch.float64)
    share = BATCH // rank_count()
    first, second = views[:, rank() * share : (rank() + 1) * share]
    return first.requires_grad_(), second.requires_grad_()


def gradients():
    """Of each loss: its value, the rows' gradient, and the parameters' mean over ranks in both ways."""
    results = {}
    for loss in LOSSES:
        heads = synchronise_batch_norm(Heads())
        rows = first, second = own_views()
        value = heads(loss, first, second)
        value.backward()
        used = {
            name: parameter.grad for name, parameter in heads.named_parameters() if parameter.grad is not None
        }
        average_over_ranks(used.values())
        results[loss] = {"value": value.detach(), "rows": torch.stack([view.grad for view in rows])} | used
        if in_group():
            heads = synchronise_batch_norm(Heads())
            parallel = DistributedDataParallel(heads, find_unused_parameters=True)
            parallel(loss, *own_views()).backward()
            results[loss]["of DistributedDataParallel"] = heads.projection.weight.grad
    return results


def values_of_given_embeddings():
    """Of each loss: its value of embeddings that all processes know to the bit."""
    first, second = (view[:, :DIM].detach() for view in own_views())
    return {name: loss(all_gather_rows(first), all_gather_rows(second)) for name, loss in GATHERED.items()}
