"""The demo's bot: it goes by the policies that it is given, and says so in its log; without the client it says that."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from jobs.demo.bot import Bot, Phase, Trader
from jobs.demo.log_rows import LogRow, close_row
from jobs.demo.market import Listing, SimulatedMarket
from jobs.demo.venue import MarketPrices, NoPolicies
from router_policy_client import Reading, Status, TakerBias
from router_policy_client.order import Order, Side
from router_policy_client.simulated import Conditions
from router_policy_client.venue import Quote

START = datetime(2026, 4, 16, 12, 0, tzinfo=UTC)
LISTING = Listing(symbol="CALM", price=100.0, decimals=2, spread_bps=6.0, volatility_bps=5.0)


class Policies:
    """A reader that makes one reading of what is otherwise not known."""

    def __init__(self, change: Callable[[Reading], Reading]) -> None:
        self._change = change

    def get(self, symbol: str) -> Reading:
        return self._change(NoPolicies().get(symbol))


def orders(
    conditions: Conditions, change: Callable[[Reading], Reading] = lambda reading: reading, hours: int = 6
) -> list[LogRow]:
    """The lines of orders, 60 an hour, under these conditions and policies."""
    random = Random(3)
    market = SimulatedMarket([LISTING], random, START, START + timedelta(days=1))
    phase = Phase(since_seconds=START.timestamp(), orders_per_hour=60.0, conditions=conditions)
    bot = Bot(market, [Trader(symbol="CALM", order_usd=1000.0, phases=(phase,))], random)
    bot.reader = Policies(change)
    return [row for row in bot.rows_until(START + timedelta(hours=hours)) if "event" not in row]


def taker(reading: Reading) -> Reading:
    return replace(reading, status=Status.FRESH, run_id=5, maker_first=False, taker_bias=TakerBias.PREFER_TAKER)


def patient(reading: Reading) -> Reading:
    return replace(reading, status=Status.FRESH, run_id=5, taker_bias=TakerBias.PREFER_MAKER)


def test_a_healthy_venue_fills_at_the_best_of_the_own_side() -> None:
    started = [row for row in orders(Conditions(fill_chance=1.0, fill_seconds=1.0)) if row["maker_start"]]

    assert len(started) > 250
    assert all(row["is_maker_final"] and not row["used_fallback"] for row in started)
    # the spread is 0.06, so the best price lies 3 bps from a mid of about 100
    assert [row["slippage_bps"] for row in started] == pytest.approx([-3.0] * len(started), abs=1.0)
    assert {row["policy_run_id"] for row in started} == {None}


def test_where_nothing_is_filled_the_bot_waits_as_the_policy_says_and_crosses() -> None:
    hasty = [row for row in orders(Conditions(fill_chance=0.0)) if row["maker_start"]]
    slow = [row for row in orders(Conditions(fill_chance=0.0), patient) if row["maker_start"]]

    assert all(row["used_fallback"] and not row["is_maker_final"] for row in hasty + slow)
    assert {row["timing_ms"]["ack"] for row in hasty} == {2000.0}  # no policy: half of 4 s
    assert {row["timing_ms"]["ack"] for row in slow} == {4000.0}
    assert {row["policy_run_id"] for row in slow} == {5}


def test_where_the_policy_says_taker_nothing_starts_as_maker() -> None:
    assert {row["maker_start"] for row in orders(Conditions(), taker)} == {False}


def test_a_tenth_goes_straight_to_taker_by_the_bots_own_wish() -> None:
    rows = orders(Conditions(), patient, hours=24)

    assert 0.06 < sum(not row["maker_start"] for row in rows) / len(rows) < 0.14


def test_the_venue_has_the_markets_prices_to_the_tick() -> None:
    market = SimulatedMarket([LISTING], Random(3), START, START + timedelta(days=1))

    assert MarketPrices(market).tick("CALM") == Decimal("0.01")
    assert MarketPrices(market).quote("CALM", START) == Quote(bid=Decimal("99.97"), ask=Decimal("100.03"))


def test_a_closed_position_names_the_order_that_closed_it() -> None:
    order = Order(order_id="sig_00000000ff", symbol="CALM", side=Side.SELL, quantity=Decimal(3))

    assert close_row(order, 1_776_333_602.5, 3.25) == {
        "ts": 1776333602.5,
        "attempt_id": "sig_00000000ff",
        "symbol": "CALM",
        "side": "SELL",
        "event": "position_close",
        "pnl_at_close_usd": 3.25,
        "order_status": "FILLED",
    }


WITHOUT_CLIENT = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "router_policy_client" else find(name, *more)
sys.argv = ["router-policy", *sys.argv[1:]]
from console.main import main
main()
"""


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [(["demo", "folder"], 1, "pip install ./client"), (["demo", "--help"], 0, ""), (["--help"], 0, "")],
)
def test_without_the_client_only_the_demo_says_what_to_install(
    arguments: list[str], code: int, message: str, tmp_path: pytest.TempPathFactory
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_CLIENT, *arguments],
        cwd=str(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
