"""The main job in a few minutes: train, measure, and write a report to look at."""

from jsonargparse import ArgumentParser, Namespace

from singerprint.experiments import DemoConfig, run_demo


def add_arguments(parser: ArgumentParser) -> None:
    """Every field of DemoConfig is an option."""
    parser.add_class_arguments(DemoConfig)


def run(arguments: Namespace) -> int:
    """Runs the demo and says where the report is."""
    report = run_demo(DemoConfig(**arguments.as_dict()))
    print(f"\nreport: {report}")
    return 0
