"""The progress bar of a training run: steps, loss, clips per second, time spent waiting for data."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class TrainingProgress:
    """A context manager that shows one bar, or nothing.

    Args:
        steps: steps in all.
        done: steps done before this part of the run.
        visible: False shows nothing.
    """

    def __init__(self, steps: int, done: int, visible: bool) -> None:
        self._progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[facts]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not visible,
        )
        self._task = self._progress.add_task("training", total=steps, completed=done, facts="")

    def __enter__(self) -> "TrainingProgress":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def advance(self) -> None:
        """One step more."""
        self._progress.advance(self._task)

    def show(self, figures: dict[str, float]) -> None:
        """Updates the figures beside the bar: ``loss``, ``clips_per_second`` and ``waiting_share``."""
        facts = "loss {loss:.3f}  {clips_per_second:.1f} clips/s  {waiting_share:.0%} waiting for data"
        self._progress.update(self._task, facts=facts.format(**figures))
