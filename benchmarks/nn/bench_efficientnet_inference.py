"""EfficientNet-B0's embeddings against every other way to them: same weights, one thread, clips of 4 s.

PyTorch eager in both memory formats, with the batch norms folded, and compiled with frozen weights;
onnxruntime and OpenVINO where they are installed (with onnx, which the export needs).
"""

import copy
import importlib.util
import tempfile
from functools import partial
from pathlib import Path

import torch
from benchmarks.harness import compare, machine_facts
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


def of_pytorch(reference, ours, spectrograms):
    """Name -> function of no argument."""
    channels_last = spectrograms.to(memory_format=torch.channels_last)
    folded_last = folded(reference).to(memory_format=torch.channels_last)
    torch._dynamo.reset()  # or it would take the second batch size for the sign of a dynamic one
    frozen = torch.compile(copy.deepcopy(reference), dynamic=False)

    def call(network, argument):
        with torch.no_grad():
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


def by_openvino(openvino, model, spectrograms):
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
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


def check_equal(case, functions):
    """Every contender's embeddings against ours."""
    ours = functions["singerprint"]()
    for name, function in functions.items():
        error = ((function() - ours).norm() / ours.norm()).item()
        # Each is within 1e-5 of float64; torchvision's running statistics hold few values after stride 32.
        if not error < 2e-5:
            raise AssertionError(f"efficientnet_inference: {name} differs by {error:.1e} at {case}")


def measured(reference, ours, size, batch):
    spectrograms = torch.randn(batch, *size)
    case = f"{batch} x {' x '.join(map(str, size))}"
    functions = contenders(reference, ours, spectrograms)
    check_equal(case, functions)
    flops = 2 * batch * macs_of(reference, spectrograms)
    rows = with_clips_per_second(batch, compare(case, functions, flops=flops, seconds=3.0))
    ceiling = machine_facts()["matmul_gflop_per_s"]
    return [{**row, "of_matmul": row["gflop_per_s"] / ceiling} for row in rows]


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
    return rows
