"""Orders held against what had been published by their time, on both databases.

The story is that of tests.support.small_history; its runs 1 to 5 of scope default became visible at these times, and by
the runs and overrides of 2025-03-03 and 04 the router was told to go straight to taker:

    run 1, 22:00    22:00:03          BTCUSDT     00:20 to 01:30 (override)
    run 2, 23:00    23:00:05          ETHUSDT     01:01:04 to 04:00:02 (panic), from 04:30 (override)
    run 3, 00:00    00:00:04          DOGEUSDT    from 00:00:04 (broken)
    run 4, 01:00    01:01:04
    run 5, 04:00    04:00:02          run 6 is of scope paper; 101 to 103 are overrides and their end

Slots are hourly, so a run expires eight hours after its slot. The tolerance is a minute.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, Connection, delete

from jobs.analysis.drift import Drift, DriftKind, find_drift
from jobs.analysis.order_history import OrderSelection
from jobs.plan import OrdersSource
from jobs.slots import Slots
from storage.schema.tables import policy_prune, policy_reject, policy_run, policy_snapshot
from storage.store import Store
from tests.support.outcomes import outcome, write_jsonl
from tests.support.runs import evidence, publish
from tests.support.small_history import MIDNIGHT, publish_small_history
from tests.support.small_runs import canonical
from tests.support.tampering import behind_the_triggers

Row = dict[str, object]
HOURLY = Slots("0 * * * *")
START, END = MIDNIGHT - timedelta(hours=3), MIDNIGHT + timedelta(days=1)
FINE, TAKER = "", "maker_while_taker"


@pytest.fixture
def history(store: Store) -> Store:
    """The small history, on each database."""
    publish_small_history(store)
    return store


@pytest.fixture
def local_history(tmp_path: Path) -> Iterator[Store]:
    """The small history on SQLite, for what the database has no part in."""
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish_small_history(store)
        yield store


def clock(text: str) -> datetime:
    """A time of the story: in the evening of the first day, else on the second."""
    day = 3 if text >= "21" else 4
    return datetime.fromisoformat(f"2025-03-0{day}T{text}").replace(tzinfo=UTC)


def sent(text: str, run: int | None, symbol: str = "BTCUSDT", **changes: object) -> Row:
    """One order that went maker first, done at a time of the story, which names a run."""
    made = {"order_id": f"{symbol} {text} {run}", "policy_run_id": run}
    return outcome(0, symbol=symbol, at=clock(text), **made) | changes


def asked(orders: OrdersSource, *, start: datetime = START, end: datetime = END) -> OrderSelection:
    return OrderSelection(scope="default", orders=orders, slots=HOURLY, start=start, end=end)


def test_an_order_between_two_slots_far_apart_goes_by_no_expired_run(local_history: Store, tmp_path: Path) -> None:
    uneven = Slots("0 2,4 * * *")  # the two after 04:00 are two hours apart, but the next is not before the next day
    log = canonical(write_jsonl(tmp_path / "orders.jsonl", [sent("20:30:00", 5)]))

    drift = find_drift(local_history, replace(asked(log), slots=uneven))

    assert kinds_by_order(drift) == {}


def drift_of(store: Store, folder: Path, rows: list[Row]) -> Drift:
    return find_drift(store, asked(canonical(write_jsonl(folder / "orders.jsonl", rows))))


def kinds_by_order(drift: Drift) -> dict[str | None, set[str]]:
    """The kinds of each order that is an example of one; with fewer than four orders of a kind that is all of them."""
    kinds: dict[str | None, set[str]] = {}
    for row in drift.symbols:
        for kind, finding in row.findings.items():
            assert len(finding.examples) == min(3, finding.order_count)
            for example in finding.examples:
                kinds.setdefault(example.order_id, set()).add(kind.value)
    return kinds


CASES: tuple[tuple[Row, str], ...] = (
    # which run it names
    (sent("22:30:00", 1), FINE),
    (sent("23:01:05", 1), FINE),  # run 2 was out for exactly the tolerance
    (sent("23:01:06", 1), "superseded"),
    (sent("23:01:06", 2), FINE),
    (sent("22:30:00", None), "no_run"),
    (sent("22:30:00", 99), "unknown_run"),
    (sent("22:30:00", 6), "unknown_run"),  # of another scope
    (sent("22:30:00", 101), "unknown_run"),  # an override's number
    (sent("12:00:00", 5), FINE),
    (sent("12:00:01", 5), "expired"),
    (sent("08:00:01", 3), "superseded expired"),
    # what it did; run 4's slot has begun, and nobody can know yet
    (sent("01:00:30", 3, "ETHUSDT"), FINE),
    (sent("01:02:04", 4, "ETHUSDT"), FINE),
    (sent("01:02:05", 4, "ETHUSDT"), TAKER),
    (sent("01:02:05", 4, "ETHUSDT", maker_started=False, maker_filled=False), FINE),
    (sent("01:02:05", 4, "ETHUSDT", maker_started=None, maker_filled=None), FINE),
    (sent("01:02:05", 4, "ETHUSDT", probe=True), FINE),
    (sent("01:02:05", 4, "ETHUSDT", probe=False), TAKER),
    (sent("04:00:01", 4, "ETHUSDT"), TAKER),
    (sent("04:00:02", 5, "ETHUSDT"), FINE),
    (sent("00:21:00", 3), FINE),  # the override began a minute ago
    (sent("00:21:01", 3), TAKER),
    (sent("01:29:59", 4), TAKER),
    (sent("01:30:00", 4), FINE),  # it was ended before its time
    (sent("12:00:00", 5, "ETHUSDT"), TAKER),
    (sent("12:00:01", 5, "ETHUSDT"), f"expired {TAKER}"),  # a reader acts on an override to its end all the same
    (sent("12:00:01", 5, "DOGEUSDT"), "expired"),  # run 5 has expired, and what it said with it
    (sent("00:01:04", 3, "DOGEUSDT"), FINE),
    (sent("00:01:05", 3, "DOGEUSDT"), TAKER),
    (sent("01:01:30", 4, "DOGEUSDT"), TAKER),  # run 4 says again what run 3 has said for an hour
    (sent("01:30:00", 2, "DOGEUSDT"), f"superseded {TAKER}"),
    (sent("22:00:02", None, "SOLUSDT"), FINE),  # before anything was published
    (sent("22:01:03", None, "SOLUSDT"), FINE),  # the first run was out for exactly the tolerance
    (sent("22:01:04", None, "SOLUSDT"), "no_run"),
    (sent("22:00:02", 99, "SOLUSDT"), "unknown_run"),  # there was nothing that it could name
)


def test_each_order_is_judged_by_what_could_be_known_at_its_time(history: Store, tmp_path: Path) -> None:
    rows = [{**row, "order_id": str(number)} for number, (row, _) in enumerate(CASES)]
    expected = {str(number): set(kinds.split()) for number, (_, kinds) in enumerate(CASES) if kinds}
    judged: dict[str | None, set[str]] = {}

    for first in (0, 1):  # half of them at a time, so that all are among the examples
        judged |= kinds_by_order(drift_of(history, tmp_path, rows[first::2]))

    assert judged == expected


def test_counts_are_of_all_orders_and_examples_are_the_newest_three(local_history: Store, tmp_path: Path) -> None:
    rows = [sent(f"22:{minute}:00", None) for minute in range(10, 15)]
    rows += [sent("22:20:00", 1), sent("22:20:00", 77, "ETHUSDT")]

    bitcoin, ether = drift_of(local_history, tmp_path, rows).symbols

    assert (bitcoin.symbol, bitcoin.order_count, bitcoin.finding_count) == ("BTCUSDT", 6, 5)
    assert [example.ts for example in bitcoin.findings[DriftKind.NO_RUN].examples] == [
        clock("22:14:00"),
        clock("22:13:00"),
        clock("22:12:00"),
    ]
    assert (ether.symbol, ether.order_count, ether.finding_count) == ("ETHUSDT", 1, 1)


def test_examples_say_what_about_the_order(local_history: Store, tmp_path: Path) -> None:
    rows = [sent("01:30:00", 2, "DOGEUSDT"), sent("14:00:00", 5), sent("22:30:00", 99), sent("22:31:00", None)]

    texts = {
        kind.value: example.what
        for row in drift_of(local_history, tmp_path, rows).symbols
        for kind, finding in row.findings.items()
        for example in finding.examples
    }

    assert texts == {
        "superseded": "run 2, when run 3 was out for 1:29:56",
        "maker_while_taker": "maker first, when taker was in force for 1:29:56",
        "expired": "run 5, whose slot was 10:00:00 ago",
        "unknown_run": "run 99 is none of scope 'default'",
        "no_run": "names no run",
    }


def test_a_run_that_was_published_after_a_later_slot_is_never_in_force(history: Store, tmp_path: Path) -> None:
    late = publish(history, MIDNIGHT + timedelta(hours=2), evidence("BTCUSDT", fallback=0.99))
    at_five = late_by(policy_run.c.run_id == late.run_id, clock("05:00:00"))
    with behind_the_triggers(history) as connection:
        at_five(connection)

    kinds = kinds_by_order(drift_of(history, tmp_path, [sent("05:30:00", 5), sent("05:30:00", late.run_id)]))

    assert kinds == {f"BTCUSDT 05:30:00 {late.run_id}": {"superseded"}}


def late_by(which: ColumnElement[bool], at: datetime) -> Callable[[Connection], None]:
    def change(connection: Connection) -> None:
        connection.execute(policy_run.update().where(which).values(published_at=at))

    return change


def test_taker_that_expired_and_came_again_counts_from_when_it_came_again(history: Store, tmp_path: Path) -> None:
    again = publish(history, MIDNIGHT + timedelta(hours=20), evidence("DOGEUSDT", fallback=0.99))
    at_eight = late_by(policy_run.c.run_id == again.run_id, clock("20:00:02"))
    with behind_the_triggers(history) as connection:
        at_eight(connection)

    rows = [sent(text, again.run_id, "DOGEUSDT") for text in ("20:00:07", "20:01:02", "20:01:03")]
    kinds = kinds_by_order(drift_of(history, tmp_path, rows))

    assert kinds == {f"DOGEUSDT 20:01:03 {again.run_id}": {TAKER}}


def test_the_first_order_of_the_window_is_judged_by_all_of_its_tolerance(history: Store, tmp_path: Path) -> None:
    rows = [sent("01:02:04", 4, "DOGEUSDT")]  # run 4 was out for exactly the tolerance, and said what run 3 had said
    path = write_jsonl(tmp_path / "orders.jsonl", rows)

    kinds = kinds_by_order(find_drift(history, asked(canonical(path), start=clock("01:02:04"))))

    assert kinds == {"DOGEUSDT 01:02:04 4": {TAKER}}


def test_a_run_that_was_pruned_is_not_unknown(history: Store, tmp_path: Path) -> None:
    with behind_the_triggers(history) as connection:
        for table in (policy_reject, policy_snapshot, policy_run):
            connection.execute(delete(table).where(table.c.run_id == 1))
        row = {"entry_id": 104, "through_entry_id": 1, "anchor_digest": "a", "run_count": 1, "pruned_at": END}
        connection.execute(policy_prune.insert(), {**row, "digest": "digest 104", "previous_digest": "digest 103"})

    kinds = kinds_by_order(drift_of(history, tmp_path, [sent("23:30:00", 1), sent("23:30:00", 99)]))

    assert kinds == {"BTCUSDT 23:30:00 99": {"unknown_run"}}


def test_only_orders_of_the_window_are_judged_by_runs_from_before_it_too(local_history: Store, tmp_path: Path) -> None:
    rows = [sent("00:30:00", None), sent("02:00:00", 1), sent("02:00:00", 4, "DOGEUSDT"), sent("03:00:00", None)]
    path = write_jsonl(tmp_path / "orders.jsonl", rows)
    question = asked(canonical(path), start=clock("02:00:00"), end=clock("03:00:00"))

    drift = find_drift(local_history, question)

    assert drift.order_count == 2
    assert kinds_by_order(drift) == {"BTCUSDT 02:00:00 1": {"superseded"}, "DOGEUSDT 02:00:00 4": {TAKER}}


def test_rows_that_cannot_be_used_are_counted_and_not_judged(local_history: Store, tmp_path: Path) -> None:
    rows = [sent("22:30:00", 99, symbol=""), sent("22:30:00", 99, slippage_bps=10_000.0), sent("22:40:00", 1)]

    drift = drift_of(local_history, tmp_path, rows)

    assert [(count.reason, count.reject_count) for count in drift.rejects] == [
        ("bad_symbol", 1),
        ("sentinel_slippage", 1),
    ]
    assert (drift.order_count, kinds_by_order(drift)) == (1, {})


def test_before_the_first_run_an_order_can_name_none(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        drift = drift_of(store, tmp_path, [sent("22:30:00", 1)])

    assert kinds_by_order(drift) == {"BTCUSDT 22:30:00 1": {"unknown_run"}}
