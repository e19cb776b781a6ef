"""Whether EfficientNet went through own kernels, which nothing but the profiler sees."""

from torch.autograd.profiler import profile


def is_native(function):
    """Whether no convolution of PyTorch ran."""
    with profile(use_kineto=True) as profiler:
        function()
    # Names alone: averages by key take seconds to make.
    return not any("conv" in event.name() for event in profiler.kineto_results.events())
