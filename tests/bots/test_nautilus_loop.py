"""NautilusTrader's backtest engine, day by day: its orders, its catalog, a run of the service, the next day's orders.

A day has four hours. On the second one the maker prices are far from the market. The algorithm follows policies that
are computed from the catalog of the engine's events; beside it a second service reads the algorithm's order log.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.model.enums import LiquiditySide
from nautilus_trader.model.events import OrderFilled, OrderRejected, OrderSubmitted
from nautilus_trader.model.orders import Order

from tests.bots.nautilus_bot import MARKETS, trade
from tests.bots.service import ORDER_LOG, Service

START = datetime(2026, 5, 6, tzinfo=UTC)
DAY = timedelta(hours=4)
BROKEN = 1
SYMBOLS = {str(market.id) for market in MARKETS}
CATALOG = """
[orders]
kind = "nautilus"
path = "catalog"
"""


@dataclass(kw_only=True)
class Loop:
    """What four days left: the engine's intents of each day, and the policies at its end from either source."""

    folder: Path
    days: list[list["Intent"]] = field(default_factory=list)
    policies: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    policies_of_log: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    verified: str = ""


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What the engine's own orders say of one intent."""

    symbol: str
    tags: frozenset[str]
    maker_started: bool
    maker_filled: bool
    fallback_used: bool
    was_refused: bool

    @property
    def is_probe(self) -> bool:
        """Whether its tags say that it is a probe."""
        return "rp_probe=1" in self.tags


def intents_of(orders: list[Order]) -> list[Intent]:
    """Group the orders that were submitted by the primary that they were spawned from."""
    legs: dict[str, list[Order]] = {}
    for order in orders:
        if any(isinstance(event, OrderSubmitted) for event in order.events):
            legs.setdefault(str(order.exec_spawn_id), []).append(order)
    return [_intent(spawned) for spawned in legs.values()]


def _intent(legs: list[Order]) -> Intent:
    events = [event for leg in legs for event in leg.events]
    fills = [event for event in events if isinstance(event, OrderFilled)]
    is_maker_start = any(leg.is_post_only for leg in legs)
    has_taken = any(fill.liquidity_side == LiquiditySide.TAKER for fill in fills)
    return Intent(
        symbol=str(legs[0].instrument_id),
        tags=frozenset(tag for leg in legs for tag in leg.tags),
        maker_started=is_maker_start,
        maker_filled=is_maker_start and bool(fills) and not has_taken,
        fallback_used=is_maker_start and has_taken,
        was_refused=any(isinstance(event, OrderRejected) for event in events),
    )


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    """Four days of the backtest engine, each followed by a run of the service."""
    loop = Loop(folder=tmp_path_factory.mktemp("nautilus"))
    (loop.folder / "beside").mkdir()
    service, beside = Service(loop.folder, CATALOG), Service(loop.folder / "beside", ORDER_LOG)
    for day in range(4):
        orders = trade(
            *(loop.folder, START + day * DAY, DAY),
            is_broken=day == BROKEN,
            order_log_path=str(loop.folder / "orders.jsonl"),
            interval_seconds=DAY.total_seconds(),
        )
        loop.days.append(intents_of(orders))
        loop.policies.append(service.once(START + (day + 1) * DAY))
        loop.policies_of_log.append(beside.once(START + (day + 1) * DAY))
    loop.verified = service.verify()
    return loop


def share(intents: list[Intent], name: str) -> float:
    """Return the share of the maker starts for which a flag is true."""
    started = [intent for intent in intents if intent.maker_started]
    return sum(1 for intent in started if getattr(intent, name)) / len(started)


def test_a_broken_maker_path_opens_the_breaker_and_it_probes_and_closes(loop: Loop) -> None:
    good, broken, probing, after = loop.days
    opened = [{symbol for symbol, policy in day.items() if not policy["maker_first"]} for day in loop.policies]

    assert opened[:3] == [set(), SYMBOLS, set()]
    assert 0.5 < share(good, "maker_filled") < 0.95
    assert share(broken, "maker_filled") == 0
    assert {(intent.maker_started, intent.is_probe) for intent in good + broken + after} == {(True, False)}
    assert {intent.maker_started for intent in probing if not intent.is_probe} == {False}
    probes = [intent for intent in probing if intent.is_probe]
    assert 0.1 < len(probes) / len(probing) < 0.35  # one in five, by their ids
    assert share(probes, "maker_filled") > 0.2
    assert all("closed: a probe filled" in policy["reason"] for policy in loop.policies[2].values())


@pytest.mark.parametrize("source", ["catalog", "log"])
def test_the_policies_have_the_figures_of_the_engines_own_orders(loop: Loop, source: str) -> None:
    intents: list[Intent] = []
    for number, day in enumerate(loop.days):
        intents += day
        policies = (loop.policies if source == "catalog" else loop.policies_of_log)[number]
        assert policies.keys() == SYMBOLS
        for symbol, policy in policies.items():
            own = [intent for intent in intents if intent.symbol == symbol]
            assert policy["outcome_count"] == len(own)
            assert policy["maker_started_count"] == sum(1 for intent in own if intent.maker_started)
            assert policy["maker_fill_ratio"] == pytest.approx(share(own, "maker_filled"), abs=1e-6)
            assert policy["fallback_ratio"] == pytest.approx(share(own, "fallback_used"), abs=1e-6)


def test_the_slippage_is_the_same_from_the_catalog_and_from_the_log(loop: Loop) -> None:
    slippages = [
        {symbol: policy["slip_q50"] for symbol, policy in policies.items()}
        for policies in (loop.policies[-1], loop.policies_of_log[-1])
    ]

    assert all(slippage is not None for slippage in slippages[0].values())
    assert slippages[0] == pytest.approx(slippages[1], abs=1e-6)


def test_every_leg_of_an_intent_has_the_same_tags_and_names_the_run_that_it_followed(loop: Loop) -> None:
    for number, day in enumerate(loop.days):
        for intent in day:
            values = dict(tag.split("=") for tag in intent.tags)
            assert len(values) == len(intent.tags)
            assert values.get("rp_run") == (None if number == 0 else str(number))
            assert float(values["rp_mid"]) > 0
    assert Counter(intent.was_refused for day in loop.days for intent in day)[True] > 10


def test_the_log_has_each_intent_once(loop: Loop) -> None:
    rows = [json.loads(line) for line in (loop.folder / "orders.jsonl").read_text().splitlines()]
    logged = Counter((row["symbol"], row["maker_start"], row["is_maker_final"], row["used_fallback"]) for row in rows)

    assert len({row["attempt_id"] for row in rows}) == len(rows)
    assert logged == Counter(
        (intent.symbol, intent.maker_started, intent.maker_filled, intent.fallback_used)
        for day in loop.days
        for intent in day
    )
    assert all(row["fees_usd"] > 0 for row in rows)


def test_the_history_verifies(loop: Loop) -> None:
    assert "4 runs with 12 snapshots: all as published" in loop.verified
