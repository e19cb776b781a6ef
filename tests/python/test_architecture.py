"""Holds the tree against ARCHITECTURE.md: the arrows, and one stem in every tree."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NATIVE_ARROWS = {
    "core": set(),
    "dsp": {"core"},
    "augment": {"core", "dsp"},
    "frontend": {"core", "dsp"},
    "losses": {"core", "dsp"},
    "nn": {"core", "dsp"},
    "models": {"core", "nn"},
    "examples": {"wav_file.h"},  # a program outside the tree: it sees what is installed, and its own header
    "module.cpp": {"core", "nn"},
}
# What dsp may take from core: it must compile without PyTorch and without the CUDA runtime.
TORCH_FREE_CORE = {
    "core/block_thread.h", "core/cache.h", "core/dispatch.h", "core/host_device.h", "core/lane.h",
    "core/parts.h", "core/scalar.h", "core/turns.h",
}  # fmt: skip

# Modules that know nothing of ours and serve every package.
LEAVES = {"atomic_file"}

PYTHON_ARROWS = {
    "augment": set(),
    "frontend": set(),
    "losses": set(),
    "data": set(),
    "distributed": set(),
    "evaluation": set(),
    "plots": set(),
    "models": {"frontend", "data"},
    "baselines": {"frontend", "data"},
    "compat": {"frontend", "models"},
    "training": {"augment", "distributed", "losses", "models", "data", "evaluation"},
    "experiments": {
        "augment", "baselines", "data", "evaluation", "frontend", "losses", "models", "plots", "training",
    },
}  # fmt: skip
PYTHON_ARROWS["cli"] = PYTHON_ARROWS["experiments"] | {"distributed", "experiments"}

# An op's Python home where it is not python/singerprint/<domain>/<op>.py.
PYTHON_HOME = {
    "nn/attentive_statistics": "models/attentive_statistics",
    "nn/cnn_transformer": "models/cnn_transformer",
    "nn/efficientnet": "models/efficientnet",
    "nn/vit": "models/vit",
}


def listed(name):
    """The stems of a `set(name ...)` list of CMakeLists.txt."""
    text = (ROOT / "CMakeLists.txt").read_text()
    return re.search(rf"set\({name}\n(.*?)\)", text, re.DOTALL).group(1).split()


def native_files():
    return sorted(path for path in (ROOT / "csrc").rglob("*") if path.suffix in {".h", ".cpp", ".cu", ".cuh"})


@pytest.mark.parametrize("path", native_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_native_includes_follow_the_arrows(path):
    domain = path.relative_to(ROOT / "csrc").parts[0]
    for header in re.findall(r'#include "([^"]+)"', path.read_text()):
        target = header.split("/")[0]
        assert target == domain or target in NATIVE_ARROWS[domain], header
        if domain == "dsp" and target == "core":
            # Kernels that several ops launch lie beside the mathematics they walk through.
            assert header in TORCH_FREE_CORE | ({"core/launch.cuh"} if path.suffix == ".cuh" else set())


@pytest.mark.parametrize(
    "path", sorted((ROOT / "csrc").rglob("*.cu")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_kernels_include_no_pytorch_header(path):
    assert not re.search(r"#include <(ATen|c10|torch)/", path.read_text())


def test_kissfft_has_one_owner():
    owners = [path.name for path in native_files() if "#include <kissfft" in path.read_text()]
    assert len(owners) == 1, owners


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "python/singerprint").glob("*/**/*.py")),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_python_imports_follow_the_arrows(path):
    package = path.relative_to(ROOT / "python/singerprint").parts[0]
    text = path.read_text()
    assert not re.search(r"^\s*from \.\.", text, re.MULTILINE), "packages are imported by their full name"
    for target in re.findall(r"^\s*(?:from|import) singerprint\.(\w+)", text, re.MULTILINE):
        assert target in PYTHON_ARROWS[package] | {package, *LEAVES}, target
    for name in re.findall(r"^\s*from singerprint import (\w+)", text, re.MULTILINE):
        assert name == "_C" or name in PYTHON_ARROWS[package], name
    assert package == "cli" or not re.search(r"^import singerprint\b(?!\.)", text, re.MULTILINE)


@pytest.mark.parametrize("op", listed("ops"))
def test_every_op_has_its_files(op):
    home = PYTHON_HOME.get(op, op)
    test = f"{Path(home).parent}/test_{Path(home).name}.py"
    for file in (
        f"csrc/{op}.h",
        f"csrc/{op}.cpp",
        f"tests/cpp/{op}_test.cpp",
        f"python/singerprint/{home}.py",
        f"tests/python/{test}",
    ):
        assert (ROOT / file).is_file(), file


@pytest.mark.parametrize("op", listed("ops"))
def test_no_op_lacks_its_backward_silently(op):
    glue = (ROOT / f"csrc/{op}.cpp").read_text()
    module = (ROOT / f"python/singerprint/{PYTHON_HOME.get(op, op)}.py").read_text()
    composite = "singerprint, CPU" not in glue  # made of differentiable operators
    assert composite or "singerprint, Autograd" in glue or "register_autograd" in module


@pytest.mark.parametrize("stem", listed("mathematics"))
def test_all_mathematics_is_tested(stem):
    assert (ROOT / f"tests/cpp/{stem}_test.cpp").is_file()


def tracked(*suffixes):
    roots = ("csrc", "python", "tests", "benchmarks", "cmake")
    return [path for root in roots for path in (ROOT / root).rglob("*") if path.suffix in suffixes]


def test_files_stay_readable():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked(".py", ".cpp", ".h", ".cu", ".cuh", ".cmake")
        if (lines := len(path.read_text().splitlines())) > 300
    }
    assert not long
