"""The log of a router: whole lines, whatever else writes there, and read by the batch job as what they say."""

import errno
import fcntl
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event

import pytest

from router_policy_client.clock import SimulatedClock
from router_policy_client.gate import decide
from router_policy_client.order import Outcome, Rest, UnfilledReason
from router_policy_client.order_log import OrderLog, order_row
from router_policy_client.router import route_order
from router_policy_client.venue import OrderRejectedError, OrderStatus, PostOnlyRejectedError
from tests.client.reading import read_by_the_batch_job
from tests.client.scripted import READING, START, TAKER, Reader, Script, ScriptedMarket, ScriptedVenue, order

REFUSED = Script(raises=OrderRejectedError("no funds"), arrives_after=None)
OUTCOME = Outcome(
    order=order(),
    gate=decide(READING),
    decided_at=START,
    done_at=START + timedelta(seconds=1.5),
    duration_seconds=1.5,
    mid=Decimal(100),
    arrival_quote_bps=None,
    is_resumed=False,
    maker_started=True,
    maker_filled=True,
    fallback_used=False,
    post_only_rejects=1,
    maker_share=None,
    rest=None,
    filled=Decimal(2),
    unfilled=Decimal(0),
    unfilled_reason=None,
    average_price=Decimal("99.95"),
    fees=Decimal("0.03998"),
    client_order_ids=("rp1m1",),
    unresolved_ids=(),
)


def test_every_kind_of_outcome_is_read_by_the_batch_job_as_what_it_was(tmp_path: Path) -> None:
    log = OrderLog(tmp_path / "log.jsonl")
    crossing = Script(raises=PostOnlyRejectedError("would cross"), arrives_after=None)
    cases = {
        "1 maker": ({}, READING, 1e9),
        "2 rejected once": ({"m1": crossing}, READING, 1e9),
        "3 fallback": ({"m1": Script()}, READING, 1e9),
        "4 taker": ({}, TAKER, 1e9),
        "5 given up": ({"m1": Script(), "f1": REFUSED}, READING, 1e9),
        "6 partly": ({"m1": Script(fills=((0.0, "1", "99.9"),)), "f1": REFUSED}, replace(READING, run_id=None), 1e9),
        "7 unconfirmed": ({}, READING, 0.1),
        "8 no price": ({"m1": Script(fills=((0.0, "2", "99.9"),), has_price=False)}, READING, 1e9),
        "9 probe": ({}, replace(TAKER, probe_every=1), 1e9),
        "a no flag": ({"m1": Script(fills=((0.0, "2", "99.9"),), is_maker=None)}, READING, 1e9),
    }
    for name, (scripts, reading, deaf_from) in cases.items():
        clock = SimulatedClock(START)
        slow = scripts | {"m1": Script()} if deaf_from < 1 else scripts
        venue = ScriptedVenue(clock, slow, deaf_from=deaf_from)
        route_order(order(order_id=name), venue, Reader(reading), log, clock=clock)

    rows = read_by_the_batch_job(tmp_path / "log.jsonl", tmp_path)

    keys = "order_id maker_started maker_filled fallback_used post_only_rejected probe policy_run_id reason".split()
    assert [tuple(row[key] for key in keys) for row in rows] == [
        ("1 maker", True, True, False, False, False, 7, None),
        ("2 rejected once", True, True, False, True, False, 7, None),
        ("3 fallback", True, False, True, False, False, 7, None),
        ("4 taker", False, False, None, None, False, 7, None),
        ("5 given up", True, False, False, False, False, 7, None),
        ("6 partly", True, False, False, False, False, None, None),
        ("7 unconfirmed", True, False, False, False, False, 7, "open_order"),
        ("8 no price", True, False, False, False, False, 7, "zero_fill"),
        ("9 probe", True, True, False, False, True, 7, None),
        ("a no flag", True, False, False, False, False, 7, "unknown_fill"),
    ]
    by_id = {row["order_id"]: row for row in rows}
    assert {(row["symbol"], row["side"]) for row in rows} == {("BTCUSDT", "BUY")}
    assert by_id["1 maker"]["ts"] == START.replace(tzinfo=None)
    assert by_id["3 fallback"]["ts"] == (START + timedelta(seconds=4)).replace(tzinfo=None)
    costs = {name: (row["slippage_bps"], row["notional"], row["fees"]) for name, row in by_id.items()}
    assert costs["1 maker"] == pytest.approx((-10.0, 199.8, 0.03996))  # 2 coins at 99.90, 10 bps below the mid
    assert costs["3 fallback"] == pytest.approx((10.0, 200.2, 0.1001))
    assert costs["5 given up"] == (None, None, None)
    assert costs["6 partly"] == pytest.approx((-10.0, 99.9, 0.01998))


def test_a_line_says_how_the_order_rested_as_far_as_that_is_known() -> None:
    rest = Rest(
        posts=3,
        maker_price=Decimal("99.95"),
        maker_from=START + timedelta(seconds=2),
        maker_until=START + timedelta(seconds=3, microseconds=250_001),
        went_through=True,
    )
    begin = START.timestamp()

    row = order_row(replace(OUTCOME, rest=rest, maker_share=0.05, arrival_quote_bps=10.0))
    late = order_row(replace(OUTCOME, rest=replace(rest, maker_from=None, maker_until=None, went_through=False)))
    unknown = order_row(OUTCOME)

    assert {name: row[name] for name in row.keys() - unknown.keys()} == {
        "posts": 3,
        "maker_price": 99.95,
        "maker_from": begin + 2,
        "maker_until": pytest.approx(begin + 3.250001, abs=1e-6),
        "went_through": True,
        "maker_share": 0.05,
        "arrival_quote_bps": 10.0,
    }
    assert late.keys() - unknown.keys() == {"posts", "maker_price"}


def test_a_sliver_is_read_by_the_batch_job_as_a_probe_of_its_own_end(tmp_path: Path) -> None:
    log, slivers = OrderLog(tmp_path / "log.jsonl"), replace(TAKER, probe_share=0.05)
    cases = {"1 filled": {}, "2 crossed": {"m1": Script()}, "3 refused": {"m1": Script(), "f1": REFUSED}}
    for name, scripts in cases.items():
        clock = SimulatedClock(START)
        route_order(order(order_id=name), ScriptedMarket(clock, scripts), Reader(slivers), log, clock=clock)

    rows = read_by_the_batch_job(tmp_path / "log.jsonl", tmp_path)

    keys = "order_id maker_started maker_filled fallback_used probe reason".split()
    assert [tuple(row[key] for key in keys) for row in rows] == [
        ("1 filled", True, True, False, True, None),
        ("2 crossed", True, False, True, True, None),
        ("3 refused", True, False, False, True, None),
    ]
    # 1.90 at 100.10 and 0.10 at 99.90 or 100.10, of a mid of 100
    assert [row["slippage_bps"] for row in rows] == pytest.approx([9.0, 10.0, 10.0])


def test_a_line_says_what_was_in_force() -> None:
    row = order_row(OUTCOME)

    assert json.loads(json.dumps(row, allow_nan=False)) == {
        "attempt_id": "bot-1",
        "route": "maker_first",
        "prices": {"mark": 100.0, "submitted": 100.0, "avg_fill": 99.95},
        "qty": {"asked": 2.0, "contracts": 2.0, "notional_usd": 199.9},
        "timing_ms": {"ack": 1500.0},
        "result": {
            "status": "FILLED",
            "retries": 1,
            "cancelled": False,
            "unfilled": 0.0,
            "unfilled_reason": None,
            "unresolved_ids": [],
        },
        "fees_usd": 0.03998,
        "slippage_bps": -5.0,
        "maker_start": True,
        "is_maker_final": True,
        "used_fallback": False,
        "probe": False,
        "policy_run_id": 7,
        "policy_status": "fresh",
        "policy_age_seconds": 60.0,
        "policy_maker_first": True,
        "patience": 1.0,
        "client_order_ids": ["rp1m1"],
        "symbol": "BTCUSDT",
        "side": "BUY",
        "decided_ts": START.timestamp(),
        "ts": START.timestamp() + 1.5,
    }


def test_a_line_of_an_order_that_was_taken_up_does_not_say_what_it_was_decided_on() -> None:
    row = order_row(replace(OUTCOME, is_resumed=True, mid=None))

    names = "probe policy_run_id policy_status policy_age_seconds policy_maker_first patience slippage_bps".split()
    assert {name: row[name] for name in names} == dict.fromkeys(names)
    assert (row["maker_start"], row["is_maker_final"]) == (True, True)


def test_what_is_not_confirmed_is_written_as_an_order_still_open() -> None:
    row = order_row(
        replace(
            OUTCOME,
            maker_filled=None,
            filled=Decimal("0.5"),
            unfilled=Decimal("1.5"),
            unfilled_reason=UnfilledReason.UNCONFIRMED,
            unresolved_ids=("rp1m1",),
        )
    )

    assert row["result"] == {
        "status": "NEW",
        "retries": 1,
        "cancelled": False,
        "unfilled": 1.5,
        "unfilled_reason": "unconfirmed",
        "unresolved_ids": ["rp1m1"],
    }
    assert (row["prices"], row["slippage_bps"]) == ({"mark": 100.0, "submitted": 100.0, "avg_fill": None}, None)


def test_many_writers_at_once_lose_and_break_no_line(tmp_path: Path) -> None:
    logs = [OrderLog(tmp_path / "log.jsonl") for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        for number in range(400):
            pool.submit(logs[number % 4].append, replace(OUTCOME, order=order(order_id=str(number) * 50)))

    ids = [json.loads(line)["attempt_id"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert sorted(ids) == sorted(str(number) * 50 for number in range(400))


def test_a_writer_waits_for_the_line_that_another_is_just_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, write = OrderLog(tmp_path / "log.jsonl"), os.write
    is_half_written, has_waited = Event(), Event()

    def write_in_halves(file: int, content: bytes) -> int:
        if is_half_written.is_set():
            return write(file, content)
        first = write(file, content[:50])
        is_half_written.set()
        assert has_waited.wait(10), "the second writer did not wait"
        return first + write(file, content[50:])

    monkeypatch.setattr("router_policy_client.order_log.os.write", write_in_halves)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(log.append, OUTCOME)
        assert is_half_written.wait(10)
        monkeypatch.setattr("router_policy_client.order_log.time.sleep", lambda _: has_waited.set())
        monkeypatch.setattr("router_policy_client.order_log._LOCK_TRIES", 10**9)
        log.append(OUTCOME)

    lines = (tmp_path / "log.jsonl").read_text().split("\n")
    assert [len(line) for line in lines] == [len(lines[0]), len(lines[0]), 0]
    assert log.failure_count == 0


def test_a_writer_that_was_stopped_with_the_lock_holds_up_no_other_for_ever(tmp_path: Path) -> None:
    log = OrderLog(tmp_path / "log.jsonl")
    with (tmp_path / "log.jsonl").open("a") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)

        log.append(OUTCOME)

    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1
    assert log.failure_count == 0


def test_a_file_system_without_locks_costs_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    log = OrderLog(tmp_path / "log.jsonl")

    log.append(OUTCOME)

    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1
    assert log.failure_count == 0


def test_an_empty_line_is_no_row_to_the_batch_job(tmp_path: Path) -> None:
    log = OrderLog(tmp_path / "log.jsonl")
    log.append(OUTCOME)
    with (tmp_path / "log.jsonl").open("a") as other:
        other.write("\n")
    log.append(OUTCOME)

    rows = read_by_the_batch_job(tmp_path / "log.jsonl", tmp_path)

    assert [row["reason"] for row in rows] == [None, None]


def test_a_log_that_is_rotated_goes_on_in_a_new_file(tmp_path: Path) -> None:
    log = OrderLog(tmp_path / "log.jsonl")
    log.append(OUTCOME)
    (tmp_path / "log.jsonl").rename(tmp_path / "log.jsonl.1")

    log.append(OUTCOME)

    assert (tmp_path / "log.jsonl").read_text() == (tmp_path / "log.jsonl.1").read_text()


def test_a_folder_that_is_not_there_is_made_or_refused_at_the_start(tmp_path: Path) -> None:
    log = OrderLog(tmp_path / "logs" / "execution" / "log.jsonl")
    log.append(OUTCOME)

    assert (tmp_path / "logs" / "execution" / "log.jsonl").read_text().count("\n") == 1
    with pytest.raises(FileExistsError):
        OrderLog(tmp_path / "logs" / "execution" / "log.jsonl" / "log.jsonl")


def test_a_line_that_cannot_be_written_is_counted_and_handed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lost: list[tuple[Outcome, Exception]] = []
    log = OrderLog(tmp_path / "logs" / "log.jsonl", lambda outcome, error: lost.append((outcome, error)))
    (tmp_path / "logs").rmdir()

    log.append(OUTCOME)

    assert log.failure_count == 1
    assert lost[0][0] is OUTCOME
    assert isinstance(lost[0][1], FileNotFoundError)
    assert "order bot-1: its outcome cannot be written to" in caplog.text


def test_a_handler_that_fails_itself_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fail(outcome: Outcome, error: Exception) -> None:
        raise ValueError

    log = OrderLog(tmp_path / "logs" / "log.jsonl", fail)
    (tmp_path / "logs").rmdir()

    log.append(OUTCOME)

    assert "on_failure raised" in caplog.text


def test_a_line_torn_by_a_full_disk_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, write = OrderLog(tmp_path / "log.jsonl"), os.write
    log.append(OUTCOME)
    with monkeypatch.context() as full:
        full.setattr("router_policy_client.order_log.os.write", lambda file, content: write(file, content[:50]))
        log.append(OUTCOME)

    log.append(OUTCOME)

    first, torn, last = (tmp_path / "log.jsonl").read_text().splitlines()
    assert (log.failure_count, len(torn), first) == (1, 50, last)
    assert len(read_by_the_batch_job(tmp_path / "log.jsonl", tmp_path)) == 3


def test_a_line_torn_by_another_process_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"attempt_id": "p6", "symb')

    OrderLog(path).append(OUTCOME)
    OrderLog(path).append(OUTCOME)

    torn, *whole = path.read_text().splitlines()
    assert torn == '{"attempt_id": "p6", "symb'
    assert [json.loads(line)["attempt_id"] for line in whole] == ["bot-1", "bot-1"]


def test_statuses_follow_from_what_was_filled() -> None:
    partly = replace(OUTCOME, unfilled=Decimal(1), filled=Decimal(1), unfilled_reason=UnfilledReason.NO_LIQUIDITY)

    result = order_row(partly)["result"]
    assert isinstance(result, dict)
    assert result["status"] == OrderStatus.CANCELED.name
