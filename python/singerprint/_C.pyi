"""The native module: importing it registers ``torch.ops.singerprint.*``."""

has_cuda: bool

def instruction_set() -> str:
    """Instruction set of the CPU kernels: 'baseline', 'avx2', 'avx512' or 'avx512_bf16'."""

def efficientnet_layout(
    variant: str, in_channels: int, embedding_dim: int
) -> list[tuple[str, list[int], str]]:
    """Key, shape and kind of every tensor of an EfficientNet, in the order of the state dict.

    Variants are 'efficientnet_b0' and 'efficientnet_b4'.
    The kinds are 'convolution', 'linear', 'bias', 'norm_weight' (parameters) and 'running_mean',
    'running_var', 'num_batches_tracked' (buffers).
    """

def efficientnet_shortcuts(variant: str) -> list[bool]:
    """Whether each block of an EfficientNet has a shortcut around it, in their order."""

def vit_layout(
    channels: int,
    mels: int,
    frames: int,
    embedding_dim: int,
    patch: int,
    dim: int,
    layers: int,
    hidden: int,
) -> list[tuple[str, list[int], str, float]]:
    """Key, shape and first values of every tensor of a vision transformer, in the op's order.

    First values are 'normal' or 'truncated_normal' of that deviation, 'uniform' within that bound, or
    'constant'.
    """

def cnn_transformer_layout(
    channels: int,
    mels: int,
    embedding_dim: int,
    front_channels: int,
    dim: int,
    layers: int,
    hidden: int,
) -> list[tuple[str, list[int], str, float]]:
    """The same of convolutions and transformer blocks over time."""
