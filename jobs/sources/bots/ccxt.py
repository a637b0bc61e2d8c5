"""ccxt: orders and trades as its unified methods return them, or as Binance answers, in JSON files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import OrdersSource
from jobs.sources.bots.kind import BotKind, Sentence, sql_of
from jobs.sources.errors import SourceError
from jobs.sources.files import readable_files
from jobs.sources.json_lines import json_files, json_objects
from jobs.sources.lines import BYTE_ORDER_MARK, LONGEST_LINE_BYTES
from jobs.sources.relation import file_list
from jobs.sources.text_files import TextFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ENDINGS = (".json", ".jsonl", ".ndjson")
_BEGINNING_BYTES = 1024


def load_answers(connection: "DuckDBPyConnection", source: OrdersSource, folder: Path) -> Sequence[TextFile]:
    """Load the objects of JSON files, in an array or one on each line, into the table `bot_answer`.

    Numbers stay text, so that no digit of an id is lost. A broken line is a null. `folder` is for copies. Raises
    SourceError naming the file if one cannot be read, or is a broken array.
    """
    paths = readable_files("orders.path", source.location.path or "", ENDINGS)
    connection.execute("create or replace temp table bot_answer (json json)")
    arrays = [path for path in paths if _is_array(path)]
    for path in arrays:
        _load_array(connection, path)
    lines = json_files("orders", [path for path in paths if path not in arrays], folder)
    if lines:
        connection.execute(f"insert into bot_answer select json from {json_objects(lines)}")
    return ()


def _is_array(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_BEGINNING_BYTES).removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"[")


def _load_array(connection: "DuckDBPyConnection", path: Path) -> None:
    import duckdb

    try:
        connection.execute(
            f"""insert into bot_answer
            with read as (
                select json from read_json_objects(
                    {file_list([path])}, format = 'auto', maximum_object_size = {LONGEST_LINE_BYTES},
                    hive_partitioning = false
                )
            )
            select unnest(case json_type(json) when 'ARRAY' then from_json(json, '["JSON"]') else [json] end)
            from read"""
        )
    except duckdb.Error as error:
        raise SourceError(
            f"orders.path: {path} is not a valid JSON file of one array: {str(error).strip().splitlines()[0]}"
        ) from error


CCXT = BotKind(
    sql=sql_of("ccxt"),
    mapping={
        "maker_started": "postOnly, or timeInForce PO or GTX",
        "maker_filled": "it is done and filled, and no trade took",
        "fallback_used": "a market order of the same market and side within 2 s",
        "maker_price": "price of the post-only order, which rested from timestamp to its last trade or its end",
        "posts": "1, or 0 of a refused order",
        "slippage_bps": "mean fill price against the last closed one-minute candle",
        "notional": "cost",
        "realized_pnl": "info.realizedPnl of the trades less fees",
        "post_only_rejected": "expired or rejected with nothing filled; unknown on Binance USD-M",
        "fees": "fees of the trades in the quote currency",
    },
    load_files=load_answers,
    sentences=(
        Sentence(
            count="trade_only_count",
            text="{trade_only_count} orders are known by their trades only ({maker_share_percent} % of their "
            "notional filled "
            "as maker): trades tell neither which orders were posted nor which did not fill; add the answers of "
            "fetch_orders",
        ),
        Sentence(
            count="paired_count",
            text="{paired_count} market orders count as the fallback of the post-only order of the same market and "
            "side "
            "that ended at most 2 s before, since nothing links them",
        ),
        Sentence(
            count="never_refused_count",
            text="{never_refused_count} post-only orders are of Binance USD-M, which keeps no order that it refused "
            "with -5022: the fill ratio is too high by those",
        ),
        Sentence(
            count="unknown_start_count",
            text="{unknown_start_count} limit orders do not say whether they were post-only; they do not count as "
            "maker "
            "starts",
        ),
        Sentence(
            count="without_mid_count",
            text="{without_mid_count} fills have no slippage, since no mid price is known",
        ),
    ),
)
