"""freqtrade's own bot, day by day: its orders, its files, a run of the service, and the orders of the next day.

A day has four hours. On the second one the strategy's maker prices are far from the market. The bot follows
policies that are computed from its own database; beside it a second service reads the mixin's order log.
"""

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.bots.freqtrade_bot import STRATEGY, trade
from tests.bots.freqtrade_market import PAIRS
from tests.bots.service import ORDER_LOG, Service
from tests.client.scripted import READING

START = datetime(2026, 5, 6, tzinfo=UTC)
DAY = timedelta(hours=4)
BROKEN = 1
DATABASE = """
[orders]
kind = "freqtrade"
url = "sqlite:///tradesv3.dryrun.sqlite"
post_only = true
"""


@dataclass(kw_only=True)
class Loop:
    """What four days left: the log's lines of each day, the policies at its end from either source, and the folder."""

    folder: Path
    days: list[list[dict[str, Any]]] = field(default_factory=list)
    policies: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    policies_of_log: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    verified: str = ""

    def trades(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the bot's own database answers."""
        connection = sqlite3.connect(self.folder / "tradesv3.dryrun.sqlite")
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    """Four days of freqtrade's dry run, each followed by a run of the service."""
    loop = Loop(folder=tmp_path_factory.mktemp("freqtrade"))
    (loop.folder / "beside").mkdir()
    service, beside = Service(loop.folder, DATABASE), Service(loop.folder / "beside", ORDER_LOG)
    lines = loop.folder / "orders.jsonl"
    with pytest.MonkeyPatch.context() as monkeypatch:
        for day in range(4):
            seen = len(lines.read_text().splitlines()) if day else 0
            trade(
                *(monkeypatch, loop.folder, START + day * DAY, int(DAY.total_seconds()) // 60),
                away_bps=60 if day == BROKEN else 0,
                order_log_path=str(lines),
                interval_seconds=DAY.total_seconds(),
            )
            loop.days.append([json.loads(line) for line in lines.read_text().splitlines()[seen:]])
            loop.policies.append(service.once(START + (day + 1) * DAY))
            loop.policies_of_log.append(beside.once(START + (day + 1) * DAY))
    loop.verified = service.verify()
    return loop


def share(rows: list[dict[str, Any]], key: str) -> float:
    """Return the share of the maker starts for which a flag is true."""
    started = [row for row in rows if row["maker_start"]]
    return sum(1 for row in started if row[key]) / len(started)


def test_a_broken_maker_path_opens_the_breaker_and_it_probes_and_closes(loop: Loop) -> None:
    good, broken, probing, after = loop.days
    first, opened, closed, last = [
        {pair for pair, policy in policies.items() if policy["maker_first"]} for policies in loop.policies
    ]

    assert (first, opened) == (set(PAIRS), set())
    assert 0.5 < share(good, "is_maker_final") < 0.95
    assert share(broken, "is_maker_final") == 0
    assert {(row["maker_start"], row["probe"]) for row in good + broken} == {(True, False)}
    assert {row["maker_start"] for row in probing if not row["probe"]} == {False}
    probes = [row for row in probing if row["probe"]]
    assert 0.1 < len(probes) / len(probing) < 0.35  # one in five, by their ids
    # Of entries the database does not tell whether they were tried, so a probe that closes a breaker is an exit.
    assert closed == {row["symbol"] for row in probes if row["is_maker_final"] and row["side"] == "SELL"}
    assert closed
    assert all("closed: a probe filled" in loop.policies[2][pair]["reason"] for pair in closed)
    assert {row["symbol"] for row in after if row["maker_start"] and not row["probe"]} == closed
    assert closed <= last


def test_each_order_names_the_run_that_it_followed(loop: Loop) -> None:
    assert [{row["policy_run_id"] for row in rows} for rows in loop.days] == [{None}, {1}, {2}, {3}]


@pytest.mark.parametrize("source", ["database", "log"])
def test_the_policies_have_the_figures_of_what_was_sent(loop: Loop, source: str) -> None:
    rows: list[dict[str, Any]] = []
    for number, day in enumerate(loop.days):
        # Of entries the database has those that were filled only, so they are no evidence there.
        rows += [row for row in day if source == "log" or row["side"] == "SELL"]
        policies = (loop.policies if source == "database" else loop.policies_of_log)[number]
        assert policies.keys() == set(PAIRS)
        for pair, policy in policies.items():
            own = [row for row in rows if row["symbol"] == pair]
            assert policy["maker_started_count"] == sum(1 for row in own if row["maker_start"])
            assert policy["maker_fill_ratio"] == pytest.approx(share(own, "is_maker_final"), abs=1e-6)
            assert policy["fallback_ratio"] == pytest.approx(share(own, "used_fallback"), abs=1e-6)


def test_entries_of_the_database_alone_would_look_better_than_they_were(loop: Loop) -> None:
    started = [row for day in loop.days for row in day if row["side"] == "BUY" and row["maker_start"]]
    in_database = [row for row in started if row["prices"]["avg_fill"] is not None]

    assert share(in_database, "is_maker_final") > 1.1 * share(started, "is_maker_final")


def test_the_log_has_every_fill_of_the_bots_database_and_the_misses_that_it_deleted(loop: Loop) -> None:
    rows = [row for day in loop.days for row in day]
    filled = [row for row in rows if row["prices"]["avg_fill"] is not None]
    missed = [row for row in rows if row["prices"]["avg_fill"] is None]

    ((quantity, cost),) = loop.trades("select sum(filled), sum(filled * average) from orders where filled > 0")
    assert sum(row["qty"]["contracts"] for row in filled) == pytest.approx(quantity)
    assert sum(row["qty"]["notional_usd"] for row in filled) == pytest.approx(cost)
    assert {row["side"] for row in missed} == {"BUY"}
    assert len(missed) > 10


def test_every_filled_order_has_its_mid_run_and_probe_in_the_bots_database(loop: Loop) -> None:
    kept = loop.trades(
        """select orders.ft_order_side, orders.order_type, trade_custom_data.cd_value
        from orders left join trade_custom_data
            on trade_custom_data.ft_trade_id = orders.ft_trade_id
            and trade_custom_data.cd_key = 'router_policy:' || orders.order_id
        where orders.filled > 0"""
    )
    values = [(side, kind, json.loads(value)) for side, kind, value in kept]

    assert {tuple(sorted(value)) for _, _, value in values} == {
        ("crossed", "maker_started", "mid", "policy_run_id", "probe")
    }
    logged = Counter(
        (row["side"].lower(), row["maker_start"], row["policy_run_id"], row["probe"])
        for day in loop.days
        for row in day
        if row["prices"]["avg_fill"] is not None
    )
    assert logged == Counter(
        (side, value["maker_started"], value["policy_run_id"], value["probe"]) for side, _, value in values
    )
    assert all(value["mid"] > 0 for _, _, value in values)


def test_an_exit_that_was_missed_crossed_as_freqtrades_own_emergency_exit(loop: Loop) -> None:
    exits = Counter(tag for (tag,) in loop.trades("select ft_order_tag from orders where side = 'sell' and filled > 0"))
    logged = [row for day in loop.days for row in day if row["side"] == "SELL"]

    assert exits["emergency_exit"] == sum(row["used_fallback"] for row in logged)
    assert exits["held"] == sum(not row["used_fallback"] for row in logged)


def test_the_history_verifies(loop: Loop) -> None:
    assert "4 runs with 12 snapshots: all as published" in loop.verified


def test_orders_are_posted_anew_at_new_candles_and_each_leaves_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = replace(READING, maker_posts=4)
    monkeypatch.setattr("router_policy_client.bots.freqtrade.intents.PolicyReader.get", lambda *_: policy)
    lines = tmp_path / "orders.jsonl"
    trade(
        *(monkeypatch, tmp_path, START, 120),
        away_bps=3,
        strategy=STRATEGY.replace('timeframe = "5m"', 'timeframe = "1m"'),
        order_log_path=str(lines),
    )

    rows = [json.loads(line) for line in lines.read_text().splitlines()]

    assert Counter(row["attempt_id"] for row in rows).most_common(1)[0][1] == 1
    assert all(row["is_maker_final"] is not row["used_fallback"] for row in rows if row["result"]["status"] == "FILLED")
    posts = Counter((row["side"], row["posts"], row["is_maker_final"]) for row in rows)
    assert {count for _, count, _ in posts} <= {1, 2, 3, 4}
    assert posts["BUY", 2, True] + posts["BUY", 3, True] + posts["BUY", 4, True] > 0
    assert posts["SELL", 2, True] + posts["SELL", 3, True] + posts["SELL", 4, True] > 0
    connection = sqlite3.connect(tmp_path / "tradesv3.dryrun.sqlite")
    (crossed,) = connection.execute("select count(*) from orders where order_type = 'market' and filled > 0").fetchone()
    connection.close()
    assert crossed == sum(row["used_fallback"] for row in rows)
