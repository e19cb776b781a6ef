"""Exported encoders give what the encoder gives: torch.export's programs, and ONNX in onnxruntime."""

import json
import math
import subprocess
import sys

import pytest
import torch
from tests.python.fitted_encoder import fitted, singing
from torch.export import Dim, export

from singerprint.cli.main import main
from singerprint.models import EncoderConfig, PortableEncoder, SingerEncoder, export_onnx, save_model
from singerprint.models.released_encoder import ReleasedEncoder, released_config

RATE_HZ = 44100
# Relative to an embedding's norm: the float32 rounding of two programs for one function. It is what the
# encoder's own log-mel, computed in float32 and in float64, makes of these clips.
TOLERANCE = 2e-4


@pytest.fixture(scope="module")
def encoder():
    return fitted(SingerEncoder(EncoderConfig(embedding_dim=16)))


@pytest.fixture(scope="module")
def released():
    return fitted(ReleasedEncoder(released_config(embedding_dim=16)))


def assert_same(embeddings, expected, tolerance=TOLERANCE):
    assert embeddings.shape == expected.shape
    assert ((embeddings - expected).norm(dim=1) <= tolerance * expected.norm(dim=1)).all()


def test_clips_are_told_apart(encoder):
    first, second = encoder.embed_batch(singing(2, 44_100))
    assert (first - second).norm() > 100 * TOLERANCE * first.norm()


SHAPES = [(1, 44_100), (2, 44_100), (5, 30_001), (1, 4_410)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_portable_encoder_is_the_same_function(encoder, released, shape):
    for one in (encoder, released):
        assert_same(PortableEncoder(one)(singing(*shape)), one.embed_batch(singing(*shape)))


def test_the_portable_encoder_is_a_copy_that_is_in_eval_mode(encoder):
    training = SingerEncoder(encoder.config).double().train()
    portable = PortableEncoder(training)
    assert training.training
    assert {parameter.dtype for parameter in training.parameters()} == {torch.float64}
    assert not portable.training
    assert not any(parameter.requires_grad for parameter in portable.parameters())
    assert {parameter.dtype for parameter in portable.parameters()} == {torch.float32}


# The last feature maps have more than one column from 32 frames on, which PyTorch tells apart.
DYNAMIC = {"waveforms": {0: Dim("batch"), 1: Dim("samples", min=32 * 512)}}


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "not strict"])
def test_the_encoder_goes_through_torch_export_and_a_file(encoder, tmp_path, strict):
    program = export(encoder, (singing(2, 44_100),), dynamic_shapes=DYNAMIC, strict=strict)
    torch.export.save(program, tmp_path / "encoder.pt2")
    loaded = torch.export.load(tmp_path / "encoder.pt2").module()
    with torch.no_grad():
        for shape in SHAPES[1:3]:
            # The same log-mel; PyTorch's convolutions in place of ours, sums in other orders.
            assert_same(loaded(singing(*shape)), encoder.embed_batch(singing(*shape)), 1e-5)


def test_the_portable_program_needs_no_singerprint(encoder, tmp_path):
    program = export(PortableEncoder(encoder), (singing(2, 44_100),), dynamic_shapes=DYNAMIC)
    program = program.run_decompositions()
    assert not any("singerprint" in str(node.target) for node in program.graph.nodes)
    torch.export.save(program, tmp_path / "encoder.pt2")
    torch.save(singing(3, 20_000), tmp_path / "waveforms.pt")
    load = (
        "import sys, torch\n"
        "program = torch.export.load('encoder.pt2').module()\n"
        "torch.save(program(torch.load('waveforms.pt')).detach(), 'embeddings.pt')\n"
        "assert 'singerprint' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", load], cwd=tmp_path, check=True)
    assert_same(torch.load(tmp_path / "embeddings.pt"), encoder.embed_batch(singing(3, 20_000)))


def session(path):
    onnx = pytest.importorskip("onnx", reason="the extra test brings onnx")
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra test brings onnxruntime")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in model.graph.node} == {""}  # ONNX's own operators alone
    return onnxruntime.InferenceSession(path)


def run(session, waveforms):
    (embeddings,) = session.run(["embeddings"], {"waveforms": waveforms.numpy()})
    return torch.from_numpy(embeddings)


@pytest.fixture(scope="module")
def any_length(encoder, tmp_path_factory):
    pytest.importorskip("onnxscript", reason="the extra test brings onnxscript")
    path = tmp_path_factory.mktemp("onnx") / "encoder.onnx"
    export_onnx(encoder, path)
    return session(path)


@pytest.mark.parametrize("shape", SHAPES)
def test_onnxruntime_embeds_any_batch_and_length_alike(encoder, any_length, shape):
    assert_same(run(any_length, singing(*shape)), encoder.embed_batch(singing(*shape)))


def test_onnxruntime_embeds_silence_and_a_pure_tone(encoder, any_length):
    tone = 0.9 * torch.sin(2 * math.pi * 440 / RATE_HZ * torch.arange(44_100))
    clips = torch.stack([torch.zeros(44_100), tone])
    embeddings, expected = run(any_length, clips), encoder.embed_batch(clips)
    assert_same(embeddings[:1], expected[:1])
    # Between the harmonics of nothing but a tone stands float32's rounding, 120 dB below it, in either.
    assert_same(embeddings[1:], expected[1:], 0.01)


def test_the_file_says_what_it_takes(encoder, any_length):
    assert [(put.name, put.shape) for put in any_length.get_inputs()] == [("waveforms", ["batch", "samples"])]
    assert [(put.name, put.shape) for put in any_length.get_outputs()] == [("embeddings", ["batch", 16])]
    described = json.loads(any_length.get_modelmeta().custom_metadata_map["singerprint"])
    assert EncoderConfig.from_dict(described["config"]) == encoder.config
    assert described["samples"] is None


def test_the_command_writes_a_released_model_of_a_fixed_length(released, tmp_path, capsys):
    pytest.importorskip("onnxscript", reason="the extra test brings onnxscript")
    save_model(released, tmp_path / "model")
    out = tmp_path / "encoder.onnx"
    assert main(["export", "--model", str(tmp_path / "model"), "--out", str(out), "--seconds", "0.5"]) == 0
    assert capsys.readouterr().out == f"16 numbers an embedding, from 0.5 s at 44100 Hz; {out}\n"
    fixed = session(out)
    assert fixed.get_inputs()[0].shape == ["batch", 22_050]
    for batch in (1, 3):
        clips = singing(batch, 22_050)
        assert_same(run(fixed, clips), released.embed_batch(clips))
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["encoder.onnx"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("encoder.pt",), "export: path must end in .onnx, got encoder.pt"),
        (("encoder.onnx", 0.05), "export: seconds must be at least 0.1 and finite, got 0.05"),
        (("encoder.onnx", math.nan), "export: seconds must be at least 0.1 and finite, got nan"),
        (("encoder.onnx", math.inf), "export: seconds must be at least 0.1 and finite, got inf"),
    ],
)
def test_bad_arguments_are_named(encoder, arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError) as caught:
        export_onnx(encoder, *arguments)
    assert str(caught.value) == sentence
    assert not list(tmp_path.iterdir())


def test_without_onnxscript_the_extra_is_named(encoder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ValueError) as caught:
        export_onnx(encoder, tmp_path / "encoder.onnx")
    assert str(caught.value) == (
        "export: ONNX files must be written with onnxscript, which is not installed "
        "(pip install singerprint[onnx])"
    )
