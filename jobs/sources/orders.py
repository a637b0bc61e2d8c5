"""The order log as canonical rows for DuckDB, from any layout and format that is supported."""

from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import OrdersKind, OrdersSource
from jobs.sources import canonical
from jobs.sources.columns import require_columns
from jobs.sources.csv_files import csv_rows, headers_of, only
from jobs.sources.database import spool
from jobs.sources.errors import SourceError
from jobs.sources.files import FileFormat, format_of, resolve
from jobs.sources.json_lines import json_lines, keys_of
from jobs.sources.relation import Relation, file_list, identifier, quoted, require_rows
from jobs.sources.typed import NUMBERED, column_types, parquet, typed_column
from policy.window import Window

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ORDER_LOG = files(__package__).joinpath("order_log.sql").read_text("utf-8")
_CANONICAL_TEXT = files(__package__).joinpath("canonical_text.sql").read_text("utf-8")
_ROW_NUMBER = "row_number() over () as line"
_TEXTS = ("order_id", "ts", "side")
_OUTCOME_KEYS = {"prices", "result", "event"}
_ORDER_LOG_FIELDS = {
    "ts": "VARCHAR",
    "symbol": "JSON",
    "side": "VARCHAR",
    "attempt_id": "VARCHAR",
    "intent_id": "VARCHAR",
    "event": "JSON",
    "prices": "STRUCT(avg_fill JSON)",
    "qty": "STRUCT(notional_usd JSON)",
    "result": "STRUCT(status VARCHAR, retries BIGINT)",
    "fees_usd": "DOUBLE",
    "slippage_bps": "JSON",
    "maker_start": "JSON",
    "started_maker": "JSON",
    "decision": "STRUCT(maker_started JSON)",
    "is_maker_final": "JSON",
    "used_fallback": "JSON",
    "pnl_at_close_usd": "JSON",
    "probe": "JSON",
    "policy_run_id": "BIGINT",
}


def read_orders(connection: "DuckDBPyConnection", source: OrdersSource, window: Window, folder: Path) -> Relation:
    """Find the order log and return how to read it as canonical rows; `folder` is for the rows of a database query.

    Raises SourceError if there is nothing to read, it cannot be read, or its columns do not fit.
    """
    if source.location.path is None:
        relation = _csv([spool(source.location, window, folder, "orders")], source.location.columns, None)
    else:
        relation = _from_files(connection, source)
    if relation.file_format is not FileFormat.JSONL:  # whose keys were read row by row
        require_rows(connection, "orders", relation)
    return relation


def _from_files(connection: "DuckDBPyConnection", source: OrdersSource) -> Relation:
    assert source.location.path is not None
    paths = resolve("orders.path", source.location.path)
    file_format = format_of("orders.path", paths)
    if source.kind is OrdersKind.ORDER_LOG:
        if file_format is not FileFormat.JSONL:
            raise SourceError(
                f"orders.path: {paths[0]} is {file_format}, but an order log is JSONL; "
                'did you mean orders.kind = "canonical"?'
            )
        return _order_log(connection, paths, source.location.columns)
    if file_format is FileFormat.PARQUET:
        return _parquet(connection, paths, source.location.columns)
    if file_format is FileFormat.CSV:
        return _csv(paths, source.location.columns, file_format)
    return _canonical_json(connection, paths, source.location.columns)


def _order_log(connection: "DuckDBPyConnection", paths: Sequence[Path], columns: Mapping[str, str]) -> Relation:
    if columns:
        raise SourceError("orders.columns renames canonical columns, and an order log has none; remove it")
    _require_order_log(paths[0], keys_of(connection, "orders", paths))
    return Relation(
        rows=_ORDER_LOG.format(line="null as line", rows=json_lines(paths, _ORDER_LOG_FIELDS)),
        numbered=lambda path: _ORDER_LOG.format(line=_ROW_NUMBER, rows=json_lines([path], _ORDER_LOG_FIELDS)),
        files=paths,
        file_format=FileFormat.JSONL,
        is_typed=False,
        description={"kind": "order-log", "files": len(paths)},
    )


def _canonical_json(connection: "DuckDBPyConnection", paths: Sequence[Path], columns: Mapping[str, str]) -> Relation:
    _require_columns(paths[0], keys_of(connection, "orders", paths), columns)
    theirs = {name: columns.get(name, name) for name in canonical.ORDER_COLUMNS}
    fields = {column: "VARCHAR" if name in _TEXTS else "JSON" for name, column in theirs.items()}
    chosen = ", ".join(f"{_value(name, column)} as {name}" for name, column in theirs.items())
    all_null = " and ".join(f"{identifier(column)} is null" for column in fields)

    def as_text(paths: Sequence[Path], line: str) -> str:
        inner = f"(select {chosen}, {all_null} as is_nothing, file, {line} from {json_lines(paths, fields)})"
        return _CANONICAL_TEXT.format(line="line", nothing="is_nothing", rows=inner, judged=canonical.ORDER_REASON)

    return Relation(
        rows=as_text(paths, "null as line"),
        numbered=lambda path: as_text([path], _ROW_NUMBER),
        files=paths,
        file_format=FileFormat.JSONL,
        is_typed=False,
        description={"kind": "canonical", "format": "jsonl", "files": len(paths)},
    )


def _value(name: str, column: str) -> str:
    if name in _TEXTS:
        return identifier(column)
    return f"text_in_json({identifier(column)})" if name == "symbol" else f"value_in_json({identifier(column)})"


def _csv(paths: Sequence[Path], columns: Mapping[str, str], file_format: FileFormat | None) -> Relation:
    headers = headers_of("orders", paths)
    for header, header_paths in headers.items():
        _require_columns(header_paths[0] if file_format is not None else "the result of orders.query", header, columns)

    theirs = {name: columns.get(name, name) for name in canonical.ORDER_COLUMNS}

    def as_text(rows: str, line: str) -> str:
        return _CANONICAL_TEXT.format(
            line="line", nothing="false", rows=f"(select *, {line} from ({rows}))", judged=canonical.ORDER_REASON
        )

    return Relation(
        rows=as_text(csv_rows(headers, theirs, keep_torn_rows=True), "null as line"),
        numbered=lambda path: as_text(csv_rows(only(headers, path), theirs, keep_torn_rows=False), _ROW_NUMBER),
        files=paths,
        file_format=file_format,
        is_typed=False,
        description={"kind": "canonical", "format": file_format or "query", "files": len(paths)},
    )


def _parquet(connection: "DuckDBPyConnection", paths: Sequence[Path], columns: Mapping[str, str]) -> Relation:
    types = column_types(connection, "orders", paths)
    _require_columns(paths[0], types, columns)
    chosen = ", ".join(
        typed_column("orders", paths[0], name, columns.get(name, name), types.get(columns.get(name, name)), wanted)
        for name, wanted in canonical.SQL_TYPES.items()
    )
    judged = canonical.ORDER_REASON

    def rows(path: str) -> str:
        return (
            f"select *, case when ts is null then 'bad_time' when symbol is null then 'bad_symbol' else {judged} end "
            f"as reason from (select {chosen}, {NUMBERED} from {parquet(path)})"
        )

    return Relation(
        rows=rows(file_list(paths)),
        numbered=lambda path: rows(quoted(path)),
        files=paths,
        file_format=FileFormat.PARQUET,
        is_typed=True,
        description={"kind": "canonical", "format": "parquet", "files": len(paths)},
    )


def _require_columns(origin: Path | str, present: Collection[str], renamed: Mapping[str, str]) -> None:
    require_columns("orders", origin, present, renamed, canonical=canonical.ORDER_COLUMNS, required=canonical.REQUIRED)


def _require_order_log(path: Path, keys: Collection[str]) -> None:
    missing = [key for key in ("ts", "symbol") if key not in keys]
    if missing or not _OUTCOME_KEYS.intersection(keys):
        needed = missing or [" or ".join(sorted(_OUTCOME_KEYS))]
        raise SourceError(
            f"orders: {path} is not an order log: no line has {', '.join(needed)}; the lines have {', '.join(keys)}. "
            'Name the log that the router writes after each order, or set orders.kind = "canonical"'
        )
