"""A small database of freqtrade: its tables, and trades whose outcomes are known by hand."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from tests.support.bot_data import Row, utc

AS_OF = utc("2026-04-26 00:00:00")
TEN = utc("2026-04-25 10:00:00").replace(tzinfo=None)


def tables(*without: str) -> sa.MetaData:
    """The columns that freqtrade has and the source reads, without some of them."""
    metadata = sa.MetaData()
    text, number, flag, time = sa.String(255), sa.Float(), sa.Boolean(), sa.DateTime()
    trades: dict[str, Any] = {"pair": text, "is_open": flag, "is_short": flag, "fee_open": number, "fee_close": number}
    trades |= {"fee_open_currency": text, "fee_close_currency": text, "close_profit_abs": number}
    orders: dict[str, Any] = {"ft_trade_id": sa.Integer(), "ft_order_side": text, "ft_pair": text, "ft_is_open": flag}
    orders |= {"ft_price": number, "order_id": text, "status": text, "order_type": text, "price": number}
    orders |= {"average": number, "filled": number, "ft_order_tag": text}
    orders |= dict.fromkeys(("order_date", "order_filled_date", "order_update_date"), time)
    custom: dict[str, Any] = {"ft_trade_id": sa.Integer(), "cd_key": text, "cd_type": text, "cd_value": sa.Text()}
    for name, columns in (("trades", trades), ("orders", orders), ("trade_custom_data", custom)):
        if name not in without:
            present: list[sa.Column[Any]] = [
                sa.Column(column, kind) for column, kind in columns.items() if column not in without
            ]
            sa.Table(name, metadata, sa.Column("id", sa.Integer(), primary_key=True), *present)
    return metadata


def trade(number: int, **values: object) -> Row:
    """A closed long trade with known fees of 2 and 5 bps."""
    fees = {"fee_open": 0.0002, "fee_close": 0.0005, "fee_open_currency": "USDT", "fee_close_currency": "USDT"}
    return {"id": number, "pair": "BTC/USDT:USDT", "is_open": False, "is_short": False, **fees, **values}


def order(number: int, trade_number: int, side: str, kind: str, status: str, **values: Any) -> Row:
    """An order that was asked for at 100, and if it is closed filled 2 there; order N is done N minutes after ten."""
    done_at = TEN + timedelta(minutes=number)
    filled = 2.0 if status == "closed" else 0.0
    times = {"order_date": TEN, "order_update_date": done_at, "order_filled_date": done_at if filled else None}
    prices = {"ft_price": 100.0, "price": 100.0, "average": 100.0 if filled else None, "filled": filled}
    fixed = {"ft_trade_id": trade_number, "ft_order_side": side, "order_type": kind, "status": status}
    named = {"id": number, "ft_pair": "BTC/USDT:USDT", "ft_is_open": False, "order_id": f"exchange-{number}"}
    return {**named, **fixed, **times, **prices, **values}


TRADES = [
    trade(1, close_profit_abs=3.5),
    trade(4, close_profit_abs=-1.0),
    trade(5, is_short=True, close_profit_abs=2.0, fee_close_currency=None),
    trade(6, is_open=True),
]
ORDERS = [
    # Trade 1: the entry filled, re-priced once; the exit filled as maker at 101 of 100: 100 bps better.
    order(1, 1, "buy", "limit", "canceled"),
    order(2, 1, "buy", "limit", "closed", ft_price=101.0, average=101.0),
    order(3, 1, "sell", "limit", "closed", average=101.0),
    # Trade 4: the exit was not filled in time and crossed at 99: 100 bps worse.
    order(4, 4, "buy", "limit", "closed"),
    order(5, 4, "sell", "limit", "canceled"),
    order(6, 4, "sell", "market", "closed", average=99.0, ft_price=99.5),
    # Trade 5, a short: its exit buys at market, without a limit order before it.
    order(7, 5, "sell", "limit", "closed"),
    order(8, 5, "buy", "market", "closed", average=100.5),
    # Trade 6: the exit is still open.
    order(9, 6, "buy", "limit", "closed"),
    order(10, 6, "sell", "limit", "open", ft_is_open=True),
]
