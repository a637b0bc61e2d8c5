"""The cap on what held-out orders cost in a day, in one process and over several.

Every order is of 2 coins at a mid of 100. As taker it fills at 100.10 with a fee of 5 bps, which costs 15 bps, 0.30 of
money; as maker at 99.90 with a fee of 2 bps, which costs -8 bps.
"""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router_policy_client import HoldoutCap, Outcome, decide
from router_policy_client.clock import SimulatedClock
from router_policy_client.router import route_order
from tests.client.policies import reading
from tests.client.scripted import READING, Kept, Reader, ScriptedVenue, order
from tests.client.test_order_log import OUTCOME

NOON = datetime(2026, 4, 26, 12, tzinfo=UTC)
HOLDS_OUT = {"holdout_share": 0.12, "holdout_salt": "spring"}
HELD_OUT, OTHER = "o-37", "o-25"


def taker(at: datetime = NOON, **changes: Any) -> Outcome:
    """A held-out order that crossed: it cost 15 bps, 0.30 of money."""
    return done(HELD_OUT, at, average_price=Decimal("100.10"), fees=Decimal("0.1001"), **changes)


def maker(at: datetime = NOON, **changes: Any) -> Outcome:
    """An order that went maker first as the policy said: it cost -8 bps."""
    return done(OTHER, at, average_price=Decimal("99.90"), fees=Decimal("0.03996"), **changes)


def done(order_id: str, at: datetime, **changes: Any) -> Outcome:
    gate = decide(reading(**HOLDS_OUT), order_id=order_id)
    return replace(OUTCOME, order=order(order_id=order_id), gate=gate, done_at=at, **changes)


def test_the_holdout_stops_once_its_orders_have_cost_the_cap_and_goes_on_the_next_day() -> None:
    cap = HoldoutCap(bps_a_day=30.0)

    cap.record(taker())
    is_stopped_after_one = cap.stops(NOON)
    cap.record(taker())

    assert not is_stopped_after_one
    assert cap.stops(NOON)
    assert cap.stops(NOON.replace(hour=23, minute=59, second=59))
    assert not cap.stops(NOON + timedelta(hours=12))  # midnight
    assert cap.stopped_count == 2


def test_what_they_cost_in_money_is_capped_too() -> None:
    cap = HoldoutCap(bps_a_day=1000.0, money_a_day=0.5)

    cap.record(taker())
    is_stopped_after_one = cap.stops(NOON)
    cap.record(taker())

    assert not is_stopped_after_one
    assert cap.stops(NOON)


def test_what_an_order_would_have_cost_otherwise_is_taken_off_once_it_is_known() -> None:
    cap, knowing = HoldoutCap(bps_a_day=20.0), HoldoutCap(bps_a_day=20.0)
    for number in range(20):
        knowing.record(maker())
        if number < 19:
            cap.record(maker())

    cap.record(taker())  # 15 bps: 19 orders are too few
    knowing.record(taker())  # 15 - -8 = 23 bps

    assert not cap.stops(NOON)
    assert knowing.stops(NOON)


def test_what_the_venue_does_not_report_counts_as_10_bps() -> None:
    cap = HoldoutCap(bps_a_day=10.0)

    cap.record(replace(taker(), fees=None))

    assert cap.stops(NOON)


@pytest.mark.parametrize(
    "outcome",
    [
        maker(),
        replace(taker(), gate=decide(reading(), order_id=HELD_OUT)),
        replace(taker(), filled=Decimal(0), average_price=None, fees=None),
    ],
)
def test_an_order_that_was_not_held_out_or_did_not_fill_costs_nothing(outcome: Outcome) -> None:
    cap = HoldoutCap(bps_a_day=0.001)

    cap.record(outcome)

    assert not cap.stops(NOON)


def test_processes_that_name_one_file_share_the_cap_and_a_restart_keeps_it(tmp_path: Path) -> None:
    first, second = (HoldoutCap(bps_a_day=30.0, path=tmp_path / "logs" / "costs.jsonl") for _ in range(2))
    first.record(taker())
    is_stopped_after_one = second.stops(NOON)
    second.record(taker())

    assert not is_stopped_after_one
    assert first.stops(NOON)
    assert second.stops(NOON)
    assert HoldoutCap(bps_a_day=30.0, path=tmp_path / "logs" / "costs.jsonl").stops(NOON)


def test_an_incomplete_line_counts_once_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "costs.jsonl"
    cap = HoldoutCap(bps_a_day=15.0, path=file)
    line = '{"day": "2026-04-26", "order_id": "o-37", "cost_bps": 15.0, "cost": 0.3}\n'
    file.write_text(line[:30])
    is_stopped_by_half = cap.stops(NOON)
    file.write_text(line)

    assert not is_stopped_by_half
    assert cap.stops(NOON)


def test_a_file_that_was_removed_counts_what_is_in_it_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "costs.jsonl"
    cap = HoldoutCap(bps_a_day=15.0, path=file)
    cap.record(taker())
    was_stopped = cap.stops(NOON)
    file.unlink()
    is_stopped_without = cap.stops(NOON)
    cap.record(taker())

    assert (was_stopped, is_stopped_without) == (True, False)
    assert cap.stops(NOON)


@pytest.mark.parametrize(
    "damaged",
    [
        "{}\n",
        "no\n",
        '{"day": "today", "cost_bps": 1, "cost": 1}\n',
        '{"day": "2026-04-26", "cost_bps": NaN, "cost": 1}\n',
        '{"day": "2026-04-26", "cost_bps": 1, "cost": -Infinity}\n',
        '{"day": "2026-04-26", "cost_bps": 1e400, "cost": 1}\n',
        f'{{"day": "2026-04-26", "cost_bps": {"9" * 400}, "cost": 1}}\n',
        f'{{"day": "2026-04-26", "cost_bps": {"9" * 5000}, "cost": 1}}\n',
        f"{'[' * 100_000}\n",
    ],
)
def test_no_order_is_held_out_while_the_file_cannot_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damaged: str
) -> None:
    file = tmp_path / "costs.jsonl"
    file.write_text(damaged)
    cap = HoldoutCap(bps_a_day=15.0, path=file)

    assert cap.stops(NOON)
    assert "cannot be read" in caplog.text
    file.write_text("")
    assert not cap.stops(NOON)


def test_lines_before_a_damaged_one_count_once_however_often_they_are_read(tmp_path: Path) -> None:
    file = tmp_path / "costs.jsonl"
    line = '{"day": "2026-04-26", "order_id": "o-37", "cost_bps": 10.0, "cost": 0.2}\n'
    file.write_text(f"{line}damaged\n")
    cap = HoldoutCap(bps_a_day=15.0, path=file)
    is_stopped_by_damage = [cap.stops(NOON), cap.stops(NOON)]
    file.write_text(line)

    assert is_stopped_by_damage == [True, True]
    assert not cap.stops(NOON)
    cap.record(taker())
    assert cap.stops(NOON)


def test_costs_of_later_days_by_hosts_whose_clocks_are_ahead_do_not_drop_those_of_today(tmp_path: Path) -> None:
    file = tmp_path / "costs.jsonl"
    shared, alone = HoldoutCap(bps_a_day=15.0, path=file), HoldoutCap(bps_a_day=15.0)
    for cap in (shared, alone):
        cap.record(taker())
        for days in range(1, 6):
            cap.record(taker(at=NOON + timedelta(days=days)))

    assert [cap.stops(NOON) for cap in (shared, alone)] == [True, True]
    assert not shared.stops(NOON - timedelta(days=1))


def test_a_fill_beyond_all_numbers_leaves_what_the_other_orders_cost(tmp_path: Path) -> None:
    file = tmp_path / "costs.jsonl"
    shared, alone = HoldoutCap(bps_a_day=20.0, path=file), HoldoutCap(bps_a_day=20.0)
    for cap in (shared, alone):
        cap.record(replace(taker(), average_price=Decimal("1e400")))
        cap.record(replace(maker(), average_price=Decimal("1e400")))
        cap.record(replace(taker(), average_price=Decimal("1e999999"), mid=Decimal("1e-999999")))
        for _ in range(20):
            cap.record(maker())
        cap.record(taker())  # 15 - -8 = 23 bps

    assert [cap.stops(NOON) for cap in (shared, alone)] == [True, True]


def test_an_order_whose_cost_cannot_be_counted_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    cap = HoldoutCap(bps_a_day=20.0)

    cap.record(replace(taker(), average_price=Decimal("1e400")))

    assert "order o-37: its holdout cost cannot be counted: a cost of 10.0 bps and inf in money is not finite" in (
        caplog.text
    )


def test_a_cost_that_cannot_be_written_counts_in_this_process(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "costs.jsonl"
    cap = HoldoutCap(bps_a_day=15.0, path=file)
    file.mkdir()

    cap.record(taker())
    file.rmdir()

    assert "its holdout cost cannot be written" in caplog.text
    assert cap.stops(NOON)


def test_the_reason_is_logged_once_a_day_with_the_costs_and_the_cap(caplog: pytest.LogCaptureFixture) -> None:
    cap = HoldoutCap(bps_a_day=15.0, money_a_day=100.0)
    cap.record(taker())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            cap.stops(NOON)

    assert [record.getMessage() for record in caplog.records] == [
        "no order is held out for the rest of 2026-04-26 (UTC): they have cost 15.00 bps and 0.30 in money; cap: "
        "15 bps, 100 of money"
    ]


def test_a_file_that_cannot_be_read_is_logged_once_and_does_not_hide_that_the_cap_is_reached_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "costs.jsonl"
    file.write_text("damaged\n")
    cap = HoldoutCap(bps_a_day=15.0, path=file)
    for _ in range(3):
        cap.stops(NOON)
    file.write_text("")
    cap.record(taker())
    for _ in range(3):
        cap.stops(NOON)

    unreadable, reached = [record.getMessage() for record in caplog.records]
    assert unreadable.startswith("no order is held out while the costs of the held-out orders cannot be read: line ")
    assert reached.startswith("no order is held out for the rest of 2026-04-26 (UTC): they have cost 15.00 bps")


@pytest.mark.parametrize(("bps_a_day", "money_a_day"), [(None, None), (0.0, None), (5.0, -1.0)])
def test_a_cap_must_be_above_0(bps_a_day: float | None, money_a_day: float | None) -> None:
    with pytest.raises(ValueError, match="give one or both, above 0"):
        HoldoutCap(bps_a_day=bps_a_day, money_a_day=money_a_day)


def test_orders_of_both_ways_take_no_part_after_the_cap() -> None:
    """Else what is left would be the orders of one way, and the others would have a propensity that they had not."""
    cap, log = HoldoutCap(bps_a_day=15.0), Kept()
    policies = Reader(replace(READING, holdout_share=0.12, holdout_salt="spring"))
    for number, order_id in enumerate((HELD_OUT, "o-27", OTHER, "o-12")):
        clock = SimulatedClock(NOON + timedelta(minutes=number))
        route_order(order(order_id=order_id), ScriptedVenue(clock), policies, log, clock=clock, holdout_cap=cap)

    assert [(done.gate.holdout, done.gate.propensity) for done in log.outcomes] == [
        (True, 0.12),
        (None, 1.0),
        (None, 1.0),
        (None, 1.0),
    ]
    assert [done.maker_started for done in log.outcomes] == [False, True, True, True]
    assert cap.stopped_count == 3


def test_without_a_holdout_the_cap_is_not_asked(tmp_path: Path) -> None:
    file = tmp_path / "costs.jsonl"
    file.write_text("damaged\n")
    cap = HoldoutCap(bps_a_day=15.0, path=file)
    clock = SimulatedClock(NOON)

    route_order(order(), ScriptedVenue(clock), Reader(READING), Kept(), clock=clock, holdout_cap=cap)

    assert cap.stopped_count == 0
