"""NautilusTrader: the order events of a catalog, or the reports of a backtest, as Parquet files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import OrdersSource
from jobs.sources.bots.kind import BotKind, Sentence, sql_of
from jobs.sources.bots.parquet_tables import load_parquet
from jobs.sources.errors import SourceError
from jobs.sources.files import readable_files
from jobs.sources.relation import file_list, quoted
from jobs.sources.text_files import TextFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Each table by the folder or the file that has its rows: its columns, and those that may be missing.
_EVENTS = {
    "order_initialized": (
        "client_order_id instrument_id order_side order_type quantity post_only ts_init",
        "exec_spawn_id tags price options",
    ),
    "order_submitted": ("client_order_id", ""),
    "order_accepted": ("client_order_id ts_event", ""),
    "order_updated": ("client_order_id ts_event", "price"),
    "order_filled": ("client_order_id liquidity_side last_qty last_px ts_event", "trade_id commission currency"),
    "order_rejected": ("client_order_id reason ts_event", "due_post_only"),
    "order_canceled": ("client_order_id ts_event", ""),
    "order_expired": ("client_order_id ts_event", ""),
    "order_denied": ("client_order_id ts_init", "reason"),
    "position_closed": ("closing_order_id realized_pnl", "position_id opening_order_id ts_closed"),
}
_REPORTS = {
    "orders_report": (
        "client_order_id instrument_id type side quantity is_post_only status ts_init ts_last",
        "exec_spawn_id tags price",
    ),
    "fills_report": ("client_order_id liquidity_side last_qty last_px ts_event", "trade_id commission currency"),
    "positions_report": ("closing_order_id realized_pnl", "position_id opening_order_id ts_closed"),
}


def load_nautilus(connection: "DuckDBPyConnection", source: OrdersSource, _folder: Path) -> Sequence[TextFile]:
    """Load the events of a catalog, or without them the reports, into tables `bot_NAME`.

    Raises SourceError if the path has neither.
    """
    path = source.location.path or ""
    files = readable_files("orders.path", path, (".parquet", ".feather"))
    paths = [file for file in files if file.suffix.lower() == ".parquet"]
    by_table = _by_table(paths)
    if not by_table["order_initialized"] and not by_table["orders_report"]:
        raise SourceError(_nothing_to_read(files, paths))
    has_events = bool(by_table["order_initialized"])
    for name, (required, optional) in (_EVENTS | _REPORTS).items():
        is_used = name in _EVENTS or not has_events or name == "positions_report"
        load_parquet(connection, f"bot_{name}", by_table[name] if is_used else (), required.split(), optional.split())
    _load_quotes(connection, [path for path in paths if "quote_tick" in path.parts])
    return ()


def _load_quotes(connection: "DuckDBPyConnection", paths: Sequence[Path]) -> None:
    """Load the mids of the window's quotes into `bot_quote`; the instrument is the name of the file's folder."""
    connection.execute("create or replace temp table bot_quote (instrument varchar, quoted_at timestamp, mid double)")
    for path in paths:
        connection.execute(
            f"""insert into bot_quote
            select {quoted(path.parent.name)}, make_timestamp(cast(ts_init as bigint) // 1000),
                (nautilus_price(bid_price) + nautilus_price(ask_price)) / 2
            from read_parquet({file_list([path])}, hive_partitioning = false)
            where ts_init >= epoch_ns(getvariable('window_start') - interval 1 day)
                and ts_init < epoch_ns(getvariable('as_of'))"""
        )


def _by_table(paths: Sequence[Path]) -> Mapping[str, Sequence[Path]]:
    """Return the files of each table: its name is that of the file, or of a folder above it, as catalogs have had "
    "it."""
    tables = _EVENTS | _REPORTS
    return {
        name: [path for path in paths if path.stem == name or any(_is_named(part, name) for part in path.parts[:-1])]
        for name in tables
    }


def _is_named(part: str, name: str) -> bool:
    return part in (name, f"{name}.parquet")


def _nothing_to_read(files: Sequence[Path], paths: Sequence[Path]) -> str:
    if len(paths) < len(files):
        stream = next(path for path in files if path not in paths)
        return (
            f"orders.path: {stream} is a stream of a live run; turn it into a catalog with "
            "ParquetDataCatalog.convert_stream_to_data, and name that"
        )
    return (
        f"orders.path: no order_initialized events and no orders_report.parquet among the {len(files)} files, "
        f"such as {files[0]}; name a catalog with order events, or a folder of reports"
    )


NAUTILUS = BotKind(
    sql=sql_of("nautilus"),
    mapping={
        "maker_started": "a leg was post-only and submitted",
        "maker_filled": "MAKER fills reach its quantity, and there is no TAKER fill",
        "fallback_used": "a TAKER fill in the same exec_spawn_id, else in the same tag",
        "maker_price": "price of the last post-only order, which rested from order_accepted to its end",
        "posts": "post-only orders of the intent that were not rejected, and changes of their price",
        "slippage_bps": "mean fill price against the mid of the tag rp_mid, else of the last quote",
        "notional": "the sum of last_qty x last_px",
        "realized_pnl": "position_closed, else positions_report, at the closing order",
        "post_only_rejected": "the reason of order_rejected begins with POST_ONLY",
        "fees": "commissions in the currency of the instrument",
    },
    load_files=load_nautilus,
    sentences=(
        Sentence(
            count="without_link_count",
            text="{without_link_count} orders have neither exec_spawn_id nor a tag that names their intent: each "
            "counts "
            "by itself, so a market order after a maker order is no fallback of it",
        ),
        Sentence(
            count="without_mid_count",
            text="{without_mid_count} fills have no slippage: their orders have no tag rp_mid with the mid price, and "
            "the catalog has no quote of the minute before",
        ),
        Sentence(
            count="without_profit_count",
            text="no profit is known: the data has no position_closed events and no positions_report",
        ),
        Sentence(
            count="without_reason_count",
            text="{without_reason_count} maker starts are read from reports, which do not say whether a post-only "
            "order "
            "was refused",
        ),
    ),
)
