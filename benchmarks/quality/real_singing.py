"""Real singing: trains an encoder without labels, then measures it and its rivals on four sets of trials.

    python -m benchmarks.quality.real_singing --data FOLDER [--out runs/real_singing] [--resume]

FOLDER holds songs/{train,unlabelled,validation,trials_*.txt}, singing/{train,validation} and
pseudo_singers/validation. The figures go to benchmarks/results/real_singing.json, README's source.
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import resource
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table

from benchmarks.harness import RESULTS, machine_facts
from singerprint.atomic_file import write_files
from singerprint.baselines import MfccStatistics
from singerprint.data import scan_folder
from singerprint.experiments import embed_files, folder_trials, verify
from singerprint.models import SingerEncoder, load_model
from singerprint.training import TrainConfig, read_metrics, train

SETTINGS = {
    "objective": "simclr",
    "steps": 1000,
    "batch_size": 32,
    "sources_per_batch": 4,
    "temperature": 0.1,
    "augmentation": "quiet",
    "dropout": 0.0,  # as the demo
    "stochastic_depth": 0.0,
    "crop_seconds": 2.0,
    "learning_rate": 1e-3,
    "warmup_steps": 50,
    "schedule": "cosine",
    "validate_every": 125,
    "checkpoint_every": 125,
}


def trial_sets(data):
    """The four sets of trials, by the name they have in the table."""
    songs = data / "songs"
    return {
        "songs, same source": folder_trials(songs / "validation", songs / "trials_same_source.txt"),
        "songs, any source": folder_trials(songs / "validation", songs / "trials_any_source.txt"),
        "voice banks, across style": folder_trials(data / "singing/validation", across="style"),
        "pseudo singers": folder_trials(data / "pseudo_singers/validation"),
    }


def training_sources(data, out):
    """Links the training files into a folder per recording source; returns these folders."""
    sources = {}
    for file in scan_folder(data / "songs/train"):
        sources.setdefault(file.singer.split("-")[0], {}).setdefault(file.singer, []).append(file.path)
    for file in scan_folder(data / "songs/unlabelled"):  # one singer a file, folders are sources
        sources.setdefault(file.singer, {}).setdefault(file.path.stem, []).append(file.path)
    for file in scan_folder(data / "singing/train"):
        sources.setdefault("voice-banks", {}).setdefault(file.singer, []).append(file.path)
    for source, singers in sources.items():
        for singer, paths in singers.items():
            folder = out / source / singer
            folder.mkdir(parents=True, exist_ok=True)
            for path in paths:
                link = folder / path.name
                link.unlink(missing_ok=True)
                link.symlink_to(path.resolve())
    return tuple(sorted(out.iterdir()))


def cpu_minutes():
    """Of this process, its ended children and those that still read audio."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(used.ru_utime + used.ru_stime for used in usage)
    for child in multiprocessing.active_children():
        user, system = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        seconds += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return seconds / 60


def trained_encoder(data, out, resume, sets):
    """Trains; the run's metrics get EER on every set, their mean, and CPU minutes along the way."""
    spent_on_validation = 0.0
    started = cpu_minutes()

    def validate(encoder):
        nonlocal spent_on_validation
        before = cpu_minutes()
        rates = {name: verify(encoder, subject).result.eer for name, subject in sets.items()}
        training_minutes = before - started - spent_on_validation
        spent_on_validation += cpu_minutes() - before
        return {"validation_eer": fmean(rates.values()), "cpu_minutes": training_minutes, **rates}

    folders = training_sources(data, out.with_name(f"{out.name}-sources"))
    config = TrainConfig(data=folders, out=out, **SETTINGS)
    return train(config, resume=resume, validate=validate).encoder


def embedders(data, encoder):
    """Whom to compare, by the name in the table."""
    statistics = embed_files(MfccStatistics(), scan_folder(data / "songs/train")).embeddings
    contenders = {
        "singerprint": encoder,
        "untrained encoder": SingerEncoder.untrained(seed=0),
        "MFCC mean + std": MfccStatistics().fit_statistics(statistics),
    }
    if importlib.util.find_spec("resemblyzer") is not None:
        from benchmarks.quality.ge2e import Ge2e  # noqa: PLC0415

        contenders["GE2E (speech labels)"] = Ge2e()
    return contenders


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/real_singing"))
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted training run")
    arguments = parser.parse_args()
    sets = trial_sets(arguments.data)
    if (arguments.out / "encoder.json").exists():
        encoder = load_model(arguments.out)
    else:
        encoder = trained_encoder(arguments.data, arguments.out, arguments.resume, sets)
    rows = []
    for name, embedder in embedders(arguments.data, encoder).items():
        for trials, subject in sets.items():
            rows.append({"model": name, "trials": trials, **verify(embedder, subject).result._asdict()})
    curve = [record for record in read_metrics(arguments.out) if "validation_eer" in record]
    facts = {"settings": SETTINGS, "curve": curve, "rows": rows, "machine": machine_facts()}
    RESULTS.mkdir(exist_ok=True)
    write_files({RESULTS / "real_singing.json": (json.dumps(facts, indent=2) + "\n").encode()})
    show(rows)


def show(rows):
    table = Table("model", "trials", "EER", "95 % interval", "MNR", "95 % interval")
    for row in rows:
        table.add_row(
            row["model"],
            row["trials"],
            f"{row['eer']:.1%}",
            f"{row['eer_low']:.1%} to {row['eer_high']:.1%}",
            f"{row['mnr']:.1%}",
            f"{row['mnr_low']:.1%} to {row['mnr_high']:.1%}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
