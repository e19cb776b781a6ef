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
from singerprint.training import TrainConfig, read_metrics, train
from singerprint.training.batches import rank_batches
from singerprint.training.checkpoint import TrainingState
from singerprint.training.objective import Byol, Contrastive
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


@pytest.fixture
def shared_config(small_config):
    """As small_config, of batches that two ranks can share."""
    return lambda **settings: small_config(**{"batch_size": CLIPS, "steps": 2, "device": "cpu"} | settings)


def digest(module):
    """Of every bit of a module's state."""
    tensors = module.state_dict().values()
    return hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in tensors)).hexdigest()


def trained(config, **options):
    """A run's end on this rank."""
    result = train(config, show_progress=False, **options)
    return {"steps": result.steps, "encoder": digest(result.encoder), "skipped": sorted(result.skipped_files)}


def several(configs):
    return [trained(config) for config in configs]


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
    """The parameters after a step on this rank's share of a batch of 8 pairs, and the loss."""
    states = []
    for make in (lambda encoder: Contrastive(encoder, 0.2), lambda encoder: Byol(encoder, 0.99)):
        encoder = Toy()
        objective = make(encoder).double()
        encoder.double()
        if rank_count() > 1:
            synchronise_batch_norm(objective)
        parameters = [p for p in [*encoder.parameters(), *objective.parameters()] if p.requires_grad]
        optimizer = torch.optim.SGD(parameters, lr=0.1)
        views = torch.randn(2, 8, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        share = 8 // rank_count()
        loss = objective(encoder, *views[:, rank() * share : (rank() + 1) * share])
        loss.backward()
        average_step(TrainingState(encoder, objective, optimizer, config, ()), parameters)
        optimizer.step()
        objective.after_step(encoder, 0.5)
        state = encoder.state_dict() | {
            f"objective.{name}": value for name, value in objective.state_dict().items()
        }
        states.append({"loss": loss.detach()} | state)
    return states


@pytest.mark.parametrize("ranks", [2, 4])
def test_a_step_of_several_ranks_is_that_of_one(shared_config, tmp_path, ranks):
    config = shared_config()
    everyone = run_on_ranks(ranks, one_step, tmp_path / "ranks", config)
    for number, expected in enumerate(one_step(config)):
        mean_loss = torch.stack([states[number].pop("loss") for states in everyone]).mean()
        torch.testing.assert_close(mean_loss, expected.pop("loss"), rtol=1e-12, atol=0)
        for states in everyone:
            assert states[number].keys() == expected.keys()
            for name, value in expected.items():
                # float64; values of order 1 after one step whose gradients are sums of some hundred products.
                torch.testing.assert_close(states[number][name], value, rtol=0, atol=1e-12)


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


def test_the_ranks_see_together_what_one_process_sees(singing, tmp_path):
    everyone = run_on_ranks(2, own_inputs, tmp_path / "ranks", singing)
    single = own_inputs(singing)
    assert torch.equal(torch.cat([inputs["views"] for inputs in everyone], dim=1), single["views"])
    assert torch.equal(torch.cat([inputs["clip_ids"] for inputs in everyone]), single["clip_ids"])
    assert {inputs["epoch"] for inputs in everyone} == {single["epoch"]}


def stopped_and_resumed(config):
    def stop_on_rank_0(_encoder):
        signal.raise_signal(signal.SIGTERM)
        return {}

    first = trained(config, validate=stop_on_rank_0)
    return [first, trained(dataclasses.replace(config, validate_every=500), resume=True)]


def test_all_ranks_end_with_the_same_bits_and_a_stop_of_one_stops_all(shared_config, tmp_path):
    whole = [shared_config(objective=name, steps=3, out=tmp_path / name) for name in ("contrastive", "byol")]
    first, second = run_on_ranks(2, several, tmp_path / "ranks", whole)
    assert first == second
    assert {run["steps"] for run in first} == {3}
    assert [record["step"] for record in read_metrics(tmp_path / "byol")] == [1, 2, 3]
    assert digest(load_model(tmp_path / "byol")) == first[1]["encoder"]

    parts = shared_config(objective="byol", steps=3, out=tmp_path / "parts")
    both = run_on_ranks(2, stopped_and_resumed, tmp_path / "stopped", parts)
    assert both[0] == both[1]
    assert both[0][0]["steps"] == 1  # asked before step 1, which was under way
    assert both[0][1] == first[1]  # the bits of the run that was not stopped


def test_a_run_is_resumed_by_another_number_of_ranks(shared_config, tmp_path):
    config = shared_config(steps=1, batch_size=2)
    one = trained(config)
    ranks = run_on_ranks(2, resumed, tmp_path / "ranks", dataclasses.replace(config, steps=2))
    assert ranks[0] == ranks[1] != one
    assert trained(dataclasses.replace(config, steps=3), resume=True)["steps"] == 3
    assert [record["step"] for record in read_metrics(config.out)] == [1, 2, 3]


def resumed(config):
    return trained(config, resume=True)


def test_a_clip_that_one_rank_cannot_read_is_left_out_by_all(shared_config, partly_silent, tmp_path):
    config = shared_config(data=(partly_silent,), batch_size=8, steps=2)
    first, second = run_on_ranks(2, trained, tmp_path / "ranks", config)
    assert first == second
    assert (first["steps"], first["skipped"]) == (2, ["7.wav"])


# How it ends early


def endings(configs, singing):
    """The sentences that this rank hears."""

    def break_down(_encoder):
        raise OSError("the list of trials is gone")

    def seed_of_the_rank(config):
        return dataclasses.replace(config, seed=rank())

    occupied = configs["occupied"].out
    if rank() == 1:
        occupied.mkdir()
        (occupied / "notes.txt").write_text("mine")
    heard = {
        "not divisible": sentence_of(train, configs["not divisible"]),
        "seeds": sentence_of(train, seed_of_the_rank(configs["seeds"])),
        "not finite": sentence_of(train, configs["not finite"]),
        "validation": sentence_of(lambda: train(configs["validation"], validate=break_down)),
        "silent": sentence_of(train, configs["silent"]),
        "occupied": sentence_of(train, configs["occupied"]),
    }
    return heard | {"still in the group": in_group()}


def test_what_goes_wrong_on_one_rank_is_heard_on_all(shared_config, singing, partly_silent, tmp_path):
    silent = tmp_path / "silent"
    silent.mkdir()
    for number in (0, 1):
        (silent / f"{number}.wav").write_bytes((partly_silent / "7.wav").read_bytes())
    configs = {
        "not divisible": shared_config(batch_size=3, out=tmp_path / "a"),
        "seeds": shared_config(out=tmp_path / "b"),
        "not finite": shared_config(learning_rate=1e30, steps=20, out=tmp_path / "c"),
        "validation": shared_config(out=tmp_path / "d"),
        "silent": shared_config(data=(silent,), batch_size=2, out=tmp_path / "e"),
        "occupied": shared_config(out=tmp_path / "f"),
    }
    first, second = run_on_ranks(2, endings, tmp_path / "ranks", configs, singing)
    expected = {
        "not divisible": "ValueError: train: batch_size must be a multiple of the number of ranks, 2, got 3",
        "seeds": "ValueError: train: seed must be the same on every rank, got 0 on rank 0 and 1 on rank 1",
        "silent": "ValueError: train: data must give at least 1 readable clip a batch on each rank, got 0; "
        "skipped: {}.wav, {}.wav",
        "occupied": "ValueError: train: out must be a new or empty folder, or be resumed, "
        f"got {configs['occupied'].out}",
        "still in the group": True,
    }
    for heard in (first, second):
        for name in ("not divisible", "seeds", "still in the group"):
            assert heard[name] == expected[name]
        assert heard["silent"] in {expected["silent"].format(*order) for order in ("01", "10")}
    assert first["not finite"] == second["not finite"]
    assert first["not finite"].startswith("FloatingPointError: train: loss and weights must be finite, got ")
    assert first["validation"] == "OSError: the list of trials is gone"
    assert second["validation"] == "RankError: the list of trials is gone (on rank 0)"
    # Rank 1 wrote there before it looked; rank 0 may have looked before that.
    assert second["occupied"] == expected["occupied"]
    in_words = expected["occupied"].removeprefix("ValueError: ")
    assert first["occupied"] in {expected["occupied"], f"RankError: {in_words} (on rank 1)"}


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
