"""The C++ library as a user has it: installed into a prefix, found by CMake, and an example linked to it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tests.python.fitted_encoder import fitted, singing

import singerprint as sp
from singerprint.models.released_encoder import ReleasedEncoder, released_config

ROOT = Path(__file__).parents[2]
BUILDS = [Path(os.environ.get("SINGERPRINT_BUILD", ROOT / "build/test")), ROOT / "build/dev"]
CMAKE = shutil.which("cmake", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def command(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.fixture(scope="module")
def embed_wav(tmp_path_factory):
    """The example's program, built against an installed prefix."""
    built = [build for build in BUILDS if (build / "libsingerprint.so").is_file()]
    if not built or CMAKE is None:
        pytest.skip("libsingerprint.so is not in build/test or build/dev (SINGERPRINT_TESTS=ON builds it)")
    folder = tmp_path_factory.mktemp("cpp")
    prefix, build = folder / "prefix", folder / "build"
    command(CMAKE, "--install", built[0], "--component", "library", "--prefix", prefix)
    command(
        CMAKE, "-S", ROOT / "csrc/examples/embed_wav", "-B", build, f"-Dsingerprint_ROOT={prefix}",
        f"-DSINGERPRINT_TORCH={Path(torch.__file__).parent}",
    )  # fmt: skip
    command(CMAKE, "--build", build)
    return build / "embed_wav"


def embedded(program, model, file):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [program, model, file], capture_output=True, text=True, check=False, env=environment
    )
    return done.returncode, done.stdout, done.stderr


MODELS = {
    "trained here": lambda: sp.SingerEncoder.untrained(embedding_dim=16, window_seconds=1.0),
    "released": lambda: ReleasedEncoder(released_config(embedding_dim=16)),
}
# File formats, and lengths below, at and beyond a window.
FILES = [
    ("PCM_16", 44_100, 1, 0.4),
    ("PCM_24", 44_100, 2, 1.0),
    ("PCM_32", 22_050, 1, 2.7),
    ("FLOAT", 48_000, 2, 19.3),
    ("DOUBLE", 44_100, 3, 1.5),
]


@pytest.mark.parametrize("name", MODELS)
def test_the_example_embeds_files_as_python_does(embed_wav, tmp_path, name):
    encoder = fitted(MODELS[name]())
    sp.models.save_model(encoder, tmp_path / "model")
    for subtype, rate_hz, channels, seconds in FILES:
        samples = singing(channels, round(seconds * rate_hz)).numpy().T
        file = tmp_path / f"{subtype}.wav"
        soundfile.write(file, samples, rate_hz, subtype=subtype)
        code, printed, said = embedded(embed_wav, tmp_path / "model", file)
        assert (code, said) == (0, "")
        expected = encoder.embed(file)
        result = torch.tensor([float(line) for line in printed.split()])
        # The same operators on the same samples; nine digits are a float32.
        assert (result - expected).norm() <= 1e-5 * expected.norm(), subtype


def test_what_cannot_be_embedded_is_named(embed_wav, tmp_path):
    model = tmp_path / "model"
    sp.models.save_model(sp.SingerEncoder.untrained(embedding_dim=16), model)
    soundfile.write(tmp_path / "short.wav", np.zeros(100), 44_100)
    (tmp_path / "text.wav").write_text("no audio")
    cases = {
        (model, tmp_path / "none.wav"): f"embed_wav: {tmp_path / 'none.wav'} cannot be opened\n",
        (
            model,
            tmp_path / "text.wav",
        ): f"embed_wav: {tmp_path / 'text.wav'} cannot be read: it is no WAV file\n",
        (model, tmp_path / "short.wav"): (
            "embed_wav: embed_batch: waveforms must hold at least 4410 samples, got [1, 100]\n"
        ),
        (tmp_path, tmp_path / "short.wav"): (
            f"embed_wav: load_model: {tmp_path}/encoder.json cannot be opened\n"
        ),
    }
    for arguments, sentence in cases.items():
        assert embedded(embed_wav, *arguments) == (2, "", sentence)


def test_a_torch_that_is_not_there_is_named(embed_wav, tmp_path):
    prefix = embed_wav.parents[1] / "prefix"
    done = subprocess.run(
        [
            CMAKE, "-S", ROOT / "csrc/examples/embed_wav", "-B", tmp_path, f"-Dsingerprint_ROOT={prefix}",
            "-DSINGERPRINT_TORCH=/no/such/folder",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "SINGERPRINT_TORCH must be a folder with PyTorch's include/ and lib/" in " ".join(
        done.stderr.split()
    )
