"""Hummingbot's own executors and recorder, day by day: orders, its database, a run of the service, the next orders.

A day is a quarter of an hour of simulated time. On the second one the exchange fills no maker order.
"""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.bots.hummingbot_bot import PAIRS, Bot
from tests.bots.service import Service

START = datetime(2026, 5, 6, tzinfo=UTC)
DAY = timedelta(minutes=15)
BROKEN = 1
DATABASE = """
[orders]
kind = "hummingbot"
url = "sqlite:///conf_routed.sqlite"
"""


@dataclass(kw_only=True)
class Loop:
    """What four days left: the log's lines of each day, and the policies at its end."""

    days: list[list[dict[str, Any]]] = field(default_factory=list)
    policies: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    verified: str = ""


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    """Four days, each followed by a run of the service."""
    folder = tmp_path_factory.mktemp("hummingbot")
    service, loop = Service(folder, DATABASE), Loop()
    asyncio.run(_trade(folder, service, loop))
    loop.verified = service.verify()
    return loop


async def _trade(folder: Path, service: Service, loop: Loop) -> None:
    bot, seen = Bot(folder, START, DAY.total_seconds()), 0
    for day in range(4):
        bot.exchange.is_broken = day == BROKEN
        await bot.trade(START + (day + 1) * DAY)
        lines = (folder / "orders.jsonl").read_text().splitlines()
        loop.days.append([json.loads(line) for line in lines[seen:]])
        loop.policies.append(service.once(START + (day + 1) * DAY))
        seen = len(lines)
    bot.close()


def share(rows: list[dict[str, Any]], key: str) -> float:
    """Return the share of the maker starts for which a flag is true."""
    started = [row for row in rows if row["maker_start"]]
    return sum(1 for row in started if row[key]) / len(started)


def test_a_broken_maker_path_opens_the_breaker_and_it_probes_and_closes(loop: Loop) -> None:
    good, broken, probing, _ = loop.days
    opened = [{pair for pair, policy in day.items() if not policy["maker_first"]} for day in loop.policies]

    assert opened[:3] == [set(), set(PAIRS), set()]
    assert share(good, "is_maker_final") > 0.5
    assert share(broken, "is_maker_final") < 0.1  # the first ones were sent on the day before
    styles = Counter((row["maker_start"], row["probe"]) for row in probing if row["policy_run_id"] == 2)
    assert styles.keys() == {(False, False), (True, True)}
    assert 0.1 < styles[True, True] / styles.total() < 0.35  # one in five, by their ids


def test_the_policies_from_the_database_have_the_figures_of_what_was_sent(loop: Loop) -> None:
    rows: list[dict[str, Any]] = []
    for day, policies in zip(loop.days, loop.policies, strict=True):
        rows += day
        for pair, policy in policies.items():
            own = [row for row in rows if row["symbol"] == pair]
            assert policy["outcome_count"] == pytest.approx(len(own), abs=1)  # one may end in the very last second
            assert policy["maker_fill_ratio"] == pytest.approx(share(own, "is_maker_final"), abs=0.02)
            assert policy["fallback_ratio"] == pytest.approx(share(own, "used_fallback"), abs=0.02)


def test_the_history_verifies(loop: Loop) -> None:
    assert "4 runs with 8 snapshots: all as published" in loop.verified
