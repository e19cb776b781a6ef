"""The native module itself: what it registers, and what a build without CUDA kernels says."""

import pytest
import torch

import singerprint as sp

NATIVE_OPS = sorted(
    name
    for name in torch._C._dispatch_get_all_op_names()
    if name.startswith("singerprint::") and torch._C._dispatch_has_kernel_for_dispatch_key(name, "CPU")
)


def test_the_native_ops_are_found():
    assert {"singerprint::gain", "singerprint::log_mel", "singerprint::nt_xent_backward"} <= set(NATIVE_OPS)


@pytest.mark.parametrize("name", NATIVE_OPS)
@pytest.mark.parametrize("key", ["CUDA", "Meta"])
def test_every_native_op_has_a_kernel_or_a_refusal(name, key):
    assert torch._C._dispatch_has_kernel_for_dispatch_key(name, key)


EMBEDDINGS = (torch.ones(2, 3), torch.ones(2, 3))


@pytest.mark.skipif(sp._C.has_cuda, reason="this build has CUDA kernels")
@pytest.mark.parametrize(
    ("op", "arguments"),
    [
        ("gain", (torch.ones(1, 4), torch.zeros(1))),
        ("nt_xent_backward", (torch.ones(()), *EMBEDDINGS, torch.ones(4), 0.2)),
    ],
)
def test_a_build_without_cuda_kernels_refuses_in_one_sentence(op, arguments):
    on_cuda = torch._C.DispatchKeySet(torch._C.DispatchKey.CUDA)
    with pytest.raises(NotImplementedError) as caught:
        getattr(torch.ops.singerprint, op).default.redispatch(on_cuda, *arguments)
    assert str(caught.value) == (
        f"{op}: this build of singerprint has no CUDA kernels, got a CUDA tensor; rebuild with "
        "-DSINGERPRINT_CUDA=ON where nvcc is installed, or move the tensors to the CPU"
    )
