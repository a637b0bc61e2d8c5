"""Candles as canonical bars for DuckDB: when a bar opened (UTC), its symbol, high, low and close."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import CandlesSource
from jobs.sources.database import spool
from jobs.sources.errors import SourceError
from jobs.sources.files import FileFormat, format_of, resolve
from jobs.sources.relation import Relation, file_list, identifier, quoted
from jobs.sources.typed import column_types, describe_csv, instant, parquet, typed_column
from policy.window import Window

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COLUMNS = ("ts", "symbol", "high", "low", "close")
_PRICES = ("high", "low", "close")
JUDGED = """case
        when ts is null then 'bad_time'
        when symbol is null then 'bad_symbol'
        when high is null or low is null or close is null then 'bad_value'
        when high - high <> 0 or low - low <> 0 or close - close <> 0 then 'not_finite'
        when low <= 0 or high < low or close < low or close > high then 'impossible_bar'
    end"""


def read_candles(connection: "DuckDBPyConnection", source: CandlesSource, window: Window, folder: Path) -> Relation:
    """Find the candles and make them readable as canonical bars; `folder` is for the spool of a database query.

    Raises SourceError where there is nothing to read, it cannot be read, or its columns do not fit.
    """
    columns = source.location.columns
    if source.location.path is None:
        return _csv(connection, [spool(source.location, window, folder, "candles")], columns)
    paths = resolve("candles.path", source.location.path)
    found = format_of("candles.path", paths)
    if found is FileFormat.PARQUET:
        return _parquet(connection, paths, columns)
    if found is FileFormat.CSV:
        return _csv(connection, paths, columns)
    raise SourceError(f"candles.path: {paths[0]} is {found}; candles are read as Parquet, CSV or by a query")


def _parquet(connection: "DuckDBPyConnection", paths: Sequence[Path], columns: Mapping[str, str]) -> Relation:
    types = column_types(connection, "candles", paths)
    _require(paths[0], types, columns)
    opened = columns.get("ts", "ts")
    chosen = ", ".join(
        typed_column(
            "candles", paths[0], name, columns.get(name, name), types[columns.get(name, name)],
            "varchar" if name == "symbol" else "double",
        )
        for name in COLUMNS[1:]
    )

    def rows(path: str, line: str) -> str:
        at = instant("candles", paths[0], opened, types[opened])
        return (
            f"select *, {JUDGED} as reason from "
            f"(select {at} as ts, {chosen}, filename as file, {line} from {parquet(path)})"
        )

    return Relation(
        rows=rows(file_list(paths), "cast(null as bigint) as line"),
        numbered=lambda path: rows(quoted(path), "file_row_number + 1 as line"),
        files=paths,
        is_typed=True,
        description={"format": "parquet", "files": len(paths)},
    )


def _csv(connection: "DuckDBPyConnection", paths: Sequence[Path], columns: Mapping[str, str]) -> Relation:
    _require(paths[0], describe_csv(connection, "candles", paths), columns)
    prices = ", ".join(f"try_cast({identifier(columns.get(name, name))} as double) as {name}" for name in _PRICES)
    opened, symbol = identifier(columns.get("ts", "ts")), identifier(columns.get("symbol", "symbol"))

    def rows(path: str, line: str) -> str:
        return (
            f"select *, {JUDGED} as reason from (select instant_of_text({opened}) as ts, "
            f"symbol_of_text({symbol}) as symbol, {prices}, file, {line} from read_csv({path}, header = true, "
            "all_varchar = true, nullstr = '', delim = ',', quote = '\"', escape = '\"', strict_mode = false, "
            "ignore_errors = true, store_rejects = true, filename = 'file'))"
        )

    return Relation(
        rows=rows(file_list(paths), "cast(null as bigint) as line"),
        numbered=lambda path: rows(quoted(path), "row_number() over () + 1 as line"),
        files=paths,
        is_typed=False,
        description={"format": "csv", "files": len(paths)},
    )


def _require(path: Path, there: Mapping[str, str], columns: Mapping[str, str]) -> None:
    for name in columns:
        if name not in COLUMNS:
            raise SourceError(f"candles.columns: {name!r} is no candle column; they are {', '.join(COLUMNS)}")
    missing = [columns.get(name, name) for name in COLUMNS if columns.get(name, name) not in there]
    if missing:
        raise SourceError(
            f"candles: {path} has no column {', '.join(map(repr, missing))}; it has {', '.join(there)}. "
            f"Name yours in [candles.columns], as in: ts = \"{next(iter(there), 'open_time')}\""
        )
