"""Generated trades of freqtrade and orders of ccxt: the SQL gives what plain Python derives from them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from jobs.plan import Location, OrdersKind, OrdersSource
from tests.support.bot_data import Row, canonical_rows, milliseconds, utc, write_rows
from tests.support.freqtrade_rows import order, tables, trade

AS_OF = utc("2026-04-26 00:00:00")
TEN = utc("2026-04-25 10:00:00")
EPOCH = utc("1970-01-01 00:00:00").replace(tzinfo=None)
SEEDS = [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)]
Outcome = tuple[Any, ...]


def close(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The outcomes in order, their numbers to nine digits."""
    return sorted(
        (tuple(f"{value:.9g}" if isinstance(value, float) else value for value in row) for row in outcomes), key=str
    )


def read(source: OrdersSource, *names: str) -> list[Outcome]:
    rows = canonical_rows(source, as_of=AS_OF)
    return close(tuple(row[name] for name in (*names, "reason")) for row in rows)


FREQTRADE = (
    *("order_id", "side", "maker_started", "maker_filled", "fallback_used", "notional", "realized_pnl"),
    *("posts", "maker_price", "maker_from", "maker_until"),
)


def random_trade(random: Random, number: int, first_id: int) -> tuple[Row, list[Row]]:
    """A trade with an entry and up to three exits, each re-priced, cancelled, crossed or stopped at random."""
    is_short = random.random() < 0.3
    entry, exit_side = ("sell", "buy") if is_short else ("buy", "sell")
    rows: list[Row] = []
    begun_at = TEN.replace(tzinfo=None) + timedelta(minutes=first_id - 1)

    def send(side: str, kind: str, status: str) -> None:
        filled = {"closed": 2.0, "canceled": random.choice([0.0, 0.0, 0.5])}.get(status, 0.0)
        price = random.choice([99.0, 100.0, 101.5])
        values: dict[str, Any] = {"filled": filled, "average": price if filled else None}
        values |= {"ft_price": random.choice([100.0, 100.5])}
        values |= {"price": price + 0.25, "order_date": begun_at + timedelta(minutes=random.randint(0, 3 * len(rows)))}
        rows.append(order(first_id + len(rows), number, side, kind, status, **values))

    send(entry, "limit", "closed")
    for _ in range(random.randint(0, 3)):
        for _ in range(random.randint(0, 2)):
            send(exit_side, "limit", random.choice(["canceled", "expired"]))
        if random.random() < 0.3:
            send("stoploss", "stop_loss_limit", random.choice(["canceled", "closed"]))
        elif random.random() < 0.9:
            send(exit_side, random.choice(["limit", "limit", "market"]), "closed")
    is_open = random.random() < 0.2
    return trade(number, is_short=is_short, is_open=is_open, close_profit_abs=random.choice([1.5, -2.0])), rows


@dataclass
class Chain:
    """The orders of one intent, in their order."""

    orders: list[Row]

    @property
    def has_ended(self) -> bool:
        return bool(self.orders) and self.orders[-1]["status"] == "closed"


def derive_freqtrade(trades: Sequence[Row], orders: Sequence[Row]) -> list[Outcome]:
    """Derive the outcomes one order after the other."""
    outcomes = []
    for each in trades:
        exit_side = "buy" if each["is_short"] else "sell"
        chains: dict[str, list[Chain]] = {}
        for row in (row for row in orders if row["ft_trade_id"] == each["id"]):
            if row["ft_order_side"] == "stoploss" and not row["filled"]:
                continue
            side = exit_side if row["ft_order_side"] == "stoploss" else row["ft_order_side"]
            of_side = chains.setdefault(side, [])
            if not of_side or of_side[-1].has_ended:
                of_side.append(Chain(orders=[]))
            of_side[-1].orders.append(row)
        for side, of_side in chains.items():
            outcomes += [
                _freqtrade_outcome(each, side, number, chain, side == exit_side, chain is of_side[-1])
                for number, chain in enumerate(of_side)
            ]
    return close(outcomes)


def _freqtrade_outcome(each: Row, side: str, number: int, chain: Chain, is_exit: bool, is_last: bool) -> Outcome:
    limits = [row["order_type"] == "limit" for row in chain.orders]
    crossed = any(row["filled"] and not limit for row, limit in zip(chain.orders, limits, strict=True))
    notional = sum(row["filled"] * row["average"] for row in chain.orders if row["filled"])
    profit = each["close_profit_abs"] if is_exit and is_last and chain.has_ended and not each["is_open"] else None
    return (
        f"{each['id']}-{side}-{number}",
        side.upper(),
        limits[0] if is_exit else None,
        limits[0] and limits[-1] and chain.has_ended and not crossed,
        limits[0] and crossed,
        notional or None,
        profit,
        *_freqtrade_posts(chain),
        None,
    )


def _freqtrade_posts(chain: Chain) -> Outcome:
    """How often the order was posted, and the price and the times of the last post."""
    if chain.orders[0]["order_type"] != "limit":
        return None, None, None, None
    posts = [row for row in chain.orders if row["order_type"] == "limit" and row["status"] in ("closed", "canceled")]
    if not posts:
        return 0, None, None, None
    last = posts[-1]
    begin, end = last["order_date"], last["order_update_date"]
    return len(posts), last["price"], *((begin, end) if begin <= end else (None, None))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_intents_of_freqtrade_are_those_that_one_order_after_the_other_gives(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    trades: list[Row] = []
    orders: list[Row] = []
    for number in range(1, 301):
        new_trade, its_orders = random_trade(random, number, len(orders) + 1)
        trades.append(new_trade)
        orders += its_orders
    write_rows(f"sqlite:///{tmp_path / 'bot.db'}", tables(), {"trades": trades, "orders": orders})
    source = OrdersSource(kind=OrdersKind.FREQTRADE, location=Location(url=f"sqlite:///{tmp_path / 'bot.db'}"))

    assert len(orders) > 900
    assert read(source, *FREQTRADE) == derive_freqtrade(trades, orders)


CCXT = (
    *("order_id", "symbol", "side", "maker_started", "maker_filled", "fallback_used", "notional"),
    *("posts", "maker_price", "maker_from", "maker_until"),
)


def random_answers(random: Random, count: int) -> list[dict[str, Any]]:
    """Orders of two markets: post-only ones that fill, in part or not, some with a market order soon after."""
    orders: list[dict[str, Any]] = []
    seconds = 0.0
    for _ in range(count):
        seconds += random.uniform(5, 30)
        answer = {"symbol": random.choice(["BTC/USDT", "ETH/USDT"]), "side": random.choice(["buy", "sell"])}
        filled = random.choice([0.0, 0.5, 2.0])
        status = "closed" if filled == 2.0 else random.choice(["canceled", "expired"])
        ended = seconds + random.uniform(0.5, 3)
        orders.append(
            _answer(len(orders), {**answer, "timeInForce": "PO", "type": "limit"}, status, filled, seconds, ended)
        )
        if random.random() < 0.6:
            later = random.choice([0.0, 1.999, 2.0, 2.001, 4.0])
            if random.random() < 0.1:
                answer = {**answer, "side": "buy" if answer["side"] == "sell" else "sell"}
            market = {**answer, "timeInForce": "IOC", "type": "market"}
            orders.append(
                _answer(len(orders), market, "closed", 2.0 - filled or 1.0, ended + later, ended + later + 0.1)
            )
    return orders


def _answer(
    number: int, answer: dict[str, Any], status: str, filled: float, created: float, ended: float
) -> dict[str, Any]:
    times = {"timestamp": _ms(created), "lastUpdateTimestamp": _ms(ended)}
    price = {"price": 99.0 + number / 100 if answer["type"] == "limit" else None}
    amounts = {**price, "amount": 2.0 if answer["type"] == "limit" else filled, "filled": filled, "cost": filled * 100}
    return {"id": str(number), **answer, "status": status, **times, **amounts, "average": 100.0}


def _ms(seconds: float) -> int:
    return milliseconds(TEN + timedelta(seconds=seconds))


def derive_pairs(orders: Sequence[dict[str, Any]]) -> list[Outcome]:
    """Pair each market order with the last unfilled post-only order of its market and side that ended within 2 s."""
    of_maker: dict[str, dict[str, Any]] = {}
    for taker in (each for each in orders if each["type"] == "market"):
        makers = [
            each
            for each in orders
            if each["type"] == "limit"
            and (each["symbol"], each["side"]) == (taker["symbol"], taker["side"])
            and each["filled"] < 2.0
            and 0 <= taker["timestamp"] - each["lastUpdateTimestamp"] <= 2000
        ]
        if makers:
            of_maker.setdefault(max(makers, key=lambda each: each["lastUpdateTimestamp"])["id"], taker)
    paired = {taker["id"] for taker in of_maker.values()}
    outcomes = []
    for each in orders:
        if each["id"] in paired:
            continue
        taker_leg = of_maker.get(each["id"])
        notional = (each["filled"] + (taker_leg["filled"] if taker_leg else 0.0)) * 100
        is_maker = each["type"] == "limit"
        flags = (is_maker, is_maker and each["filled"] == 2.0, taker_leg is not None)
        named = (each["id"], each["symbol"], each["side"].upper())
        outcomes.append((*named, *flags, notional or None, *_ccxt_post(each), None))
    return close(outcomes)


def _ccxt_post(order: dict[str, Any]) -> Outcome:
    if order["type"] == "market":
        return None, None, None, None
    if order["status"] == "expired" and not order["filled"]:
        return 0, None, None, None
    milliseconds_of = (order["timestamp"], order["lastUpdateTimestamp"])
    return 1, order["price"], *(EPOCH + timedelta(milliseconds=value) for value in milliseconds_of)


@pytest.mark.parametrize("seed", SEEDS)
def test_market_orders_are_paired_as_one_after_the_other_would_be(tmp_path: Path, seed: int) -> None:
    orders = random_answers(Random(seed), 300)
    (tmp_path / "orders.json").write_text(json.dumps(orders))
    source = OrdersSource(kind=OrdersKind.CCXT, location=Location(path=str(tmp_path / "orders.json")))

    derived = derive_pairs(orders)
    assert 30 < sum(outcome[5] for outcome in derived) < 200
    assert read(source, *CCXT) == derived
