"""Training on several ranks: the same bits on each, what one process would see, and one end for all."""

import dataclasses
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tests.python.distributed.rank_processes import run_on_ranks, sentence_of
from torch import nn

import singerprint as sp
from singerprint.augment import DrawKey, preset
from singerprint.data import CropPairs, PairBatches, scan_folder
from singerprint.distributed import in_group, rank, rank_count, synchronise_batch_norm
from singerprint.models import load_model
from singerprint.training import RECIPES, TrainConfig, read_metrics, train
from singerprint.training.batches import rank_batches
from singerprint.training.checkpoint import TrainingState
from singerprint.training.objectives import build_objective
from singerprint.training.ranks import average_step

CLIPS = 4


@pytest.fixture(scope="module")
def partly_silent(singing, tmp_path_factory):
    """Eight files, one of which can be opened and holds no sound: it is found out when it is cropped."""
    folder = tmp_path_factory.mktemp("partly-silent")
    for number, path in enumerate(sorted(singing.rglob("*.wav"))):
        (folder / f"{number}.wav").write_bytes(path.read_bytes())
    (folder / "6.wav").write_bytes((folder / "0.wav").read_bytes())
    soundfile.write(folder / "7.wav", np.zeros(44_100), 44_100)
    return folder


def settings(folder, data, **others):
    """A run of a second on two ranks."""
    defaults = {
        "objective": "simclr",
        "batch_size": CLIPS,
        "steps": 2,
        "crop_seconds": 0.5,
        "learning_rate": 1e-3,
        "warmup_steps": 0,
    }
    habits = {"workers": 0, "log_every": 1, "checkpoint_every": 2, "device": "cpu"}
    return TrainConfig(**{"data": (data,), "out": folder} | defaults | habits | others)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder of the runs."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def heard(place, singing, partly_silent):
    """What each of two ranks has to tell, in one start of the processes; a run of one rank comes before."""
    silent = place / "silent"
    silent.mkdir()
    for number in (0, 1):
        (silent / f"{number}.wav").write_bytes((partly_silent / "7.wav").read_bytes())
    train(settings(place / "resumed", singing, steps=1, batch_size=2), show_progress=False)
    return run_on_ranks(2, everything, place / "ranks", place, singing, partly_silent, silent)


def everything(place, singing, partly_silent, silent):
    """All that the tests look at on two ranks."""
    parts = settings(place / "parts", singing, objective="byol")
    return {
        "step": one_step(parts),
        "inputs": own_inputs(singing),
        "whole": [trained(settings(place / name, singing, objective=name)) for name in ("simclr", "byol")],
        "parts": stopped_and_resumed(parts),
        "resumed": trained(settings(place / "resumed", singing, batch_size=2), resume=True),
        "one clip less": trained(settings(place / "less", partly_silent, batch_size=8)),
        "endings": endings(place, singing, silent),
    }


def digest(module):
    """Of every bit of a module's state."""
    tensors = module.state_dict().values()
    return hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in tensors)).hexdigest()


def trained(config, **options):
    """A run's end on this rank."""
    result = train(config, show_progress=False, **options)
    return {"steps": result.steps, "encoder": digest(result.encoder), "skipped": sorted(result.skipped_files)}


# What is trained


class Toy(nn.Module):
    """An encoder whose clips do not know of each other, as those of a network with batch statistics do."""

    dim = 6

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(16, self.dim)

    def forward(self, waveforms):
        return torch.tanh(self.linear(waveforms))


def one_step(config):
    """By objective, the parameters after a step on this rank's share of a batch of 8 pairs, and the loss."""
    states = []
    singers = torch.tensor([0, 1, 2, 3, 4, 1, 0, 5])
    for name in RECIPES:
        encoder = Toy()
        objective = build_objective(dataclasses.replace(config, objective=name), encoder).double()
        encoder.double()
        if rank_count() > 1:
            synchronise_batch_norm(objective)
        parameters = [p for p in [*encoder.parameters(), *objective.parameters()] if p.requires_grad]
        optimizer = torch.optim.SGD(parameters, lr=0.1)
        views = torch.randn(2, 8, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        share = 8 // rank_count()
        own = slice(rank() * share, (rank() + 1) * share)
        loss = objective(encoder, *views[:, own], singers[own]).total
        loss.backward()
        average_step(TrainingState(encoder, objective, optimizer, config, ()), parameters)
        optimizer.step()
        objective.after_step(encoder, 0.5)
        state = encoder.state_dict() | {
            f"objective.{key}": value for key, value in objective.state_dict().items()
        }
        states.append({"loss": loss.detach()} | state)
    return states


def test_a_step_of_two_ranks_is_that_of_one(heard, singing, place):
    for number, expected in enumerate(one_step(settings(place, singing))):
        everyone = [told["step"][number] for told in heard]
        mean_loss = torch.stack([state["loss"] for state in everyone]).mean()
        torch.testing.assert_close(mean_loss, expected["loss"], rtol=1e-12, atol=0)
        for state in everyone:
            assert state.keys() == expected.keys()
            for name in expected.keys() - {"loss"}:
                # float64; values of order 1 after one step whose gradients are sums of some hundred products.
                torch.testing.assert_close(state[name], expected[name], rtol=0, atol=1e-12)


def own_inputs(folder):
    """What this rank's encoder would be given in the steps of an epoch."""
    files = scan_folder(folder)
    pairs = CropPairs(files, 0.5, seed=3)
    config = TrainConfig((folder,), folder, batch_size=CLIPS, workers=0, seed=3)
    batches = rank_batches(config, pairs, PairBatches(len(files), CLIPS, seed=3), done=1)
    epoch, batch = next(batches)
    augment = preset("strong")
    views = [
        augment(waveforms, DrawKey.of(3, batch.clip_ids, batch.epochs, view))
        for view, waveforms in enumerate((batch.first, batch.second))
    ]
    return {"views": torch.stack(views), "clip_ids": batch.clip_ids, "epoch": epoch}


def test_the_ranks_see_together_what_one_process_sees(heard, singing):
    everyone, single = [told["inputs"] for told in heard], own_inputs(singing)
    assert torch.equal(torch.cat([inputs["views"] for inputs in everyone], dim=1), single["views"])
    assert torch.equal(torch.cat([inputs["clip_ids"] for inputs in everyone]), single["clip_ids"])
    assert {inputs["epoch"] for inputs in everyone} == {single["epoch"]}


def stopped_and_resumed(config):
    def stop_on_rank_0(_encoder):
        signal.raise_signal(signal.SIGTERM)
        return {}

    first = trained(config, validate=stop_on_rank_0)
    return [first, trained(dataclasses.replace(config, validate_every=500), resume=True)]


def test_all_ranks_end_with_the_same_bits_and_rank_0_writes_them(heard, place):
    first, second = (told["whole"] for told in heard)
    assert first == second
    for run, name in zip(first, ("simclr", "byol"), strict=True):
        assert run["steps"] == 2
        assert [record["step"] for record in read_metrics(place / name)] == [1, 2]
        assert digest(load_model(place / name)) == run["encoder"]


def test_a_stop_of_one_rank_stops_all_and_the_resumed_run_has_the_same_bits(heard):
    first, second = (told["parts"] for told in heard)
    assert first == second
    assert first[0]["steps"] == 1  # asked before step 1, which was under way
    assert first[1] == heard[0]["whole"][1]


def test_a_run_is_resumed_by_another_number_of_ranks(heard, singing, place):
    assert [told["resumed"]["steps"] for told in heard] == [2, 2]
    assert trained(settings(place / "resumed", singing, batch_size=2, steps=3), resume=True)["steps"] == 3
    assert [record["step"] for record in read_metrics(place / "resumed")] == [1, 2, 3]


def test_a_clip_that_one_rank_cannot_read_is_left_out_by_all(heard):
    first, second = (told["one clip less"] for told in heard)
    assert first == second
    assert (first["steps"], first["skipped"]) == (2, ["7.wav"])


# How it ends early


def endings(place, singing, silent):
    """The sentences that this rank hears."""

    def break_down(_encoder):
        raise OSError("the list of trials is gone")

    def of(data=singing, validate=None, **others):
        config = settings(place / f"ending-{len(heard)}", data, **others)
        return sentence_of(lambda: train(config, validate=validate, show_progress=False))

    heard = {}
    heard["not divisible"] = of(batch_size=3)
    heard["seeds"] = of(seed=rank())
    heard["not finite"] = of(learning_rate=1e30, steps=20)
    heard["validation"] = of(validate=break_down)
    heard["silent"] = of(data=silent, batch_size=2)
    heard["in the group"] = in_group()
    return heard


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        ("not divisible", "train: batch_size must be a multiple of the number of ranks, 2, got 3"),
        ("seeds", "train: seed must be the same on every rank, got 0 on rank 0 and 1 on rank 1"),
    ],
)
def test_what_cannot_be_shared_is_said_on_every_rank(heard, ending, sentence):
    assert [told["endings"][ending] for told in heard] == [f"ValueError: {sentence}"] * 2


def test_silence_ends_the_run_of_every_rank(heard):
    sentence = (
        "ValueError: train: data must give at least 1 readable clip a batch on each rank, got 0; skipped: "
    )
    for told in heard:
        assert told["endings"]["silent"] in {
            f"{sentence}{names}" for names in ("0.wav, 1.wav", "1.wav, 0.wav")
        }


def test_a_loss_that_is_not_finite_stops_all_ranks(heard):
    first, second = (told["endings"]["not finite"] for told in heard)
    assert first == second
    assert first.startswith("FloatingPointError: train: loss and weights must be finite, got ")


def test_a_validation_that_fails_on_rank_0_stops_all_ranks(heard):
    assert [told["endings"]["validation"] for told in heard] == [
        "OSError: the list of trials is gone",
        "RankError: the list of trials is gone (on rank 0)",
    ]


def test_after_a_run_that_failed_the_group_of_the_caller_stands(heard):
    assert all(told["endings"]["in the group"] for told in heard)


# The command


def torchrun(ranks, *arguments):
    package = str(Path(sp.__file__).parents[1])
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": package}
    # --standalone meets at a free port that the system chooses.
    launch = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", ranks, "-m", "singerprint")
    command = [sys.executable, *map(str, (*launch, *arguments))]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_torchrun_trains_and_rank_0_speaks(singing, tmp_path):
    settings = ("--data", singing, "--out", tmp_path / "run", "--batch_size", 4, "--crop_seconds", 0.5)
    done = torchrun(2, "train", *settings, "--steps", 2, "--workers", 1, "--device", "cpu", "--log_every", 1)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"2 steps done; the encoder is in {tmp_path / 'run'}\n"
    assert [record["step"] for record in read_metrics(tmp_path / "run")] == [1, 2]
    assert load_model(tmp_path / "run").dim == 1000
