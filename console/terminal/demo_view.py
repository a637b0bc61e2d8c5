"""What the demo shows while its schedule runs: a table that updates on a terminal, a line for each run elsewhere."""

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from console.terminal.policy_table import WORD_COLUMN_COUNT, policy_table, print_policies
from console.terminal.routes import policy_words
from console.terminal.text import print_lines
from policy.snapshot import Snapshot
from policy.time_text import iso
from storage.records import PublishedRun

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

Show = Callable[[PublishedRun, Sequence[Snapshot]], None]
_CHANGES_SHOWN = 3
_LINES_AROUND_POLICIES = 9
_WIDEST = 1000
_DRAWN_PER_SECOND = 2


@contextmanager
def shown_as_lines(before: Sequence[Snapshot], hint: str) -> Iterator[Show]:
    """Print a line for each run and one for each policy that it changed, and at the end the policies as a table."""
    newest = before

    def show(run: PublishedRun, snapshots: Sequence[Snapshot]) -> None:
        nonlocal newest
        summary = f"published as run {run.run_id}: {run.symbol_count} symbols, {run.event_count} orders used"
        changes = (f"  {change}" for change in policy_changes(newest, snapshots))
        print_lines([f"slot {iso(run.slot)} {summary}", *changes])
        sys.stdout.flush()
        newest = snapshots

    yield show
    print_policies(newest, datetime.now(UTC))
    sys.stdout.write(f"{hint}\n")


@contextmanager
def shown_as_table(before: Sequence[Snapshot], hint: str) -> Iterator[Show]:
    """Draw the policies of the newest run again and again, with what changed last under them."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    view = TableView(before, hint)
    with Live(get_renderable=lambda: view.draw(console), console=console, refresh_per_second=_DRAWN_PER_SECOND):
        yield view.show


class TableView:
    """The policies of the newest run and the last changes, as something to draw."""

    def __init__(self, before: Sequence[Snapshot], hint: str) -> None:
        self._snapshots = before
        self._hint = hint
        self._changes: deque[str] = deque(maxlen=_CHANGES_SHOWN)

    def show(self, run: PublishedRun, snapshots: Sequence[Snapshot]) -> None:
        """Take the run's policies as those to draw."""
        self._changes.extend(f"{iso(run.slot)} {change}" for change in policy_changes(self._snapshots, snapshots))
        self._snapshots = snapshots

    def draw(self, console: "Console") -> "RenderableType":
        """Lay out as many of the policies, and of their columns, as fit into the window, and what to do next."""
        from rich.console import Group
        from rich.text import Text

        lines = [Text(line) for line in (*self._changes, self._hint, "Ctrl-C ends the demo")]
        room = console.height - _LINES_AROUND_POLICIES - len(console.render_lines(Group(*lines)))
        shown = self._snapshots[: max(1, room)]
        left_out = len(self._snapshots) - len(shown)
        more = [Text(f"... and {left_out} more in a taller window")] if left_out else []
        return Group(_narrowed(policy_table(shown, datetime.now(UTC)), console), *more, *lines)


def _narrowed(table: "Table", console: "Console") -> "Table":
    """Break the heads of the figures, and leave out the last columns, if the window is too narrow for all."""
    if console.measure(table, options=console.options.update(width=_WIDEST)).maximum <= console.width:
        return table
    for number, column in enumerate(table.columns):
        texts = [str(column.header), *map(str, column.cells)]
        column.width = max(map(len, texts if number < WORD_COLUMN_COUNT else " ".join(texts).split()))
    while len(table.columns) > WORD_COLUMN_COUNT and _width(table) > console.width:
        table.columns.pop()
    return table


def _width(table: "Table") -> int:
    """Return how many characters the columns take with the lines between them."""
    return sum(column.width or 0 for column in table.columns) + 3 * len(table.columns) + 1


def policy_changes(before: Sequence[Snapshot], after: Sequence[Snapshot]) -> list[str]:
    """Return a line for each symbol whose policy or regime has changed: what it was, and what it is."""
    old = {snapshot.symbol: _policy(snapshot) for snapshot in before}
    new = {snapshot.symbol: _policy(snapshot) for snapshot in after}
    return [
        f"{symbol}: {old[symbol]} -> {policy}" for symbol, policy in new.items() if old.get(symbol, policy) != policy
    ]


def _policy(snapshot: Snapshot) -> str:
    words = policy_words(snapshot.maker_first, snapshot.taker_bias)
    return f"{snapshot.quality}, {snapshot.regime}, {words}"
