"""Orders of venues with shapes of their own, as ccxt itself parses their answers, read as intents."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.plan import CandlesSource, Location, OrdersKind, OrdersSource
from policy.symbols import SymbolSpelling, SymbolStyle
from tests.support.bot_data import canonical_rows

ccxt = pytest.importorskip("ccxt")

CREATED, DONE = 1777111200000, 1777111205000  # 2026-04-25 10:00:00 and five seconds later
OKX: dict[str, Any] = {
    "instId": "BTC-USDT-SWAP",
    "instType": "SWAP",
    "ordId": "1",
    "ordType": "post_only",
    "side": "buy",
    "px": "100",
    "sz": "2",
    "accFillSz": "2",
    "avgPx": "100",
    "fee": "-0.0004",
    "feeCcy": "USDT",
    "state": "filled",
    "cTime": str(CREATED),
    "uTime": str(DONE),
}
BYBIT: dict[str, Any] = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "orderId": "1",
    "orderType": "Limit",
    "timeInForce": "PostOnly",
    "side": "Buy",
    "price": "100",
    "qty": "2",
    "cumExecQty": "2",
    "cumExecValue": "200",
    "avgPrice": "100",
    "orderStatus": "Filled",
    "rejectReason": "EC_NoError",
    "createdTime": str(CREATED),
    "updatedTime": str(DONE),
}
KRAKEN: dict[str, Any] = {
    "id": "1",
    "descr": {"pair": "XXBTZUSDT", "type": "buy", "ordertype": "limit", "price": "100"},
    "oflags": "fciq,post",
    "vol": "2",
    "vol_exec": "2",
    "cost": "200",
    "price": "100",
    "fee": "0.2",
    "status": "closed",
    "reason": None,
    "opentm": CREATED / 1000,
    "closetm": DONE / 1000,
}
GATE: dict[str, Any] = {
    "id": 1,
    "contract": "BTC_USDT",
    "size": 2,
    "left": 0,
    "price": "100",
    "fill_price": "100",
    "tif": "poc",
    "status": "finished",
    "finish_as": "filled",
    "create_time": CREATED / 1000,
    "finish_time": DONE / 1000,
}
NOTHING: dict[str, Any] = {"accFillSz": "0", "avgPx": "", "cumExecQty": "0", "cumExecValue": "0", "avgPrice": ""}
NOTHING |= {"vol_exec": "0", "cost": "0", "fee": "0", "left": 2, "fill_price": "0"}


def refused(answer: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The same order, of which nothing filled."""
    return answer | {name: value for name, value in NOTHING.items() if name in answer} | values


def market(market_id: str, symbol: str, contract_size: float | None) -> dict[str, Any]:
    """A market as ccxt describes one: a linear swap if it has a contract size, else spot."""
    is_swap = contract_size is not None
    kinds = {"spot": not is_swap, "contract": is_swap, "swap": is_swap, "linear": is_swap, "inverse": False}
    names = {
        "id": market_id,
        "altname": "XBTUSDT",
        "symbol": symbol,
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT" if is_swap else None,
    }
    fixed = {"type": "swap" if is_swap else "spot", "precision": {"amount": 1e-8, "price": 0.01}, "limits": {}}
    return {**names, **kinds, **fixed, "contractSize": contract_size}


def read(
    folder: Path, venue: str, market_id: str, contract_size: float | None, answer: dict[str, Any]
) -> dict[str, Any]:
    """Parse an answer by ccxt, write it, and read the file beside candles of one minute that closed at 80."""
    symbol = "BTC/USDT" if contract_size is None else "BTC/USDT:USDT"
    exchange = getattr(ccxt, venue)()
    exchange.set_markets([market(market_id, symbol, contract_size)])
    (folder / "orders.json").write_text(json.dumps([exchange.parse_order(answer, exchange.market(symbol))]))
    opened = datetime.fromtimestamp(CREATED / 1000, UTC) - timedelta(minutes=1)
    (folder / "bars.csv").write_text(f"ts,symbol,high,low,close\n{opened.isoformat()},BTCUSDT,101,79,80\n")
    source = OrdersSource(
        kind=OrdersKind.CCXT,
        location=Location(path=str(folder / "orders.json")),
        symbols=SymbolSpelling(style=SymbolStyle.COMPACT),
        candles=CandlesSource(location=Location(path=str(folder / "bars.csv")), interval=timedelta(minutes=1)),
    )
    (row,) = canonical_rows(source, as_of=datetime(2026, 4, 26, tzinfo=UTC))
    return row


VENUES: dict[str, tuple[str, float | None, dict[str, Any]]] = {
    "okx": ("BTC-USDT-SWAP", 0.01, OKX),  # two contracts of 0.01 BTC
    "bybit": ("BTCUSDT", 1.0, BYBIT),
    "kraken": ("XXBTZUSDT", None, KRAKEN),
    "gate": ("BTC_USDT", 0.0001, GATE),
}


@pytest.mark.parametrize("venue", VENUES)
def test_the_price_of_a_fill_does_not_depend_on_the_size_of_a_contract(tmp_path: Path, venue: str) -> None:
    row = read(tmp_path, venue, *VENUES[venue])

    # Bought at 100 when the mid was 80: a quarter more.
    assert (row["reason"], row["slippage_bps"]) == (None, pytest.approx(2500.0))
    assert (row["maker_started"], row["maker_filled"], row["post_only_rejected"]) == (True, True, False)


@pytest.mark.parametrize(
    ("venue", "answer"),
    [
        ("okx", refused(OKX, state="canceled", cancelSource="31")),
        ("bybit", refused(BYBIT, orderStatus="Cancelled", rejectReason="EC_PostOnlyWillTakeLiquidity")),
        ("bybit", refused(BYBIT, orderStatus="Rejected", rejectReason="EC_PostOnlyWillTakeLiquidity")),
        ("kraken", refused(KRAKEN, status="canceled", reason="Post only order")),
        ("gate", refused(GATE, finish_as="poc")),
    ],
)
def test_a_post_only_order_that_the_venue_refused_is_a_miss_that_was_refused(
    tmp_path: Path, venue: str, answer: dict[str, Any]
) -> None:
    row = read(tmp_path, venue, *VENUES[venue][:2], answer)

    assert (row["reason"], row["maker_started"], row["maker_filled"]) == (None, True, False)
    assert row["post_only_rejected"] is True


@pytest.mark.parametrize(
    ("venue", "answer"),
    [
        ("okx", refused(OKX, state="canceled", cancelSource="1")),
        ("bybit", refused(BYBIT, orderStatus="Cancelled")),
        ("kraken", refused(KRAKEN, status="canceled", reason="User requested")),
        ("gate", refused(GATE, finish_as="cancelled")),
    ],
)
def test_one_that_its_owner_cancelled_is_a_miss_that_was_not_refused(
    tmp_path: Path, venue: str, answer: dict[str, Any]
) -> None:
    row = read(tmp_path, venue, *VENUES[venue][:2], answer)

    assert (row["reason"], row["maker_started"], row["maker_filled"]) == (None, True, False)
    assert row["post_only_rejected"] is False
