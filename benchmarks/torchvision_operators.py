"""Lets torchvision, and lightly which needs it, be imported beside a CPU-only PyTorch.

A CUDA build of torchvision, which is what package indices carry, looks for these two operators at import.
"""

import torch

# A CUDA build of PyTorch, with or without a GPU, lets torchvision define them itself.
if torch.version.cuda is None:
    library = torch.library.Library("torchvision", "DEF")  # kept: the operators live as long as it does
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
