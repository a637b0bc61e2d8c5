"""The order log as canonical rows for DuckDB, from whichever layout and format it is kept in."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import OrdersKind, OrdersSource
from jobs.sources import canonical
from jobs.sources.database import spool
from jobs.sources.errors import SourceError
from jobs.sources.files import FileFormat, format_of, resolve
from jobs.sources.relation import Relation, file_list, identifier, json_lines, numbered_json_lines, quoted
from jobs.sources.typed import column_types, describe_csv, parquet, typed_column
from policy.window import Window

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ORDER_LOG = files(__package__).joinpath("order_log.sql").read_text("utf-8")
_CANONICAL_TEXT = files(__package__).joinpath("canonical_text.sql").read_text("utf-8")
_ORDER_LOG_FIELDS = {
    "ts": "JSON",
    "symbol": "JSON",
    "side": "VARCHAR",
    "attempt_id": "VARCHAR",
    "intent_id": "VARCHAR",
    "event": "JSON",
    "event_type": "JSON",
    "prices": "STRUCT(avg_fill JSON)",
    "qty": "STRUCT(notional_usd JSON)",
    "result": "STRUCT(status VARCHAR, retries VARCHAR)",
    "fees_usd": "JSON",
    "slippage_bps": "JSON",
    "maker_start": "JSON",
    "started_maker": "JSON",
    "decision": "STRUCT(maker_started JSON)",
    "is_maker_final": "JSON",
    "used_fallback": "JSON",
    "pnl_at_close_usd": "JSON",
    "probe": "JSON",
    "policy_run_id": "VARCHAR",
}


def read_orders(connection: "DuckDBPyConnection", source: OrdersSource, window: Window, folder: Path) -> Relation:
    """Find the order log and make it readable as canonical rows; `folder` is for the spool of a database query.

    Raises SourceError where there is nothing to read, it cannot be read, or its columns do not fit.
    """
    if source.location.path is None:
        return _csv(connection, [spool(source.location, window, folder, "orders")], source.location.columns, is_spool=True)
    paths = resolve("orders.path", source.location.path)
    found = format_of("orders.path", paths)
    if source.kind is OrdersKind.ORDER_LOG:
        if found is not FileFormat.JSONL:
            raise SourceError(
                f'orders.path: {paths[0]} is {found}, but an order log is JSONL; did you mean orders.kind = "canonical"?'
            )
        return _order_log(paths)
    if found is FileFormat.PARQUET:
        return _parquet(connection, paths, source.location.columns)
    if found is FileFormat.CSV:
        return _csv(connection, paths, source.location.columns, is_spool=False)
    return _canonical_json(paths, source.location.columns)


def _order_log(paths: Sequence[Path]) -> Relation:
    def numbered(path: Path) -> str:
        return _ORDER_LOG.format(line="line", rows=numbered_json_lines(path, _ORDER_LOG_FIELDS))

    return Relation(
        rows=_ORDER_LOG.format(line="null as line", rows=json_lines(paths, _ORDER_LOG_FIELDS)),
        numbered=numbered,
        files=paths,
        is_typed=False,
        description={"kind": "order-log", "files": len(paths)},
    )


def _canonical_json(paths: Sequence[Path], columns: Mapping[str, str]) -> Relation:
    fields = {columns.get(name, name): "JSON" for name in canonical.COLUMNS}

    def as_text(rows: str, line: str) -> str:
        texts = ", ".join(
            f"{identifier(columns.get(name, name))} ->> '$' as {name}" for name in canonical.COLUMNS if name != "symbol"
        )
        symbol = identifier(columns.get("symbol", "symbol"))
        only_text = f"case when json_type({symbol}) = 'VARCHAR' then {symbol} ->> '$' end as symbol"
        nothing = " and ".join(f"{identifier(name)} is null" for name in fields)
        inner = f"(select {texts}, {only_text}, {nothing} as is_nothing, file, {line} from {rows})"
        return _CANONICAL_TEXT.format(line="line", nothing="is_nothing", rows=inner, judged=canonical.JUDGED)

    return Relation(
        rows=as_text(json_lines(paths, fields), "null as line"),
        numbered=lambda path: as_text(numbered_json_lines(path, fields), "line"),
        files=paths,
        is_typed=False,
        description={"kind": "canonical", "format": "jsonl", "files": len(paths)},
    )


def _csv(
    connection: "DuckDBPyConnection", paths: Sequence[Path], columns: Mapping[str, str], *, is_spool: bool
) -> Relation:
    there = describe_csv(connection, "orders", paths)
    _require("orders", paths[0], there, columns)
    chosen = ", ".join(
        f"{identifier(columns.get(name, name))} as {name}" if columns.get(name, name) in there else f"null as {name}"
        for name in canonical.COLUMNS
    )

    def as_text(path: str, line: str) -> str:
        inner = (
            f"(select {chosen}, file, {line} from read_csv({path}, header = true, all_varchar = true, nullstr = '', "
            "delim = ',', quote = '\"', escape = '\"', strict_mode = false, null_padding = false, ignore_errors = true, "
            "store_rejects = true, filename = 'file'))"
        )
        return _CANONICAL_TEXT.format(line="line", nothing="false", rows=inner, judged=canonical.JUDGED)

    return Relation(
        rows=as_text(file_list(paths), "null as line"),
        numbered=lambda path: as_text(quoted(path), "row_number() over () + 1 as line"),
        files=paths,
        is_typed=False,
        description={"kind": "canonical", "format": "query" if is_spool else "csv", "files": len(paths)},
    )


def _parquet(connection: "DuckDBPyConnection", paths: Sequence[Path], columns: Mapping[str, str]) -> Relation:
    types = column_types(connection, "orders", paths)
    _require("orders", paths[0], types, columns)
    chosen = ", ".join(
        typed_column("orders", paths[0], name, columns.get(name, name), types.get(columns.get(name, name)), wanted)
        for name, wanted in canonical.SQL_TYPES.items()
    )
    judged = canonical.JUDGED

    def rows(path: str, line: str) -> str:
        return (
            f"select *, case when ts is null then 'bad_time' when symbol is null then 'bad_symbol' else {judged} end "
            f"as reason from (select {chosen}, filename as file, {line} from {parquet(path)})"
        )

    return Relation(
        rows=rows(file_list(paths), "cast(null as bigint) as line"),
        numbered=lambda path: rows(quoted(path), "file_row_number + 1 as line"),
        files=paths,
        is_typed=True,
        description={"kind": "canonical", "format": "parquet", "files": len(paths)},
    )


def _require(source: str, path: Path, there: Mapping[str, str], columns: Mapping[str, str]) -> None:
    for name in columns:
        if name not in canonical.COLUMNS:
            raise SourceError(f"{source}.columns: {name!r} is no canonical column; they are {', '.join(canonical.COLUMNS)}")
    missing = [columns.get(name, name) for name in canonical.REQUIRED if columns.get(name, name) not in there]
    if missing:
        raise SourceError(
            f"{source}: {path} has no column {', '.join(map(repr, missing))}; it has {', '.join(there)}. "
            f"Name yours in [{source}.columns], as in: {canonical.REQUIRED[0]} = \"{next(iter(there), 'time')}\""
        )
