"""Real gloo processes for the tests: a function on every rank, its results back, and never a hang."""

import time
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.multiprocessing import start_processes


def run_on_ranks(ranks, work, folder, *arguments, seconds=120, timeout_seconds=60.0, backend="gloo"):
    """What ``work(*arguments)`` returns on each of the ranks: tensors, strings, numbers, lists, dicts."""
    folder.mkdir()
    settings = (ranks, work, folder, arguments, timeout_seconds, backend)
    context = start_processes(_rank, settings, ranks, join=False, start_method="spawn")
    deadline = time.monotonic() + seconds
    try:
        while not context.join(timeout=0.2):
            assert time.monotonic() < deadline, f"{work.__name__} on {ranks} ranks took over {seconds} s"
    finally:
        for process in context.processes:
            if process.is_alive():
                process.kill()
    return [torch.load(folder / f"{rank}.pt") for rank in range(ranks)]


def _rank(rank, ranks, work, folder, arguments, timeout_seconds, backend):
    torch.set_num_threads(1)
    # Imports take seconds on a busy machine: the timeout, a subject of tests, runs from when all are here.
    (folder / f"{rank}.here").touch()
    while len(list(folder.glob("*.here"))) < ranks:
        time.sleep(0.05)
    # A file to meet at: no port that another process could have taken.
    store = f"file://{folder / 'store'}"
    timeout = timedelta(seconds=timeout_seconds)
    dist.init_process_group(backend, init_method=store, rank=rank, world_size=ranks, timeout=timeout)
    try:
        torch.save(work(*arguments), folder / f"{rank}.pt")
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def sentence_of(work, *arguments):
    """The kind and the sentence of the error that ``work(*arguments)`` ends with."""
    try:
        work(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"
