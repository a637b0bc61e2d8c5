"""Binance: the trade history that its web page exports as CSV."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import OrdersSource
from jobs.sources.bots.kind import BotKind, Sentence, sql_of
from jobs.sources.csv_files import csv_rows, headers_of
from jobs.sources.errors import SourceError
from jobs.sources.files import readable_files
from jobs.sources.relation import quoted
from jobs.sources.text_files import TextFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# What the exports of several years call their columns, by letters only, the likeliest first.
_NAMES = {
    "time": "time timeutc dateutc date datetime",
    "symbol": "symbol pair market",
    "side": "side type",
    "price": "price",
    "quantity": "quantity executed",
    "amount": "amount total",
    "fee": "fee commission",
    "fee_coin": "feecoin feeasset commissionasset",
    "profit": "realizedprofit realizedpnl",
    "maker": "maker ismaker",
    "trade_id": "tradeid",
    "order_id": "orderid orderno",
}
_OFFSET = re.compile(r"utc\s*(?:([+-])0?(\d{1,2})(?::00)?)?(?!\d|:)", re.IGNORECASE)
_REQUIRED = ("time", "symbol", "side", "price", "quantity", "amount")


def load_export(connection: "DuckDBPyConnection", source: OrdersSource, folder: Path) -> Sequence[TextFile]:
    """Load the rows of the CSV files into the table `bot_trade`, each column as text, and return the files.

    Raises SourceError if a file is not such an export.
    """
    paths = readable_files("orders.path", source.location.path or "", (".csv",))
    headers = headers_of("orders", paths, folder)
    selects = []
    for header, files in headers.items():
        columns = export_columns(header)
        _require_trades(files[0].path, header, columns)
        zone = _zone_of(columns["time"]) or source.zone
        named = {name: columns.get(name, "") for name in _NAMES}
        selects.append(f"select *, {quoted(zone)} as zone from ({csv_rows({header: files}, named)})")
    connection.execute(f"create or replace temp table bot_trade as {' union all '.join(selects)}")
    return [file for files in headers.values() for file in files]


def export_columns(header: Sequence[str]) -> Mapping[str, str]:
    """Return the columns of an export by what they hold. In an older one, `Amount` is the quantity beside a `Total`."""
    by_letters = {_letters(name): name for name in header}
    columns = {
        name: by_letters[letters]
        for name, known in _NAMES.items()
        for letters in reversed(known.split())
        if letters in by_letters
    }
    if "quantity" not in columns and "total" in by_letters and "amount" in by_letters:
        columns |= {"quantity": by_letters["amount"], "amount": by_letters["total"]}
    return columns


def refuse_order_history(path: Path, header: Sequence[str]) -> None:
    """Raise SourceError if the columns are those of Binance's other export, which has a row for each order."""
    if {"executed", "status"} <= set(map(_letters, header)):
        raise SourceError(
            f"orders.path: {path} is the order history of Binance, which does not say what was paid for each trade; "
            "export the trade history"
        )


def _require_trades(path: Path, header: Sequence[str], columns: Mapping[str, str]) -> None:
    refuse_order_history(path, header)
    missing = [name for name in _REQUIRED if name not in columns]
    if not missing:
        return
    semicolons = "; separate its columns by commas, and decimals by points" if ";" in "".join(header) else ""
    raise SourceError(
        f"orders.path: {path} is no trade history of Binance: no column for {', '.join(missing)}; "
        f"it has {', '.join(header)}{semicolons}"
    )


def _zone_of(column: str) -> str | None:
    """Return the zone that the name of a time's column states, in the words of the engine; None if it states none.

    The Etc zones count hours west of Greenwich, so their sign is the other one.
    """
    offset = _OFFSET.search(column)
    if offset is None:
        return None
    sign, hours = offset[1], int(offset[2] or 0)
    return "UTC" if hours == 0 else f"Etc/GMT{'-' if sign == '+' else '+'}{hours}"


def _letters(name: str) -> str:
    """Return the letters and digits of a name in lower case, without the hours after `UTC`."""
    return "".join(character for character in _OFFSET.sub("utc", name.lower()) if character.isalnum())


BINANCE = BotKind(
    sql=sql_of("binance"),
    mapping={
        "maker_started": "unknown: an export of trades does not have it",
        "notional": "the sum of Amount",
        "realized_pnl": "the sum of Realized Profit, unless the contract is coin-margined",
        "fees": "the sum of Fee, if it is in the quote currency",
    },
    load_files=load_export,
    sentences=(
        Sentence(
            count="order_count",
            text="{order_count} orders are known by their trades only ({maker_share_percent} % of their notional "
            "filled as "
            "maker): an export of trades tells neither which orders were posted nor which did not fill, so it gives "
            "no ratio and no slippage; read the bot's own log, or fetch_orders by ccxt",
        ),
        Sentence(
            count="without_id_count",
            text="{without_id_count} of them have no Order ID: trades of one market, side and second count as one "
            "order",
        ),
        Sentence(
            count="coin_margined_count",
            text="{coin_margined_count} of them are of coin-margined contracts, whose profit is in the coin: it is "
            "unknown in the currency of the amount",
        ),
        Sentence(
            count="without_fee_count",
            text="{without_fee_count} of them paid fees in another coin than the quote currency; these fees are "
            "unknown",
        ),
    ),
)
