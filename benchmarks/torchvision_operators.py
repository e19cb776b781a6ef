"""Lets torchvision, and lightly which needs it, be imported beside a CPU-only PyTorch.

A CUDA build of torchvision, which is what package indices carry, looks for these two operators at import.
"""

import torch

# Kept: the operators live as long as the library object.
library = torch.library.Library("torchvision", "DEF")
if not torch.cuda.is_available():
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
