"""Candles as canonical bars for DuckDB: the time at which a bar opened (UTC), its symbol, high, low and close."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import CandlesSource
from jobs.sources.columns import require_columns
from jobs.sources.csv_files import csv_rows, headers_of, only
from jobs.sources.database import spool
from jobs.sources.errors import SourceError
from jobs.sources.files import FileFormat, format_of, resolve
from jobs.sources.relation import Relation, file_list, quoted, require_rows
from jobs.sources.typed import NUMBERED, column_types, parquet, typed_column
from policy.window import Window

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PRICES = ("high", "low", "close")
_SQL_TYPES = {"ts": "timestamp", "symbol": "varchar"} | dict.fromkeys(_PRICES, "double")
BAR_COLUMNS = tuple(_SQL_TYPES)
BAR_REASON = """case
        when ts is null then 'bad_time'
        when symbol is null then 'bad_symbol'
        when high is null or low is null or close is null then 'bad_value'
        when high - high <> 0 or low - low <> 0 or close - close <> 0 then 'not_finite'
        when low <= 0 or high < low or close < low or close > high then 'impossible_bar'
    end"""


def read_candles(connection: "DuckDBPyConnection", source: CandlesSource, window: Window, folder: Path) -> Relation:
    """Find the candles and return how to read them as canonical bars; `folder` is for the rows of a database query.

    Raises SourceError if there is nothing to read, it cannot be read, or its columns do not fit.
    """
    columns = source.location.columns
    if source.location.path is None:
        relation = _csv([spool(source.location, window, folder, "candles")], columns, None)
    else:
        relation = _from_files(connection, source.location.path, columns)
    require_rows(connection, "candles", relation)
    return relation


def _from_files(connection: "DuckDBPyConnection", path: str, columns: Mapping[str, str]) -> Relation:
    paths = resolve("candles.path", path)
    file_format = format_of("candles.path", paths)
    if file_format is FileFormat.PARQUET:
        return _parquet(connection, paths, columns)
    if file_format is FileFormat.CSV:
        return _csv(paths, columns, file_format)
    raise SourceError(f"candles.path: {paths[0]} is {file_format}; candles are read from Parquet, CSV or a query")


def _parquet(connection: "DuckDBPyConnection", paths: Sequence[Path], columns: Mapping[str, str]) -> Relation:
    types = column_types(connection, "candles", paths)
    _require_columns(paths[0], types, columns)
    chosen = ", ".join(
        typed_column("candles", paths[0], name, columns.get(name, name), types[columns.get(name, name)], wanted)
        for name, wanted in _SQL_TYPES.items()
    )

    def rows(path: str) -> str:
        return f"select *, {BAR_REASON} as reason from (select {chosen}, {NUMBERED} from {parquet(path)})"

    return Relation(
        rows=rows(file_list(paths)),
        numbered=lambda path: rows(quoted(path)),
        files=paths,
        file_format=FileFormat.PARQUET,
        is_typed=True,
        description={"format": "parquet", "files": len(paths)},
    )


def _csv(paths: Sequence[Path], columns: Mapping[str, str], file_format: FileFormat | None) -> Relation:
    headers = headers_of("candles", paths)
    for header, header_paths in headers.items():
        _require_columns(header_paths[0] if file_format is not None else "the result of candles.query", header, columns)
    theirs = {name: columns.get(name, name) for name in BAR_COLUMNS}
    prices = ", ".join(f"try_cast({name} as double) as {name}" for name in _PRICES)
    unread_prices = " ".join(
        f"when try_cast({name} as double) is null then '{name} ' || coalesce({name}, '')" for name in _PRICES
    )
    unread = f"""case
        when instant_of_text(ts) is null then 'ts ' || coalesce(ts, '')
        when symbol_of_text(symbol) is null then 'symbol ' || coalesce(symbol, '')
        {unread_prices}
    end as unread"""

    def judged(rows: str, line: str) -> str:
        return (
            f"select *, {BAR_REASON} as reason from (select instant_of_text(ts) as ts, "
            f"symbol_of_text(symbol) as symbol, {prices}, {unread}, file, {line} from ({rows}))"
        )

    return Relation(
        rows=judged(csv_rows(headers, theirs, keep_torn_rows=True), "cast(null as bigint) as line"),
        numbered=lambda path: judged(
            csv_rows(only(headers, path), theirs, keep_torn_rows=False), "row_number() over () as line"
        ),
        files=paths,
        file_format=file_format,
        is_typed=False,
        description={"format": file_format or "query", "files": len(paths)},
    )


def _require_columns(origin: Path | str, present: Collection[str], renamed: Mapping[str, str]) -> None:
    require_columns("candles", origin, present, renamed, canonical=BAR_COLUMNS, required=BAR_COLUMNS)
