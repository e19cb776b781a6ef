"""Train an encoder on folders of singing, by any of seven objectives."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from singerprint.distributed import rank
from singerprint.experiments import folder_trials, verify
from singerprint.models import SingerEncoder
from singerprint.training import TrainConfig, TrainResult, run_ranks, train


def add_arguments(parser: ArgumentParser) -> None:
    """Every field of TrainConfig is an option; ``--config FILE`` reads them from YAML or JSON."""
    parser.add_argument("--config", action="config", help="read options from a YAML or JSON file")
    parser.add_argument("--data", nargs="+", type=Path, required=True, help="folders of singing")
    parser.add_class_arguments(TrainConfig, skip={"data"})
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint of --out")
    parser.add_argument("--validation", type=Path, default=None, help="singers whose EER is followed")
    parser.add_argument("--pairs", type=Path, default=None, help="list of trials of the validation folder")


def run(arguments: Namespace) -> int:
    """Trains, then names the files that were padded or skipped."""
    options = arguments.as_dict()
    validation, pairs = options.pop("validation"), options.pop("pairs")
    resume = options.pop("resume")
    options.pop("config")
    config = TrainConfig(**options | {"data": tuple(options["data"])})
    if pairs is not None and validation is None:
        raise ValueError("train: pairs must come with --validation, the folder that the list is about")
    validate = None
    if validation is not None:
        subject = folder_trials(validation, pairs)

        def validate(encoder: SingerEncoder) -> dict[str, float]:
            return {"validation_eer": verify(encoder, subject).result.eer}

    with run_ranks(config):
        result = train(config, resume=resume, validate=validate)
        if rank() == 0:
            _tell(config, result)
    return 0 if result.steps == config.recipe.steps else 130


def _tell(config: TrainConfig, result: TrainResult) -> None:
    if result.short_files:
        print(f"{result.short_files} files are shorter than a crop and were padded with zeros")
    for name, reason in result.skipped_files.items():
        print(f"skipped {name}: {reason}")
    if result.steps < config.recipe.steps:
        print(f"stopped after {result.steps} of {config.recipe.steps} steps; --resume goes on from there")
    else:
        print(f"{result.steps} steps done; the encoder is in {config.out}")
