"""The native module: importing it registers ``torch.ops.singerprint.*``."""

has_cuda: bool

def instruction_set() -> str:
    """Instruction set of the CPU kernels: 'baseline', 'avx2' or 'avx512'."""
