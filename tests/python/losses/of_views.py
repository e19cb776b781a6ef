"""Arguments of every loss over anchors, made of two views and a temperature, for the laws that all obey."""

import torch

MARGIN = 0.2


def two_views(first, second, temperature):
    return first, second, temperature


def rows_of_singers(first, second, temperature):
    """Three or four rows of every singer, not side by side."""
    rows = torch.cat([first, second])
    return rows, torch.arange(len(rows), device=rows.device) % (len(rows) // 3), temperature


def rows_and_classes(first, second, temperature):
    singers = torch.arange(len(first), device=first.device).flip(0)
    return first, second, singers, 1 / temperature, MARGIN


ARGUMENTS = {
    "nt_xent": two_views,
    "decoupled": two_views,
    "cross_decoupled": two_views,
    "supervised_nt_xent": rows_of_singers,
    "am_softmax": rows_and_classes,
}
