"""EfficientNet-B0's embeddings against every other way to them: same weights, one thread, clips of 4 s.

PyTorch eager in both memory formats, with the batch norms folded, and compiled with frozen weights;
onnxruntime and OpenVINO where they are installed (with onnx, which the export needs). In bfloat16: autocast
regions of PyTorch's around the same networks, and OpenVINO's own.
"""

import copy
import importlib.util
import tempfile
from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path

import torch
from benchmarks.harness import compare, machine_facts, measure
from benchmarks.nn.bench_efficientnet import (
    fit_statistics,
    macs_of,
    torchvision_network,
    with_clips_per_second,
)
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from singerprint.models import efficientnet_b0

SIZES = [(1, 80, 345), (3, 128, 345)]  # channels, mels, frames
BATCHES = [1, 32]


def folded(network):
    """A copy whose batch norms are part of the convolutions."""
    network = copy.deepcopy(network)
    for layer in network.modules():
        if isinstance(layer, nn.Sequential) and len(layer) > 1 and isinstance(layer[1], nn.BatchNorm2d):
            layer[0] = fuse_conv_bn_eval(layer[0], layer[1])
            layer[1] = nn.Identity()
    return network


def of_pytorch(reference, ours, spectrograms, region=None):
    """Name -> function of no argument, which runs in that autocast region."""
    channels_last = spectrograms.to(memory_format=torch.channels_last)
    folded_last = folded(reference).to(memory_format=torch.channels_last)
    torch._dynamo.reset()  # or it would take the second batch size for the sign of a dynamic one
    frozen = torch.compile(copy.deepcopy(reference), dynamic=False)

    def call(network, argument):
        with torch.no_grad(), region or nullcontext():
            return network(argument)

    functions = {
        "singerprint": partial(call, ours, spectrograms),
        "torchvision": partial(call, reference, spectrograms),
        "torchvision channels_last": partial(
            call, copy.deepcopy(reference).to(memory_format=torch.channels_last), channels_last
        ),
        "torchvision folded channels_last": partial(call, folded_last, channels_last),
        "torch.compile frozen": partial(call, frozen, spectrograms),
    }
    with torch._inductor.config.patch(freezing=True):
        functions["torch.compile frozen"]()
    return functions


def exported(reference, spectrograms):
    """The network as an ONNX file's bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        torch.onnx.export(
            reference, (spectrograms,), str(path), dynamo=False, input_names=["x"], output_names=["y"]
        )
        return path.read_bytes()


def by_onnxruntime(onnxruntime, model, spectrograms):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {"x": spectrograms.numpy()}
    return lambda: torch.from_numpy(session.run(None, feed)[0])


def by_openvino(openvino, model, spectrograms, precision="f32"):
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": 1,
        "PERFORMANCE_HINT": "LATENCY",
    }
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", options)
    array = spectrograms.numpy()
    return lambda: torch.from_numpy(compiled(array)[0].copy())


ENGINES = {"onnxruntime": by_onnxruntime, "openvino": by_openvino}


def contenders(reference, ours, spectrograms):
    functions = of_pytorch(reference, ours, spectrograms)
    if importlib.util.find_spec("onnx") is not None:
        model = exported(reference, spectrograms)
        for name, engine in ENGINES.items():
            if importlib.util.find_spec(name) is not None:
                functions[name] = engine(importlib.import_module(name), model, spectrograms)
    return functions


def bfloat16_contenders(reference, ours, spectrograms):
    """What rounds to 8 bits on the way, from the same weights in float32 or, once, rounded ones."""
    in_region = torch.autocast("cpu", dtype=torch.bfloat16)
    functions = of_pytorch(reference, ours, spectrograms, in_region)
    rounded, rounded_spectrograms = copy.deepcopy(ours).bfloat16(), spectrograms.bfloat16()
    functions["singerprint bfloat16 weights"] = torch.no_grad()(partial(rounded, rounded_spectrograms))
    functions["singerprint float32"] = torch.no_grad()(partial(ours, spectrograms))
    if all(importlib.util.find_spec(name) is not None for name in ("onnx", "openvino")):
        openvino = importlib.import_module("openvino")
        model = exported(reference, spectrograms)
        functions["openvino bfloat16"] = by_openvino(openvino, model, spectrograms, "bf16")
    return functions


def check_equal(case, functions):
    """Every contender's embeddings against ours."""
    ours = functions["singerprint"]()
    for name, function in functions.items():
        error = ((function() - ours).norm() / ours.norm()).item()
        # Each is within 1e-5 of float64; torchvision's running statistics hold few values after stride 32.
        if not error < 2e-5:
            raise AssertionError(f"efficientnet_inference: {name} differs by {error:.1e} at {case}")


def check_equal_in_bfloat16(case, functions):
    """Every contender's embeddings against float32's; ours may err no more than the next best."""
    expected = functions["singerprint float32"]()
    errors = {
        name: ((function().float() - expected).norm() / expected.norm()).item()
        for name, function in functions.items()
    }
    for name, error in errors.items():
        # Some 80 roundings by up to 2^-8: 3.5 %, which batch norms on random weights may triple.
        if not error < 0.1:
            raise AssertionError(f"efficientnet_inference: {name} errs by {error:.1e} at {case}")
    of_others = [error for name, error in errors.items() if not name.startswith("singerprint")]
    if not errors["singerprint"] <= min(of_others):
        raise AssertionError(f"efficientnet_inference: others err less at {case}: {errors}")
    return errors


@cache
def bfloat16_matmul_gflop_per_s():
    """As the harness's ceiling, of products of bfloat16."""
    size = 768
    a, b = torch.randn(2, size, size).bfloat16()
    product = torch.empty(size, size, dtype=torch.bfloat16)
    return 2 * size**3 / measure(lambda: torch.mm(a, b, out=product), seconds=0.2).min_ms / 1e6


def measured(reference, ours, size, batch):
    spectrograms = torch.randn(batch, *size)
    case = f"{batch} x {' x '.join(map(str, size))}"
    functions = contenders(reference, ours, spectrograms)
    check_equal(case, functions)
    flops = 2 * batch * macs_of(reference, spectrograms)
    rows = with_clips_per_second(batch, compare(case, functions, flops=flops, seconds=3.0))
    ceiling = machine_facts()["matmul_gflop_per_s"]
    return [{**row, "of_matmul": row["gflop_per_s"] / ceiling} for row in rows]


def measured_in_bfloat16(reference, ours, size, batch):
    spectrograms = torch.randn(batch, *size)
    case = f"{batch} x {' x '.join(map(str, size))} bfloat16"
    functions = bfloat16_contenders(reference, ours, spectrograms)
    errors = check_equal_in_bfloat16(case, functions)
    flops = 2 * batch * macs_of(reference, spectrograms)
    rows = with_clips_per_second(batch, compare(case, functions, flops=flops, seconds=3.0))
    ceiling = bfloat16_matmul_gflop_per_s()
    return [
        {**row, "of_matmul": row["gflop_per_s"] / ceiling, "error": errors[row["contender"]]} for row in rows
    ]


def run():
    rows = []
    for size in SIZES:
        torch.manual_seed(0)
        reference = torchvision_network(in_channels=size[0])
        fit_statistics(reference)
        ours = efficientnet_b0(in_channels=size[0], embedding_dim=1000)
        ours.load_state_dict(reference.state_dict())
        for batch in BATCHES:
            rows += measured(reference.eval(), ours.eval(), size, batch)
            rows += measured_in_bfloat16(reference, ours, size, batch)
    return rows
