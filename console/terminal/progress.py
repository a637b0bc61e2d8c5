"""Progress for a person at a terminal, on standard error; nothing is shown if that is not a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


@contextmanager
def progress_bar() -> Iterator["Progress"]:
    """Give a bar to which tasks are added, whose length need not be known."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

    with _progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    ) as progress:
        yield progress


@contextmanager
def step_bar(description: str, step_count: int) -> Iterator[Callable[[int], None]]:
    """Give a function that moves the bar on by a number of steps."""
    with _progress() as progress:
        task = progress.add_task(description, total=step_count)
        yield lambda steps: progress.advance(task, steps)


@contextmanager
def spinner(description: str) -> Iterator[None]:
    """Show that something is going on, and for how long."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    # The default spinner is drawn in Braille, which not every encoding has.
    with _progress(SpinnerColumn("line"), TextColumn("{task.description}"), TimeElapsedColumn()) as progress:
        progress.add_task(description, total=None)
        yield


def _progress(*columns: "ProgressColumn") -> "Progress":
    from rich.console import Console
    from rich.progress import Progress

    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
