"""Progress on standard error: a bar or a spinner on a terminal; else lines of long work, for a log."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

_SECONDS_BETWEEN_LINES = 10


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
    """Give a function that moves the bar on by a number of steps; without a terminal it prints `step_lines`."""
    if not sys.stderr.isatty():
        yield step_lines(description, step_count)
        return
    with _progress() as progress:
        task = progress.add_task(description, total=step_count)
        yield lambda steps: progress.advance(task, steps)


def step_lines(description: str, step_count: int) -> Callable[[int], None]:
    """Return a function that counts steps and prints how many are done, every ten seconds; never on a terminal."""
    is_shown, done_count, line_at = not sys.stderr.isatty(), 0, monotonic() + _SECONDS_BETWEEN_LINES

    def count(steps: int) -> None:
        nonlocal done_count, line_at
        done_count += steps
        if is_shown and monotonic() >= line_at:
            sys.stderr.write(f"{description}: {done_count} of {step_count} slots\n")
            sys.stderr.flush()
            line_at = monotonic() + _SECONDS_BETWEEN_LINES

    return count


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
