"""ccxt over an exchange on this machine, day by day: orders, their log, a run of the service, the next day's orders.

A day is an hour of simulated time. On the second one the exchange fills no maker order, though its prices go beyond.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from router_policy_client import Order, OrderLog, Outcome, PolicyReader, Side, route_order
from router_policy_client.ccxt_venue import CcxtVenue
from router_policy_client.clock import SimulatedClock
from tests.bots.service import Service
from tests.client.exchange_server import Exchange, served, settings_of

START = datetime(2026, 5, 6, tzinfo=UTC)
DAY = timedelta(hours=1)
BROKEN = 1
ORDERS_A_DAY = 30
LOG = """
[orders]
kind = "order-log"
path = "orders.jsonl"
"""


@dataclass(kw_only=True)
class Loop:
    """What four days left: the outcomes of each day, the policy at its end, and what the exchange was asked."""

    days: list[list[Outcome]] = field(default_factory=list)
    policies: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    verified: str = ""


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    """Four days of orders, each followed by a run of the service."""
    folder = tmp_path_factory.mktemp("ccxt")
    service, loop = Service(folder, LOG), Loop()
    with served() as (exchange, address):
        client = ccxt.binanceusdm(settings_of(address))
        for day in range(4):
            loop.days.append(trade(exchange, CcxtVenue(client, {"BTCUSDT": "BTC/USDT:USDT"}), folder, day))
            loop.policies.append(service.once(START + (day + 1) * DAY)["BTCUSDT"])
        client.session.close()
        placed = [parameters for method, path, parameters in exchange.requests if method == "POST"]
    loop.sent = Counter(parameters["type"] for parameters in placed)
    loop.lines = [json.loads(line) for line in (folder / "orders.jsonl").read_text().splitlines()]
    loop.verified = service.verify()
    return loop


def trade(exchange: Exchange, venue: CcxtVenue, folder: Path, day: int) -> list[Outcome]:
    """Route the orders of a day; of six, the exchange fills five as maker, and on the broken day none."""
    clock, log = SimulatedClock(START + day * DAY), OrderLog(folder / "orders.jsonl")
    outcomes = []
    with PolicyReader(
        f"sqlite:///{folder}/router_policy.db", interval_seconds=DAY.total_seconds(), watch=False, now=clock.now
    ) as reader:
        reader.refresh()
        for number in range(ORDERS_A_DAY):
            clock.set(START + day * DAY + number * timedelta(minutes=1.5))
            exchange.goes_through = day == BROKEN
            exchange.fill_maker = 0.0 if day == BROKEN or number % 6 == 0 else 1_000.0
            side = Side.BUY if number % 2 == 0 else Side.SELL
            order = Order(order_id=f"{day}-{number}", symbol="BTCUSDT", side=side, quantity=Decimal("0.5"))
            outcomes.append(route_order(order, venue, reader, log, clock=clock))
    return outcomes


def styles(outcomes: list[Outcome]) -> set[tuple[bool, bool | None, bool]]:
    """Return the ways in which orders started and ended."""
    return {(outcome.maker_started, outcome.maker_filled, outcome.fallback_used) for outcome in outcomes}


def test_a_broken_maker_path_opens_the_breaker_and_it_probes_and_closes(loop: Loop) -> None:
    good, broken, probing, after = loop.days

    assert [policy["maker_first"] for policy in loop.policies] == [True, False, True, True]
    assert Counter(outcome.maker_filled for outcome in good) == {True: 25, False: 5}
    assert styles(broken) == {(True, False, True)}
    assert styles([outcome for outcome in probing if not outcome.gate.probe]) == {(False, False, False)}
    probes = [outcome for outcome in probing if outcome.gate.probe]
    assert 2 <= len(probes) <= 12  # one in five of 30, by their ids
    assert any(outcome.maker_filled for outcome in probes)
    assert "closed: a probe filled" in loop.policies[2]["reason"]
    assert Counter(outcome.maker_filled for outcome in after) == {True: 25, False: 5}


def test_the_policies_have_the_figures_of_what_was_sent(loop: Loop) -> None:
    outcomes: list[Outcome] = []
    for day, policy in zip(loop.days, loop.policies, strict=True):
        outcomes += day
        started = [outcome for outcome in outcomes if outcome.maker_started]
        filled = sum(1 for outcome in started if outcome.maker_filled)
        assert policy["outcome_count"] == len(outcomes)
        assert policy["maker_fill_ratio"] == pytest.approx(filled / len(started), abs=1e-6)


def test_each_order_was_sent_as_its_outcome_says(loop: Loop) -> None:
    outcomes = [outcome for day in loop.days for outcome in day]

    assert loop.sent["LIMIT"] == sum(1 for outcome in outcomes if outcome.maker_started)
    assert loop.sent["MARKET"] == sum(1 for outcome in outcomes if not outcome.maker_filled)


def test_each_line_names_the_run_that_the_order_followed(loop: Loop) -> None:
    runs = [row["policy_run_id"] for row in loop.lines]

    assert runs == [run for run in (None, 1, 2, 3) for _ in range(ORDERS_A_DAY)]


def test_the_history_verifies(loop: Loop) -> None:
    assert "4 runs with 4 snapshots: all as published" in loop.verified
