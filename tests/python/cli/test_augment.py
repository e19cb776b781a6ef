"""`singerprint augment` as a user meets it; what a take is: tests/python/experiments/test_takes.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import singerprint as sp
from singerprint.data.synthetic import write_synthetic_singers


def augment(*arguments, cwd):
    package = str(Path(sp.__file__).parents[1])  # absolute: the command runs in another folder
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "120", "PYTHONPATH": package}
    command = [sys.executable, "-m", "singerprint", "augment", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a song, a chain of its own, and a broken one."""
    folder = tmp_path_factory.mktemp("place")
    write_synthetic_singers(folder, singers=1, files_per_singer=1, seconds=1.0)
    (folder / "singer-00/000.wav").rename(folder / "song.wav")
    (folder / "chain.yaml").write_text("[{name: gain, min_gain_db: -6, max_gain_db: -6, probability: 1}]")
    (folder / "wrong.json").write_text('[{"name": "gain", "decibels": 3}]')
    return folder


def test_takes_of_a_preset(place, tmp_path):
    result = augment("song.wav", "--preset", "strong", "--takes", 2, "--out", tmp_path / "takes", cwd=place)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"2 takes in {tmp_path / 'takes'}; takes.json there holds what was drawn\n"
    assert sorted(path.name for path in (tmp_path / "takes").iterdir()) == [
        "source.wav", "take-000.wav", "take-001.wav", "takes.json",
    ]  # fmt: skip
    facts = json.loads((tmp_path / "takes/takes.json").read_text())
    assert facts["transforms"] == sp.augment.to_config(sp.augment.preset("strong"))


def test_the_papers_chain_and_eight_takes_are_the_default(place, tmp_path):
    assert augment("song.wav", "--out", tmp_path / "takes", cwd=place).returncode == 0
    facts = json.loads((tmp_path / "takes/takes.json").read_text())
    assert facts["transforms"] == sp.augment.to_config(sp.augment.preset("paper"))
    assert len(facts["takes"]) == 8


def test_takes_of_a_chain_in_a_file(place, tmp_path):
    options = ("--config", "chain.yaml", "--takes", 1, "--format", "flac")
    result = augment("song.wav", *options, "--out", tmp_path / "t", cwd=place)
    assert result.returncode == 0
    source, take = (soundfile.read(tmp_path / "t" / name)[0] for name in ("source.flac", "take-000.flac"))
    assert np.abs(take - 10 ** (-6 / 20) * source).max() < 2**-22  # both are rounded to 24 bits


MISTAKES = {
    "missing file": (
        ("nowhere.wav",),
        "read_audio: path must name an existing file, got nowhere.wav",
    ),
    "unknown preset": (
        ("song.wav", "--preset", "loud"),
        "preset: name must be one of ['none', 'paper', 'paper_fixed', 'quiet', 'strong'], got 'loud'",
    ),
    "unknown argument": (
        ("song.wav", "--config", "wrong.json"),
        "from_config: arguments of gain must be among ['max_gain_db', 'min_gain_db', 'probability'], "
        "got 'decibels'",
    ),
    "two chains": (
        ("song.wav", "--config", "chain.yaml", "--preset", "paper"),
        "augment: preset and config must not both be given, got 'paper' and chain.yaml",
    ),
    "no takes": (("song.wav", "--takes", 0), "augment: takes must be at least 1, got 0"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_leaves_nothing(place, tmp_path, mistake):
    arguments, sentence = MISTAKES[mistake]
    result = augment(*arguments, "--out", tmp_path / "takes", cwd=place)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"singerprint: {sentence}\n")
    assert not (tmp_path / "takes").exists()
