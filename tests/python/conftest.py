"""Fixtures that every test shares; the one place where CUDA tests are skipped."""

import os
import sys

import pytest
import torch

import singerprint as sp

# A CUDA build of torchvision beside a CPU PyTorch does not import unless these two operators are defined.
if torch.version.cuda is None:
    _torchvision = torch.library.Library("torchvision", "DEF")
    for _name in ("nms", "qnms"):
        _torchvision.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


@pytest.fixture(params=["cpu", "cuda"])
def device(request):
    """The devices that every op is tested on."""
    if request.param == "cuda" and not (torch.cuda.is_available() and sp._C.has_cuda):
        if os.environ.get("SINGERPRINT_REQUIRE_CUDA") == "1":
            pytest.fail("SINGERPRINT_REQUIRE_CUDA=1, but there is no GPU or no CUDA build of singerprint")
        pytest.skip("no GPU, or a build without CUDA kernels")
    return torch.device(request.param)


@pytest.fixture
def generator():
    """A seeded generator for test inputs."""
    return torch.Generator().manual_seed(0)


@pytest.fixture(autouse=True)
def compiled_afresh():
    """After another size has been compiled, dynamo takes sizes for variables, for five times as long."""
    yield
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()
