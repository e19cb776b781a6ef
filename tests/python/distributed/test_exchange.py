import time

import pytest
import torch
import torch.distributed as dist
from tests.python.distributed.rank_processes import run_on_ranks, sentence_of
from torch import nn

from singerprint.distributed import (
    RankError,
    SyncBatchNorm1d,
    all_gather_rows,
    all_or_none,
    average_over_ranks,
    exchange,
    in_group,
    process_group,
    rank,
    rank_count,
    same_on_every_rank,
    synchronise_batch_norm,
)


def fail_on_rank_one():
    with all_or_none("save"):
        if rank() == 1:
            raise OSError("no space left")


def mistakes():
    """What ranks can disagree in, and the sentence that each of them hears."""
    other = rank() == 1
    layer = SyncBatchNorm1d(3)
    heard = {
        "batch": sentence_of(all_gather_rows, torch.ones(4 if other else 3, 8)),
        "dim": sentence_of(all_gather_rows, torch.ones(3, 9 if other else 8)),
        "dtype": sentence_of(
            all_gather_rows, torch.ones(3, 8, dtype=torch.float64 if other else torch.float32)
        ),
        "gradient": sentence_of(all_gather_rows, torch.ones(3, 8, requires_grad=other)),
        "operation": sentence_of(layer if other else all_gather_rows, torch.ones(3, 3)),
        "norm's batch": sentence_of(layer, torch.ones(3 if other else 2, 3)),
        "norm's features": sentence_of(layer, torch.ones(2, 4)),
        "work": sentence_of(fail_on_rank_one),
        "fact": sentence_of(same_on_every_rank, "train", {"seed": 0, "steps": 5 if other else 4}),
    }
    return heard | {
        "after them": [*exchange("count", 10 * rank()), float(all_gather_rows(torch.ones(1, 1)).sum())]
    }


SENTENCES = {
    "batch": "ValueError: all_gather_rows: shape of rows must be the same on every rank, "
    "got [3, 8] on rank 0 and [4, 8] on rank 1",
    "dim": "ValueError: all_gather_rows: shape of rows must be the same on every rank, "
    "got [3, 8] on rank 0 and [3, 9] on rank 1",
    "dtype": "ValueError: all_gather_rows: dtype of rows must be the same on every rank, "
    "got torch.float32 on rank 0 and torch.float64 on rank 1",
    "gradient": "ValueError: all_gather_rows: requires_grad of rows must be the same on every rank, "
    "got False on rank 0 and True on rank 1",
    "operation": "RankError: {own}: every rank must be at the same operation, "
    "got all_gather_rows on rank 0 and SyncBatchNorm1d on rank 1",
    "norm's batch": "ValueError: SyncBatchNorm1d: shape of rows must be the same on every rank, "
    "got [2, 3] on rank 0 and [3, 3] on rank 1",
    "norm's features": "ValueError: SyncBatchNorm1d: rows must have shape (batch, 3), got [2, 4]",
    "fact": "ValueError: train: steps must be the same on every rank, got 4 on rank 0 and 5 on rank 1",
}


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    return run_on_ranks(2, mistakes, tmp_path_factory.mktemp("mistakes") / "run")


@pytest.mark.parametrize("mistake", SENTENCES)
def test_what_ranks_disagree_in_is_said_on_every_rank(heard, mistake):
    for number, own in enumerate(("all_gather_rows", "SyncBatchNorm1d")):
        assert heard[number][mistake] == SENTENCES[mistake].format(own=own)


def test_work_that_failed_on_one_rank_has_failed_on_all(heard):
    assert [sentences["work"] for sentences in heard] == [
        "RankError: no space left (on rank 1)",
        "OSError: no space left",
    ]


def test_the_group_goes_on_after_mistakes(heard):
    assert [sentences["after them"] for sentences in heard] == [[0, 10, 2.0]] * 2


def one_row():
    return sentence_of(SyncBatchNorm1d(3), torch.ones(1, 3))


def test_one_row_in_all_has_no_variance(tmp_path):
    sentence = "ValueError: SyncBatchNorm1d: rows must be at least 2 over all ranks, got 1"
    assert run_on_ranks(1, one_row, tmp_path / "run") == [sentence]


def absent(leaves):
    """Rank 1 fails elsewhere, and leaves or stays; what rank 0 hears, and after how many seconds."""
    exchange("start", 0)  # both have met
    if rank() == 1:
        if leaves:
            time.sleep(0.5)
            dist.destroy_process_group()
        time.sleep(4 if leaves else 5)
        return None
    started = time.perf_counter()
    sentence = sentence_of(all_gather_rows, torch.ones(2, 2))
    return [sentence, time.perf_counter() - started]


@pytest.mark.parametrize(("leaves", "within_seconds"), [(True, 2.5), (False, 5.0)])
def test_nobody_waits_for_ever_for_a_rank_that_failed(tmp_path, leaves, within_seconds):
    (sentence, seconds), _ = run_on_ranks(2, absent, tmp_path / "run", leaves, timeout_seconds=3.0)
    assert sentence.startswith("RankError: all_gather_rows: every rank must take part in time, got: ")
    assert "\n" not in sentence
    assert seconds < within_seconds  # of a timeout of 3


def beside():
    return [dist.get_backend_config(), exchange("count", rank()), exchange("count", 7)]


def test_a_group_without_cpu_tensors_gets_one_beside_it(tmp_path):
    # As beside NCCL: gloo that was asked to take CUDA tensors alone.
    assert (
        run_on_ranks(2, beside, tmp_path / "run", backend="cuda:gloo") == [["cuda:gloo", [0, 1], [7, 7]]] * 2
    )


def test_outside_a_process_group_there_is_one_rank(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with process_group():
        assert (in_group(), rank(), rank_count()) == (False, 0, 1)
    assert exchange("count", 3) == [3]
    gradient = torch.tensor([1.0])
    average_over_ranks([gradient])
    assert gradient.item() == 1.0
    with pytest.raises(OSError, match="full"), all_or_none("save"):
        raise OSError("full")
    assert issubclass(RankError, RuntimeError)


def test_torchruns_environment_makes_a_group_that_ends(monkeypatch):
    # One rank; port 0 lets the system choose.
    for name, value in {
        "RANK": "0",
        "WORLD_SIZE": "1",
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": "0",
    }.items():
        monkeypatch.setenv(name, value)
    with process_group(timeout_seconds=20.0), process_group():
        assert (in_group(), rank_count()) == (True, 1)
    assert not in_group()


@pytest.mark.parametrize("seconds", [0.0, float("nan"), float("inf")])
def test_a_timeout_must_end(seconds):
    with pytest.raises(ValueError) as caught, process_group(timeout_seconds=seconds):
        pass
    assert str(caught.value) == f"process_group: timeout_seconds must be positive and finite, got {seconds}"


def test_a_tree_that_is_one_layer_is_converted():
    assert type(synchronise_batch_norm(nn.BatchNorm1d(3))) is SyncBatchNorm1d
