"""Old lines of a log are not read again, and a run finds the same as if they were, whatever was done to the log."""

import gzip
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import pytest
from hypothesis import strategies as st

from jobs.engines.duckdb_session import duckdb_session
from jobs.engines.duckdb_tables import ORDERS_IN_WINDOW, load_orders, outcome_bounds
from jobs.plan import OrdersSource
from jobs.sources.block_times import BlockTimes
from jobs.sources.blocks import TimeRange
from jobs.sources.errors import SourceError
from jobs.sources.orders import read_orders
from jobs.sources.reject_counts import count_rejects
from policy.reject import Reject
from policy.window import Window
from tests.support.families import family
from tests.support.log_lines import BROKEN_JSON
from tests.support.order_logs import close, logged, unfilled
from tests.support.outcomes import outcome
from tests.support.small_runs import AS_OF, canonical, order_log, run

HOUR = timedelta(hours=1)
LONG_AGO = 3000
# Around both ends of the window, in it, long before it, and all of them in order.
HOURS = st.one_of(st.integers(-2, 3), st.integers(165, 170), st.integers(4, 167), st.integers(200, LONG_AGO))


def written(row: dict[str, object], hours_back: int) -> bytes:
    """A line that has the same length whatever its time."""
    at = AS_OF - hours_back * HOUR
    return json.dumps(row | {"ts": at.strftime("%Y-%m-%dT%H:%M:%SZ")}, default=str).encode()


def log_line(kind: str, hours_back: int) -> bytes:
    row = logged(hours_back % 20, slippage_bps=hours_back % 3)
    rows: dict[str, dict[str, object]] = {
        "order": row,
        "rejected": row | {"slippage_bps": 10000.0},
        "open": unfilled(hours_back % 20, "NEW"),
        "close": close(row, 1.5),
    }
    return written(rows[kind], hours_back)


def canonical_line(kind: str, hours_back: int) -> bytes:
    changes: dict[str, dict[str, object]] = {
        "order": {},
        "rejected": {"slippage_bps": 10000.0},
        "open": {"maker_filled": None, "fallback_used": None},
        "close": {"symbol": None},
    }
    return written(outcome(hours_back % 20, slippage_bps=hours_back % 3) | changes[kind], hours_back)


KINDS: dict[str, Callable[[str, int], bytes]] = {"order log": log_line, "canonical": canonical_line}
GOOD_LINES = st.tuples(st.sampled_from(["order"] * 6 + ["rejected", "open", "close"]), HOURS)
LINES = st.lists(st.one_of(*[GOOD_LINES] * 12, st.sampled_from([*BROKEN_JSON, b"", b" \t"])), max_size=16)
Line = tuple[str, int] | bytes


class Log:
    """The files of one log in a folder, and what programs and people do to them."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.current = folder / "log.jsonl"
        self.folder = folder
        self.lines: Sequence[Line] = []
        self.number = 0  # chooses a file, a byte and the like
        self._line = KINDS[kind]
        self.source: OrdersSource = (order_log if kind == "order log" else canonical)(folder / "log*.jsonl")

    def text(self, lines: Sequence[Line], end: bytes = b"\n") -> bytes:
        return b"".join((line if isinstance(line, bytes) else self._line(*line)) + end for line in lines)

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("log*"))

    def append(self, lines: Sequence[Line], end: bytes = b"\n") -> None:
        with self.current.open("ab") as file:
            file.write(self.text(lines, end))

    def append_in_any_order(self) -> None:
        ends = [b"\n", b"\n", b"\n", b"\r\n", b"\r"]
        self.append(self.lines, ends[self.number % len(ends)])

    def append_in_order(self) -> None:
        timed = [line for line in self.lines if not isinstance(line, bytes)]
        self.append(sorted(timed, key=lambda line: -line[1]))

    def tear(self) -> None:
        """Write as a bot does that is still in the midst of a line."""
        text = self.text(self.lines)
        with self.current.open("ab") as file:
            file.write(text[: len(text) - self.number % 700] if text else b"{")

    def rotate(self) -> None:
        for rotated in range(8, 0, -1):
            for path in self.folder.glob(f"log.jsonl.{rotated}*"):
                path.rename(str(path).replace(f".jsonl.{rotated}", f".jsonl.{rotated + 1}"))
        if self.current.exists():
            self.current.rename(self.folder / "log.jsonl.1")
        self.append(self.lines)

    def copy_and_truncate(self) -> None:
        if self.current.exists():
            (self.folder / f"log-{len(self.files())}.jsonl").write_bytes(self.current.read_bytes())
            self.current.write_bytes(self.text(self.lines))

    def compress(self) -> None:
        path = self.text_file()
        Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
        self.current.touch()

    def rewrite_a_time_in_place(self) -> None:
        """Change a time within a file, of which the size and the time of the last change stay."""
        path = self.text_file()
        status, text = path.stat(), path.read_bytes()
        times = [index for index in range(len(text)) if text.startswith(b'"ts": "20', index)]
        with path.open("r+b") as file:
            file.seek(times[self.number % len(times)] + len(b'"ts": "') if times else 0)
            file.write((AS_OF - HOUR * (self.number % 100)).strftime("%Y-%m-%dT%H:%M:%SZ").encode() if times else b"")
        # On a file system whose clock ticks slowly, wait until the change shows in the status.
        while path.stat().st_ctime_ns == status.st_ctime_ns or path.stat().st_mtime_ns != status.st_mtime_ns:
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def insert_at_the_beginning(self) -> None:
        path = self.text_file()
        path.write_bytes(self.text(self.lines) + path.read_bytes())

    def replace(self) -> None:
        """Put another file in the place of one, with the time of the old one."""
        path, other = self.text_file(), self.folder / "other"
        status = path.stat()
        other.write_bytes(self.text(self.lines) + path.read_bytes()[self.number % 3000 :])
        os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
        other.replace(path)

    def truncate(self) -> None:
        path = self.text_file()
        os.truncate(path, path.stat().st_size * (self.number % 4) // 4)

    def back_date(self) -> None:
        os.utime(self.text_file(), (0, self.number * 10_000))

    def remove(self) -> None:
        self.text_file().unlink()
        self.current.touch()

    def damage_the_index(self) -> None:
        for path in (self.folder / "cache").glob("*"):
            content = bytearray(path.read_bytes())
            content[self.number % len(content)] ^= 1 + self.number % 255
            path.write_bytes((bytes(content), content[: self.number % len(content)], b"")[self.number % 3])

    def text_file(self) -> Path:
        """One of the files that are not compressed."""
        files = [path for path in self.files() if path.suffix != ".gz"]
        return files[self.number % len(files)]


OPERATIONS = [
    *[Log.append_in_any_order, Log.append_in_order] * 3,
    *[Log.rotate] * 2,
    Log.tear,
    Log.copy_and_truncate,
    Log.compress,
    Log.rewrite_a_time_in_place,
    Log.insert_at_the_beginning,
    Log.replace,
    Log.truncate,
    Log.back_date,
    Log.remove,
    Log.damage_the_index,
]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(OPERATIONS), LINES, st.integers(0, 10_000), st.sampled_from([AS_OF] * 4 + [AS_OF - 900 * HOUR])
    ),
    min_size=2,
    max_size=7,
)


@contextmanager
def small_blocks(folder: Path, settled_after_seconds: float = 0) -> Iterator[None]:
    """Keep an index of the smallest log in the folder, in blocks of a few lines."""
    with (
        mock.patch("jobs.sources.blocks.BLOCK_BYTES", 1500),
        mock.patch("jobs.sources.recent_lines.SMALLEST_BYTES", 0),
        mock.patch("jobs.sources.file_scan.SETTLED_AFTER_SECONDS", settled_after_seconds),
        mock.patch.dict(os.environ, {"CACHE_DIRECTORY": str(folder / "cache")}),
    ):
        yield


Read = tuple[list[tuple[object, ...]], list[Reject], object]


def read_lines(source: OrdersSource, as_of: datetime, wanted: TimeRange | None) -> Read | str:
    """What a run measures: the rows of the window, and the rejects with their samples; or why it cannot."""
    window = Window(as_of=as_of)
    bounds = outcome_bounds(window)
    with duckdb_session() as (connection, folder):
        try:
            relation = read_orders(connection, source, window, folder, wanted)
            load_orders(connection, relation, source, window)
        except SourceError as error:
            return str(error)
        in_window = f"from order_event where {ORDERS_IN_WINDOW}"
        rows = connection.execute(f"select * exclude (file) {in_window} order by all", bounds).fetchall()
        counts = Counter(row[-1] for row in rows if row[-1] is not None)
        rejects = count_rejects(connection, "orders", "order_event", ORDERS_IN_WINDOW, bounds, relation, counts)
    return rows, rejects, relation.description


@family(
    short=6, long=100, kind=st.sampled_from([*KINDS]), steps=STEPS, settled_after_seconds=st.sampled_from([0, 0, 3600])
)
def test_a_run_that_leaves_out_old_lines_finds_what_one_finds_that_reads_every_line(
    kind: str, steps: list[tuple[Callable[[Log], None], list[Line], int, datetime]], settled_after_seconds: int
) -> None:
    with TemporaryDirectory() as name:
        log = Log(Path(name), kind)
        log.append([("order", LONG_AGO - number) for number in range(20)])
        for operation, log.lines, log.number, as_of in steps:
            operation(log)
            with small_blocks(log.folder, settled_after_seconds):
                without_old_lines = read_lines(log.source, as_of, TimeRange.of(Window(as_of=as_of)))
            assert without_old_lines == read_lines(log.source, as_of, None)


def lines_read(source: OrdersSource, as_of: datetime = AS_OF) -> dict[str, int]:
    """How many lines the engine is given of each file of a log that it reads."""
    with duckdb_session() as (connection, folder):
        relation = read_orders(connection, source, Window(as_of=as_of), folder, TimeRange.of(Window(as_of=as_of)))
        files = relation.texts.values()
        return {file.path.name: file.read_path.read_bytes().count(b"\n") for file in files}


def orders(hours_back: Iterable[int]) -> list[Line]:
    return [("order", hours) for hours in hours_back]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with small_blocks(tmp_path):
        yield Log(tmp_path, "order log")


def test_rotated_files_that_cannot_hold_the_window_are_not_read(log: Log) -> None:
    log.append(orders(range(500, 480, -1)))
    log.rotate()
    log.append(orders(range(200, 180, -1)))
    Path(f"{log.current}.2.gz").write_bytes(gzip.compress(log.text(orders(range(700, 680, -1)))))
    log.rotate()
    log.append(orders([3, 2, 1]))

    assert lines_read(log.source) == {"log.jsonl": 3}
    # The window that ends 480 hours before begins 648 hours before.
    assert lines_read(log.source, AS_OF - 480 * HOUR) == {"log.jsonl.2": 20}


def test_of_a_file_that_has_grown_old_lines_are_neither_read_nor_learnt_again(log: Log) -> None:
    log.append(orders(range(1000, 300, -1)))
    log.append(orders(range(5, 0, -1)))
    with mock.patch.object(BlockTimes, "take_lines", autospec=True, side_effect=BlockTimes.take_lines) as take_lines:
        first = lines_read(log.source)
        assert take_lines.call_count > 100
        take_lines.reset_mock()
        log.append(orders([1]))
        grown = lines_read(log.source)

    # A block has up to five lines, so some older ones stand beside those of the window.
    assert 5 <= first["log.jsonl"] <= 9
    assert 6 <= grown["log.jsonl"] <= 10
    assert take_lines.call_count <= 2


def test_a_time_that_is_changed_in_the_middle_of_an_old_file_is_noticed(log: Log) -> None:
    log.append(orders(range(1000, 900, -1)))
    log.rotate()
    log.append(orders([1]))
    assert len(rows_of(log)) == 1

    log.number = 51
    log.rewrite_a_time_in_place()

    assert len(rows_of(log)) == 2


def rows_of(log: Log) -> list[tuple[object, ...]]:
    rows_and_rejects = read_lines(log.source, AS_OF, TimeRange.of(Window(as_of=AS_OF)))
    assert not isinstance(rows_and_rejects, str)
    return rows_and_rejects[0]


def test_a_log_that_is_rotated_while_it_is_read_is_read_whole(log: Log) -> None:
    log.append(orders(range(1000, 990, -1)))
    log.rotate()
    log.append(orders([2, 1]))
    window = Window(as_of=AS_OF)
    with duckdb_session() as (connection, folder):
        relation = read_orders(connection, log.source, window, folder, TimeRange.of(window))
        log.rotate()
        load_orders(connection, relation, log.source, window)
        rows = connection.execute("select order_id from order_event order by all").fetchall()

    assert [file.name for file in relation.files] == ["log.jsonl"]
    assert rows == [("sig_BTCUSDT_1",), ("sig_BTCUSDT_2",)]


def test_a_line_without_a_time_counts_in_each_run_and_is_named(log: Log) -> None:
    log.append([*orders(range(1000, 951, -1)), b'{"ts": "soon", "symbol": "BTCUSDT"}', *orders(range(951, 900, -1))])
    log.append(orders([2, 1]))

    for _ in range(2):
        rows_and_rejects = read_lines(log.source, AS_OF, TimeRange.of(Window(as_of=AS_OF)))
        assert not isinstance(rows_and_rejects, str)
        (reject,) = rows_and_rejects[1]
        assert (reject.reason, reject.reject_count) == ("not_an_order", 1)
        assert reject.sample == f"{log.current}:50: BTCUSDT"


def test_a_row_at_the_first_moment_of_the_window_is_read_and_one_at_its_end_is_not(log: Log) -> None:
    log.append(orders(range(190, 167, -1)))
    log.rotate()
    log.append(orders([1]))
    log.rotate()
    log.append(orders([0, -1]))

    assert lines_read(log.source).keys() == {"log.jsonl.1", "log.jsonl.2"}
    assert len(rows_of(log)) == 2


@pytest.mark.parametrize("settled_after_seconds", [0, 3600])
def test_a_line_that_was_written_in_two_pieces_is_read_once_it_is_whole(
    tmp_path: Path, settled_after_seconds: int
) -> None:
    log = Log(tmp_path, "order log")
    text = log.text(orders([*range(1000, 900, -1), 1]))
    log.current.write_bytes(text[:-300])
    with small_blocks(tmp_path, settled_after_seconds):
        assert [row[-1] for row in rows_of(log)] == ["not_json"]
        with log.current.open("ab") as file:
            file.write(text[-300:])
        assert [row[-1] for row in rows_of(log)] == [None]


def test_a_torn_line_that_is_a_block_of_its_own_counts(log: Log) -> None:
    log.append(orders(range(1000, 995, -1)))  # five lines are a block
    rows_of(log)
    with log.current.open("ab") as file:
        file.write(b"{")

    assert [row[-1] for row in rows_of(log)] == ["not_json"]


def test_a_rejected_line_behind_lines_that_are_left_out_is_named(tmp_path: Path) -> None:
    log = Log(tmp_path, "order log")
    log.append([*orders(range(1000, 900, -1)), b"{torn"])
    with small_blocks(tmp_path, settled_after_seconds=3600):
        # A block with a time, and what follows the last full block.
        assert lines_read(log.source)["log.jsonl"] <= 10
        rows_and_rejects = read_lines(log.source, AS_OF, TimeRange.of(Window(as_of=AS_OF)))
    assert not isinstance(rows_and_rejects, str)

    assert [reject.sample for reject in rows_and_rejects[1]] == [f"{log.current}:101"]


def test_a_run_over_a_window_without_an_order_reads_one_block_of_an_old_log(log: Log) -> None:
    log.append(orders(range(1000, 900, -1)))

    assert list(lines_read(log.source)) == ["log.jsonl"]
    assert 1 <= lines_read(log.source)["log.jsonl"] <= 5
    assert rows_of(log) == []


def test_a_log_is_read_whole_if_lines_beside_the_window_alone_have_the_keys_of_an_order(log: Log) -> None:
    log.append(orders(range(1000, 900, -1)))
    log.append([b'{"ts": "2026-04-25T23:00:00Z", "symbol": "BTCUSDT"}'] * 100)

    assert len(rows_of(log)) == 100


def test_a_log_of_blank_lines_is_refused_as_ever(log: Log) -> None:
    log.append([b" "] * 5000)

    for _ in range(2):
        refused = read_lines(log.source, AS_OF, TimeRange.of(Window(as_of=AS_OF)))
        assert refused == read_lines(log.source, AS_OF, None)
        assert str(refused).startswith(f"orders: no line of {log.current} or of the files beside it is a JSON object")


def test_a_damaged_index_is_not_used_and_a_line_of_the_log_says_so(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    log.append(orders([*range(1000, 900, -1), 2, 1]))
    lines_read(log.source)
    (index,) = (log.folder / "cache").iterdir()
    index.write_bytes(index.read_bytes().replace(b"1", b"2"))

    assert len(rows_of(log)) == 2
    assert [record.getMessage() for record in caplog.records] == [
        f"{index} is not used: it is damaged; what it held is learnt again"
    ]
    caplog.clear()
    assert len(rows_of(log)) == 2
    assert not caplog.records


def test_an_index_of_another_user_is_not_used(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    log.append(orders([*range(1000, 900, -1), 2, 1]))
    lines_read(log.source)
    with mock.patch("os.geteuid", return_value=os.geteuid() + 1):
        assert len(rows_of(log)) == 2

    assert "it belongs to another user" in caplog.text


def test_a_folder_that_cannot_be_written_costs_time_only(
    log: Log, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log.append(orders([*range(1000, 900, -1), 2, 1]))
    monkeypatch.setenv("CACHE_DIRECTORY", str(log.current / "below a file"))
    caplog.set_level(logging.INFO)

    assert len(rows_of(log)) == 2
    assert "cannot be written (Not a directory), so the next run reads the log whole" in caplog.text


def test_without_room_for_copies_every_line_is_read(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    log.append(orders([*range(1000, 900, -1), 2, 1]))
    full = SourceError("orders: the copy cannot be written")
    with mock.patch("jobs.sources.block_times.write_copy", side_effect=full):
        assert lines_read(log.source) == {"log.jsonl": 102}
    with mock.patch("jobs.sources.recent_lines.write_copy", side_effect=full):
        assert lines_read(log.source) == {"log.jsonl": 102}

    assert caplog.text.count("every line is read, as it cannot be told which ones are old: orders: the copy") == 2


def test_a_small_log_has_no_index(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.sources.recent_lines.SMALLEST_BYTES", 1_000_000)
    log.append(orders([*range(1000, 900, -1), 2, 1]))

    assert lines_read(log.source) == {"log.jsonl": 102}
    assert not (log.folder / "cache").exists()


def test_times_are_learnt_again_if_the_settings_read_them_from_another_column(log: Log) -> None:
    row = outcome(1, ts="2026-04-25T23:00:00Z", placed="2020-01-01T00:00:00Z")
    log.append([json.dumps(row).encode()] * 100)

    assert lines_read(canonical(log.current, {"ts": "placed"}))["log.jsonl"] <= 10
    assert lines_read(canonical(log.current))["log.jsonl"] == 100


def test_the_lines_of_several_windows_are_those_of_each() -> None:
    later, earlier = Window(as_of=AS_OF), Window(as_of=AS_OF - 5 * HOUR)

    assert TimeRange.of(later, earlier) == TimeRange(start=AS_OF - 173 * HOUR, end=AS_OF)


def test_a_whole_run_is_the_same_without_old_lines(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.append(orders(range(1000, 0, -3)))
    without_old_lines = run(log.source)
    monkeypatch.setattr("jobs.sources.recent_lines.SMALLEST_BYTES", 1_000_000)

    assert run(log.source) == without_old_lines
    assert without_old_lines.event_count == 20  # of 56 lines, as 20 ids take turns
