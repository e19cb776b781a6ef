"""VICReg, forward and backward, against lightly and the plain PyTorch expression, at equal results."""

import torch
from benchmarks.harness import Row, compare, machine_facts
from benchmarks.losses.steps import checked_steps
from lightly.loss import VICRegLoss
from torch import Tensor

from singerprint.losses import vicreg

# The papers' batch with their projection and with their embedding, and more rows than columns.
SHAPES = ((140, 128), (140, 1000), (256, 4096), (1024, 128), (1024, 1000))


def off_diagonal(matrix: Tensor) -> Tensor:
    dim = len(matrix)
    return matrix.flatten()[:-1].view(dim - 1, dim + 1)[:, 1:]


def plain_torch(first: Tensor, second: Tensor) -> Tensor:
    loss = 25 * torch.nn.functional.mse_loss(first, second)
    for view in (first, second):
        batch, dim = view.shape
        loss = loss + 25 * torch.relu(1 - torch.sqrt(view.var(dim=0) + 1e-4)).mean() / 2
        centred = view - view.mean(dim=0)
        loss = loss + off_diagonal(centred.T @ centred / (batch - 1)).pow(2).sum() / dim
    return loss


def run() -> list[Row]:
    losses = {"singerprint": vicreg, "plain torch": plain_torch, "lightly": VICRegLoss()}
    peak = machine_facts()["matmul_gflop_per_s"]
    rows = []
    for batch, dim in SHAPES:
        torch.manual_seed(0)
        first, second = (torch.randn(batch, dim, requires_grad=True) for _ in range(2))
        for row in compare(
            f"{batch:,} x {dim:,}",
            checked_steps(losses, first, second),
            # Of each view half the smaller symmetric square, and its product with the view; ours in float64.
            flops=2 * 3 * batch * dim * min(batch, dim),
            seconds=2.0,
        ):
            rows.append({**row, "share_of_matmul": row["gflop_per_s"] / peak})
    return rows
