"""What the demo shows: a line for each run, or a table that fits the window."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from console.terminal.demo_view import TableView, policy_changes, shown_as_lines
from policy import Evidence
from policy.snapshot import Snapshot
from storage.read import policies
from storage.records import PublishedRun
from storage.store import Store
from tests.support import runs
from tests.support.store_calls import read

SYMBOLS = [f"S{number:02}USDT" for number in range(24)]
HINT = 'sqlite3 a/rather/long/way/to/the/demo/router_policy.db "select symbol, maker_first from policy_latest"'


@pytest.fixture(scope="module")
def published(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> tuple[PublishedRun, list[Snapshot], list[Snapshot]]:
    """A run in which one of 24 symbols has come to fall back always, with the snapshots before it and its own."""

    def evidences(fallback: float) -> Sequence[Evidence]:
        return [runs.evidence(symbol, fallback=fallback if symbol == "S07USDT" else 0.1) for symbol in SYMBOLS]

    with Store(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('view'))}") as store:
        before = runs.publish(store, runs.SLOT, *evidences(0.1))
        after = runs.publish(store, runs.SLOT + runs.QUARTER, *evidences(1.0))
        return (
            after,
            read(store, policies.snapshots_of_run, before.run_id),
            read(store, policies.snapshots_of_run, after.run_id),
        )


CHANGE = "S07USDT: good, normal, maker first, prefer_maker -> broken, normal, straight to taker, prefer_taker"


def test_changes_name_the_symbols_whose_policy_is_another_one(
    published: tuple[PublishedRun, list[Snapshot], list[Snapshot]],
) -> None:
    _, before, after = published

    assert policy_changes(before, after) == [CHANGE]
    assert policy_changes(after, after) == []
    assert policy_changes(before, [replace(before[0], symbol="NEWUSDT"), replace(before[1], slip_q50=1.5)]) == []


def test_lines_tell_each_run_and_end_with_the_table(
    published: tuple[PublishedRun, list[Snapshot], list[Snapshot]], capsys: pytest.CaptureFixture[str]
) -> None:
    run, before, after = published
    with shown_as_lines(before, HINT) as show:
        show(run, after)
        printed = capsys.readouterr().out
    table = capsys.readouterr().out

    assert printed == f"slot 2026-04-26T00:30:00Z published as run 2: 24 symbols, 150 orders used\n  {CHANGE}\n"
    assert all(symbol in table for symbol in SYMBOLS)
    assert "broken" in table
    assert table.endswith(f"{HINT}\n")


def drawn(view: TableView, height: int, width: int = 140) -> list[str]:
    console = Console(width=width, height=height)
    with console.capture() as captured:
        console.print(view.draw(console))
    return captured.get().splitlines()


def test_the_table_shows_the_newest_run_and_what_changed_last(
    published: tuple[PublishedRun, list[Snapshot], list[Snapshot]],
) -> None:
    run, before, after = published
    view = TableView(before, HINT)
    assert "broken" not in "\n".join(drawn(view, 50))

    view.show(run, after)

    lines = drawn(view, 50)
    assert sum(symbol in line for line in lines for symbol in SYMBOLS) == 24 + 1
    assert lines[-3:] == [f"2026-04-26T00:30:00Z {CHANGE}", HINT, "Ctrl-C ends the demo"]


@pytest.mark.parametrize(("width", "height"), [(140, 16), (140, 24), (140, 35), (140, 36), (80, 24), (70, 17)])
def test_a_low_window_gets_as_many_rows_as_fit_and_is_told_of_the_rest(
    published: tuple[PublishedRun, list[Snapshot], list[Snapshot]], width: int, height: int
) -> None:
    run, before, after = published
    view = TableView(before, HINT)
    view.show(run, after)

    lines = drawn(view, height, width)

    rows = sum("│ S" in line for line in lines)
    assert len(lines) <= height
    text_lines = 3 if width == 140 else 5  # the change, the hint, the way out; two of them broken where it is narrow
    assert rows >= min(24, height - 9 - text_lines)
    assert (f"... and {24 - rows} more in a taller window" in lines) is (rows < 24)


@pytest.mark.parametrize(
    ("width", "last_column"), [(80, "fallback"), (100, "ATR ratio"), (120, "starts/orders"), (160, "starts/orders")]
)
def test_a_narrow_window_gets_whole_words_and_fewer_columns(
    published: tuple[PublishedRun, list[Snapshot], list[Snapshot]], width: int, last_column: str
) -> None:
    _, _, after = published

    lines = drawn(TableView(after, HINT), 40, width)

    columns = list(_columns(lines))
    assert columns[0] == "symbol"
    assert columns[-1] == last_column
    assert not any("…" in line for line in lines)
    assert max(map(len, lines)) <= width


def _columns(lines: Sequence[str]) -> Iterator[str]:
    """Read the heads of the columns, which may take several lines."""
    heads = [[part.strip() for part in line.split("┃")[1:-1]] for line in lines if line.startswith("┃")]
    return (" ".join(filter(None, parts)).removesuffix(" bps") for parts in zip(*heads, strict=True))
