"""The command line as a user meets it: what it prints, what it writes, what it says of mistakes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import singerprint as sp
from singerprint.data.synthetic import write_synthetic_singers


def command_line(arguments):
    """The command, and the environment it runs in."""
    package = str(Path(sp.__file__).parents[1])  # absolute: the command runs in another folder
    environment = os.environ | {"OMP_NUM_THREADS": "2", "COLUMNS": "120", "PYTHONPATH": package}
    return [sys.executable, "-m", "singerprint", *map(str, arguments)], environment


def singerprint(*arguments, cwd):
    command, environment = command_line(arguments)
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def start(*arguments, cwd):
    """The command under way, in a process group of its own."""
    command, environment = command_line(arguments)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=cwd, env=environment, start_new_session=True, **pipes)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with singing in `songs` and a model in `model`."""
    folder = tmp_path_factory.mktemp("place")
    write_synthetic_singers(folder / "songs", singers=3, files_per_singer=2, seconds=1.0)
    sp.models.save_model(sp.SingerEncoder.untrained(), folder / "model")
    return folder


def test_train_then_evaluate_then_embed_then_compare(place, tmp_path):
    settings = ("--steps", 2, "--batch_size", 3, "--crop_seconds", 0.5, "--workers", 0)
    trained = singerprint("train", "--data", "songs", "--out", tmp_path / "run", *settings, cwd=place)
    assert (trained.returncode, trained.stdout) == (
        0,
        f"2 steps done; the encoder is in {tmp_path / 'run'}\n",
    )

    figures = tmp_path / "figures.json"
    evaluated = singerprint(
        "evaluate", "--model", tmp_path / "run", "--data", "songs", "--json", figures, cwd=place
    )
    assert evaluated.returncode == 0
    assert "3 singers, 6 files, 3 positive and 12 negative trials" in evaluated.stdout
    assert 0 <= json.loads(figures.read_text())["eer"] <= 1

    archive = tmp_path / "emb.npz"
    embedded = singerprint("embed", "songs", "--model", tmp_path / "run", "--out", archive, cwd=place)
    assert embedded.returncode == 0
    arrays = np.load(archive)
    assert len(arrays.files) == 6
    assert arrays["singer-00/000.wav"].shape == (1000,)

    one = "songs/singer-00/000.wav"
    compared = singerprint("compare", one, one, "--model", tmp_path / "run", cwd=place)
    assert (compared.returncode, compared.stdout) == (0, "1.0000\n")


def test_a_stopped_run_is_resumed(place, tmp_path):
    settings = ("--batch_size", 3, "--crop_seconds", 0.5, "--workers", 0, "--out", tmp_path / "run")
    assert singerprint("train", "--data", "songs", "--steps", 1, *settings, cwd=place).returncode == 0
    resumed = singerprint("train", "--data", "songs", "--steps", 2, "--resume", *settings, cwd=place)
    assert (resumed.returncode, resumed.stdout.splitlines()[0][:7]) == (0, "2 steps")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_process_group_still_ends_with_a_checkpoint(place, tmp_path, number):
    # As a terminal's Ctrl-C and torchrun send it: to the readers of audio as well.
    out = tmp_path / "run"
    settings = ("--batch_size", 3, "--crop_seconds", 0.5, "--steps", 10_000, "--log_every", 1, "--out", out)
    with start("train", "--data", "songs", "--workers", 2, *settings, cwd=place) as process:
        deadline = time.monotonic() + 60
        while not (out / "metrics.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(process.pid, number)
        printed, complaints = process.communicate(timeout=60)
    assert process.returncode == 130, complaints
    steps = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])["step"]
    assert printed == f"stopped after {steps} of 10000 steps; --resume goes on from there\n"
    assert (out / "checkpoints" / f"step-{steps:08d}").is_dir()


def test_pairs_are_read_from_a_list(place, tmp_path):
    pairs = place / "pairs.txt"
    pairs.write_text(
        "1,songs/singer-00/000.wav,songs/singer-00/001.wav\n0,songs/singer-00/000.wav,songs/singer-01/001.wav\n"
    )
    result = singerprint("evaluate", "--model", "model", "--data", "songs", "--pairs", "pairs.txt", cwd=place)
    assert result.returncode == 0
    assert "2 singers, 3 files, 1 positive and 1 negative trials" in result.stdout


MISTAKES = {
    "missing folder": (
        ("evaluate", "--model", "model", "--data", "nowhere"),
        "singerprint: scan_folder: root must be an existing folder, got nowhere\n",
    ),
    "folder without audio": (
        ("evaluate", "--model", "model", "--data", "model"),
        "singerprint: scan_folder: root must hold audio files (.flac, .mp3, .ogg, .wav), got none in model\n",
    ),
    "missing model": (
        ("compare", "a.wav", "b.wav", "--model", "nowhere"),
        "singerprint: load_model: nowhere does not exist and is no released model (byol, contrastive, "
        "contrastive-vc, unif-align, vicreg, uniformity)\n",
    ),
    "no level to go across": (
        ("evaluate", "--model", "model", "--data", "songs", "--across", "style"),
        "singerprint: evaluate: across must name a level of the data, got 'style': singer-00/000.wav "
        "has no folder below its singer's and no column style in an index.csv\n",
    ),
    "archive of another kind": (
        ("embed", "songs", "--model", "model", "--out", "x.csv"),
        "singerprint: embed: out must end in .npz, got x.csv\n",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_no_traceback(place, mistake):
    arguments, sentence = MISTAKES[mistake]
    result = singerprint(*arguments, cwd=place)
    assert (result.returncode, result.stderr) == (2, sentence)


def test_one_singer_is_not_enough(place, tmp_path):
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "ann").symlink_to(place / "songs" / "singer-00")
    result = singerprint("evaluate", "--model", place / "model", "--data", "songs", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("singerprint: default_trials: singers must name at least two singers")


def test_a_corrupt_file_is_named_and_the_others_are_embedded(place, tmp_path):
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "good.wav").symlink_to(place / "songs/singer-00/000.wav")
    (tmp_path / "songs" / "bad.wav").write_bytes(b"RIFF....WAVE")
    result = singerprint("embed", "songs", "--model", place / "model", "--out", "emb.npz", cwd=tmp_path)
    assert result.returncode == 0
    assert "skipped bad.wav: " in result.stdout
    assert np.load(tmp_path / "emb.npz").files == ["good.wav"]


def test_a_file_that_is_not_there_is_named_before_the_model_is_read(tmp_path):
    result = singerprint("embed", "lost.wav", "--model", "nowhere", "--out", "emb.npz", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (2, "singerprint: embed: inputs must exist, got lost.wav\n")


def test_a_full_disk_leaves_no_half_written_archive(place):
    # /dev/full accepts no byte; a folder there cannot be made either.
    result = singerprint("embed", "songs", "--model", "model", "--out", "/dev/full/emb.npz", cwd=place)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_commands_start_without_what_only_figures_need():
    program = (
        "import sys, singerprint.cli.main; print({'matplotlib', 'sklearn', 'scipy.signal'} & {*sys.modules})"
    )
    started = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert started.stdout == "set()\n"
