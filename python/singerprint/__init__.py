"""Embeddings of who is singing: native augmentation, log-mel, losses and encoder, and what they build."""

# PyTorch first: it loads the shared libraries that the native module links to.
import torch as _torch

from singerprint import _C as _C
from singerprint import augment, data, distributed, evaluation, frontend, losses, models
from singerprint.models import SingerEncoder, load_model

if _torch.cuda.is_available() and not _C.has_cuda:
    import warnings

    warnings.warn(
        "this build of singerprint has no CUDA kernels: CUDA tensors will be refused "
        "(rebuild with -DSINGERPRINT_CUDA=ON where nvcc is installed)",
        stacklevel=2,
    )

__version__ = "0.1.0"
__all__ = [
    "SingerEncoder",
    "__version__",
    "augment",
    "data",
    "distributed",
    "evaluation",
    "frontend",
    "load_model",
    "losses",
    "models",
]
