"""A backfill loads the sources once for all of its slots; every slot is published as a run of its own would be."""

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from jobs.plan import Location, OrdersKind, OrdersSource, Plan
from jobs.run.backfill import backfill
from jobs.run.lease_owner import claim
from jobs.run.worker import RunTask, compute_slot_or_fail
from jobs.sources import orders
from jobs.sources.errors import SourceError
from policy.rules import rule_set
from storage.records import Origin
from storage.schema.tables import policy_breaker, policy_reject, policy_run, policy_shadow, policy_snapshot
from storage.store import Store
from tests.support import bars, outcomes
from tests.support.canonical_formats import IN_WINDOW, Row
from tests.support.order_logs import Line, close, logged, unfilled, write_lines
from tests.support.small_runs import AS_OF, candles, canonical, canonical_query, order_log

HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=10)
SLOTS = [AS_OF - back * HOUR for back in (60, 40, 24, 1, 0)]
# What a run has of its own: when and by whom it was computed, and the digests over that.
OF_ITS_OWN = {"started_at", "published_at", "digest", "previous_digest"}
TABLES = (policy_run, policy_snapshot, policy_reject, policy_shadow, policy_breaker)

KINDS = ["filled", "missed", "open", "closed", "no time", "no symbol", "no json", "sentinel"]
SYMBOLS = ["BTCUSDT", "ETHUSDT"]
symbols = st.sampled_from(SYMBOLS)
# Every hour from before the first window until after the last, so that many lie on the ends of windows.
hours = st.one_of(st.integers(-1, 70), st.integers(0, 240))
numbers = st.integers(0, 4)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from([*KINDS, "closed"]),
        hours,
        numbers,
        symbols,
        st.integers(-8, 8).map(lambda quarters: quarters / 4),
    ),
    min_size=1,
    max_size=30,
)
Event = tuple[str, int, int, str, float]
Writer = Callable[[Path, Sequence[Event]], OrdersSource]


def log_line(event: Event) -> Line:
    kind, hours_back, number, symbol, amount = event
    row = logged(number, symbol=symbol, fallback=kind == "missed", slippage_bps=amount, at=AS_OF - hours_back * HOUR)
    changed: dict[str, Line] = {
        "open": unfilled(number, "NEW", symbol=symbol, ts=row["ts"]),
        "closed": close(row, amount, minutes_later=60),
        "no time": row | {"ts": "soon"},
        "no symbol": row | {"symbol": None},
        "no json": "{torn",
        "sentinel": row | {"slippage_bps": 10000.0},
    }
    return changed.get(kind, row)


def canonical_row(event: Event) -> Row:
    kind, hours_back, number, symbol, amount = event
    changes: dict[str, Row] = {
        "missed": {"maker_filled": False, "fallback_used": True},
        "closed": {"realized_pnl": amount},
        "no time": {"ts": None},
        "no symbol": {"symbol": None},
        "sentinel": {"slippage_bps": 10000.0},
        "open": {"maker_filled": None},
        "no json": {"order_id": None},
    }
    row = outcomes.outcome(number, symbol=symbol, at=AS_OF - hours_back * HOUR, slippage_bps=amount)
    return row | changes.get(kind, {})


def in_a_log(folder: Path, events: Sequence[Event]) -> OrdersSource:
    half = len(events) // 2
    write_lines(folder / "log.jsonl.1", ["", *map(log_line, events[:half])])
    write_lines(folder / "log.jsonl", map(log_line, events[half:]))
    return order_log(folder / "log.jsonl*")


def in_lines(folder: Path, events: Sequence[Event]) -> OrdersSource:
    return canonical(outcomes.write_jsonl(folder / "outcomes.jsonl", map(canonical_row, events)))


def in_torn_csv(folder: Path, events: Sequence[Event]) -> OrdersSource:
    path = outcomes.write_csv(folder / "outcomes.csv", map(canonical_row, events))
    path.write_text(path.read_text() + "torn,\n")
    return canonical(path)


def in_parquet(folder: Path, events: Sequence[Event]) -> OrdersSource:
    return canonical(outcomes.write_parquet(folder / "outcomes.parquet", [*map(canonical_row, events)]))


def in_parquet_once(folder: Path, events: Sequence[Event]) -> OrdersSource:
    path = outcomes.write_parquet(folder / "outcomes.parquet", [*map(canonical_row, events)])
    return canonical(path, deduplicate=True)


def in_a_database(query: str) -> Writer:
    def written(folder: Path, events: Sequence[Event]) -> OrdersSource:
        url = outcomes.write_sqlite(folder / "outcomes.db", map(canonical_row, events))
        return canonical_query(url, query, deduplicate=True)

    return written


def in_a_query_on_files(folder: Path, events: Sequence[Event]) -> OrdersSource:
    outcomes.write_parquet(folder / "outcomes.parquet", [*map(canonical_row, events)])
    location = Location(query="select * from 'outcomes.parquet'", folder=str(folder))
    return OrdersSource(kind=OrdersKind.CANONICAL, location=location, deduplicate=True)


WRITERS = [
    in_a_log,
    in_a_log,
    in_lines,
    in_torn_csv,
    in_parquet,
    in_parquet_once,
    in_a_database(IN_WINDOW),
    in_a_database("select * from outcome"),
    in_a_query_on_files,
]


def write_candles(folder: Path, repeated: Iterable[tuple[int, float]]) -> Path:
    """Two files of bars of one symbol; the second has some of them again, wider, and some that are impossible."""
    rows = bars.named("BTCUSDT", bars.bars(320))
    again = [rows[-1 - back] | {"high": 100.0 * factor} for back, factor in repeated]
    bars.write_csv(folder / "bars-1.csv", rows)
    bars.write_csv(folder / "bars-2.csv", again or rows[:1])
    return folder / "bars-*.csv"


def plan_of(source: OrdersSource, bars_path: Path | None, live: str = "seed", shadow: str = "breaker1") -> Plan:
    return Plan(
        scope="default",
        orders=source,
        candles=candles(bars_path) if bars_path is not None else None,
        rule_set=rule_set(live),
        symbols=("BTCUSDT",),
        shadows=(rule_set(shadow),),
    )


def run_by_run(plan: Plan, store: Store, slots: Iterable[datetime]) -> None:
    """Compute each slot as a process of its own would: the sources are read again."""
    for slot in slots:
        task = RunTask(plan=plan, store_url="", lease=claim(store, plan.scope, slot, LEASE), origin=Origin.BACKFILL)
        compute_slot_or_fail(task, store)


def in_one_go(plan: Plan, store: Store, slots: Iterable[datetime]) -> None:
    for _ in backfill(plan, store, "", slots, LEASE):
        pass


def published(
    plan: Plan, template: Path, compute: Callable[[Plan, Store, Iterable[datetime]], None]
) -> dict[str, list[Row] | str]:
    """Return every row that was published, without what a run has of its own, and the error that ended it."""
    with TemporaryDirectory() as folder, Store(f"sqlite:///{shutil.copy(template, folder)}") as store:
        error = ""
        try:
            compute(plan, store, SLOTS)
        except SourceError as failure:
            error = str(failure)
        with store.reading() as connection:
            rows: dict[str, list[Row] | str] = {
                table.name: [
                    {name: value for name, value in row.items() if name not in OF_ITS_OWN}
                    for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
                ]
                for table in TABLES
            }
        return rows | {"error": error}


def every_event() -> list[Event]:
    """Two events of each kind and symbol, in any order: some on the ends of windows, some of the same order."""
    random = Random(7)
    events = [
        (kind, random.choice([-1, 0, 1, 24, 40, 60, random.randint(0, 240)]), random.randint(0, 4), symbol, amount)
        for kind in KINDS for symbol in SYMBOLS for amount in (-0.75, 1.5)
    ]  # fmt: skip
    random.shuffle(events)
    return events


# Of each way to read a source again one: files of text, files with types, a database asked for each window.
@pytest.mark.parametrize("write", [in_a_log, in_torn_csv, in_parquet_once, in_a_database(IN_WINDOW)])
def test_a_backfill_publishes_what_runs_of_their_own_would(
    tmp_path: Path, sqlite_template: Path, write: Writer
) -> None:
    plan = plan_of(write(tmp_path, every_event()), write_candles(tmp_path, [(0, 1.5), (3, 1.0), (250, 2.0)]))

    assert published(plan, sqlite_template, in_one_go) == published(plan, sqlite_template, run_by_run)


@pytest.mark.long
@settings(max_examples=100, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    write=st.sampled_from(WRITERS),
    events=EVENTS,
    repeated=st.lists(st.tuples(st.integers(0, 319), st.floats(1, 2)), max_size=6),
)
def test_a_backfill_of_any_events_publishes_what_runs_of_their_own_would(
    sqlite_template: Path, write: Writer, events: list[Event], repeated: list[tuple[int, float]]
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        plan = plan_of(write(folder, events), write_candles(folder, repeated))

        assert published(plan, sqlite_template, in_one_go) == published(plan, sqlite_template, run_by_run)


def test_each_slot_keeps_the_row_of_an_order_that_was_the_last_then(tmp_path: Path, sqlite_template: Path) -> None:
    rows = [
        logged(1, at=AS_OF - 41 * HOUR, slippage_bps=1.0),
        logged(1, at=AS_OF - 30 * HOUR, slippage_bps=2.0),
        close(logged(1, at=AS_OF - 30 * HOUR), 5.0, minutes_later=0),
        logged(1, at=AS_OF - 2 * HOUR, slippage_bps=3.0),
    ]
    rows[3]["result"] = {"status": "FILLED", "retries": 1}
    log = order_log(write_lines(tmp_path / "log.jsonl", rows))
    rows_of = published(plan_of(log, None, live="breaker1", shadow="seed"), sqlite_template, in_one_go)

    snapshots, rejects = rows_of["policy_snapshot"], rows_of["policy_reject"]
    assert isinstance(snapshots, list)
    assert isinstance(rejects, list)
    # The slots are 60, 40, 24, 1 and 0 hours before the end: none, then the first row, the second, the third.
    assert [row["slip_q50"] for row in snapshots] == [None, 1.0, 2.0, 3.0, 3.0]
    assert [row["outcome_count"] for row in snapshots] == [0, 1, 1, 1, 1]
    duplicates = {row["run_id"]: row["reject_count"] for row in rejects if row["reason"] == "duplicate_id"}
    assert duplicates == {3: 1, 4: 2, 5: 2}


def test_the_sources_of_a_backfill_are_loaded_once_and_not_for_published_slots(
    tmp_path: Path, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []
    read = orders.read_orders

    def counted(*arguments: Any) -> object:
        loaded.append(arguments)
        return read(*arguments)

    monkeypatch.setattr("jobs.engines.duckdb_sources.read_orders", counted)
    log = order_log(write_lines(tmp_path / "log.jsonl", [logged(1), logged(2)]))
    first = [slot.run is not None for slot in backfill(plan_of(log, None), sqlite_store, "", reversed(SLOTS), LEASE)]
    again = [slot.run is not None for slot in backfill(plan_of(log, None), sqlite_store, "", SLOTS, LEASE)]

    assert first == [True] * len(SLOTS)
    assert again == [False] * len(SLOTS)
    assert len(loaded) == 1


def test_orders_that_depend_on_the_window_are_read_once_for_each_slot(
    tmp_path: Path, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = []
    read = orders.read_orders

    def noted(*arguments: Any) -> object:
        windows.append(arguments[2].as_of)
        return read(*arguments)

    monkeypatch.setattr("jobs.engines.duckdb_sources.read_orders", noted)
    source = in_a_database(IN_WINDOW)(tmp_path, [("filled", 100, 1, "BTCUSDT", 1.0)])
    in_one_go(plan_of(source, None), sqlite_store, SLOTS)

    assert windows == SLOTS


def test_a_slot_whose_sources_cannot_be_read_is_recorded_as_failed_and_free_at_once(
    tmp_path: Path, sqlite_store: Store
) -> None:
    plan = plan_of(order_log(tmp_path / "log.jsonl"), None)
    with pytest.raises(SourceError, match="no file matches"):
        in_one_go(plan, sqlite_store, SLOTS)
    (tmp_path / "log.jsonl").write_text(json.dumps(logged(1)) + "\n")
    filled = [slot.run is not None for slot in backfill(plan, sqlite_store, "", SLOTS, LEASE)]

    assert filled == [True] * len(SLOTS)
