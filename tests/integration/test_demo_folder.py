"""The demo's folder and the bot that writes into it."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import pytest

from jobs.demo.feed import live_feed, write_until
from jobs.demo.folder import DemoFolder, DemoFolderError, fresh_folder
from jobs.demo.simulation import simulate
from tests.support.waiting import wait_until

NOW = datetime(2026, 4, 26, 9, 7, 31, tzinfo=UTC)


def written(path: Path, *cuts: datetime) -> DemoFolder:
    """Write the demo's past, in as many pieces as there are cuts."""
    with fresh_folder(path) as folder:
        simulation = simulate(Random(11), NOW)
        since = simulation.start
        for cut in cuts:
            write_until(simulation, folder, since, cut)
            since = cut
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> DemoFolder:
    """The demo's past, written at once."""
    return written(tmp_path_factory.mktemp("whole"), NOW)


def test_the_same_seed_and_time_give_the_same_files_to_the_byte(whole: DemoFolder, tmp_path: Path) -> None:
    again = written(tmp_path / "again", NOW)

    assert set(files_of(whole.path)) == {
        ".router-policy-demo",
        "router-policy.toml",
        "logs/execution/order_metrics.jsonl",
        "candles/20260416T0900Z.parquet",
    }
    assert files_of(whole.path) == files_of(again.path)


def test_files_written_bit_by_bit_hold_what_files_written_at_once_do(whole: DemoFolder, tmp_path: Path) -> None:
    pieces = written(tmp_path / "pieces", NOW - timedelta(hours=2), NOW - timedelta(minutes=1), NOW)

    def candles(folder: DemoFolder) -> list[tuple[object, ...]]:
        return duckdb.execute(f"select * from '{folder.candles}/*.parquet' order by ts, symbol").fetchall()

    assert pieces.log.read_bytes() == whole.log.read_bytes()
    assert candles(pieces) == candles(whole)
    assert len(list(pieces.candles.iterdir())) == 2  # no candle closed in the last minute


def test_candles_have_the_columns_and_times_that_are_asked_for(whole: DemoFolder) -> None:
    described = duckdb.execute(f"describe select * from '{whole.candles}/*.parquet'").fetchall()
    first, last, symbols, bars = duckdb.execute(
        f"select min(ts), max(ts), count(distinct symbol), count(*) from '{whole.candles}/*.parquet'"
    ).fetchall()[0]

    assert [(name, kind) for name, kind, *_ in described] == [
        ("ts", "TIMESTAMP"),
        ("symbol", "VARCHAR"),
        *((name, "DOUBLE") for name in ("open", "high", "low", "close", "volume")),
    ]
    assert (first, last) == (datetime(2026, 4, 16, 9, 0), datetime(2026, 4, 26, 8, 45))  # noqa: DTZ001 - UTC in the file
    # 10 days of quarters for 23 symbols; the whole quarters of the last 100 hours for the one that was listed then
    assert (symbols, bars) == (24, 23 * 960 + 399)


def test_an_earlier_demo_is_deleted_and_what_else_lies_there_is_kept(tmp_path: Path) -> None:
    with fresh_folder(tmp_path) as folder:
        folder.append_rows([{"ts": 1.0}])
        (folder.candles / "old.parquet").write_text("old candles")
    folder.database.write_text("old policies")
    (tmp_path / "router_policy.db-wal").write_text("old policies")
    (tmp_path / "notes.txt").write_text("mine")

    with fresh_folder(tmp_path) as again:
        assert not again.log.exists()
        assert not list(again.candles.iterdir())
        assert not list(tmp_path.glob("router_policy.db*"))

    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_empty_folder_may_become_the_demos(tmp_path: Path) -> None:
    with fresh_folder(tmp_path) as folder:
        assert folder.settings.is_file()


@pytest.mark.parametrize("name", ["router_policy.db", "candles/mine.parquet", ".hidden"])
def test_a_folder_of_somebody_else_is_refused_and_left_as_it_was(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")

    with pytest.raises(DemoFolderError, match="holds files that are not a demo's"), fresh_folder(tmp_path):
        pass

    assert files_of(tmp_path) == {name: b"mine"}


def test_a_file_is_no_folder_for_a_demo(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("mine")

    with pytest.raises(DemoFolderError, match="is not a folder"), fresh_folder(tmp_path / "demo"):
        pass


def test_a_folder_under_a_file_cannot_be_used_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    with pytest.raises(DemoFolderError, match="cannot be used"), fresh_folder(tmp_path / "file" / "demo"):
        pass


def test_two_demos_in_one_folder_are_kept_apart(tmp_path: Path) -> None:
    with fresh_folder(tmp_path) as first:
        first.append_rows([{"ts": 1.0}])
        with pytest.raises(DemoFolderError, match="another demo is running"), fresh_folder(tmp_path):
            pass
        assert first.log.read_text() == '{"ts": 1.0}\n'

    with fresh_folder(tmp_path) as second:
        assert not second.log.exists()


def test_the_live_bot_writes_what_the_clock_has_reached(tmp_path: Path) -> None:
    clock = [NOW]
    simulation = simulate(Random(11), NOW)
    with fresh_folder(tmp_path) as folder:
        write_until(simulation, folder, simulation.start, NOW)
        past = folder.log.read_text()
        with live_feed(simulation, folder, NOW, lambda: clock[-1]):
            clock.append(NOW + timedelta(minutes=9))
            wait_until(lambda: len(list(folder.candles.glob("*.parquet"))) == 2, "the candle of 09:00 is written")

    live = [json.loads(line) for line in folder.log.read_text().removeprefix(past).splitlines()]
    assert len(live) > 100
    assert all(NOW.timestamp() <= row["ts"] < clock[-1].timestamp() for row in live)
    assert (tmp_path / "candles" / "20260426T0900Z.parquet").is_file()


def test_a_live_bot_that_cannot_write_says_so_and_stops(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    simulation = simulate(Random(11), NOW)
    with fresh_folder(tmp_path / "demo") as folder:
        folder.log.parent.rmdir()
        with live_feed(simulation, folder, simulation.start, lambda: simulation.start):
            wait_until(lambda: "cannot write to" in caplog.text, "the failure is said")
            wait_until(
                lambda: "simulated-bot" not in {thread.name for thread in threading.enumerate()}, "it has stopped"
            )
        assert caplog.text.count("cannot write to") == 1
