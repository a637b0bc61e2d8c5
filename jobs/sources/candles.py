"""Candles as canonical bars for DuckDB: the time at which a bar opened (UTC), its symbol, high, low and close."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import CandlesKind, CandlesSource, Location
from jobs.sources.bots.candle_files import freqtrade_candles, nautilus_candles
from jobs.sources.columns import require_columns, theirs
from jobs.sources.csv_files import Headers, csv_relation, headers_of, query_header, query_relation
from jobs.sources.database import spool
from jobs.sources.errors import SourceError
from jobs.sources.files import FileFormat, format_of, resolve
from jobs.sources.relation import Relation, require_rows
from jobs.sources.spelling import spelt
from jobs.sources.table_rows import run_file_query, table_relation
from jobs.sources.typed import NUMBERED, ParquetFiles, parquet_relation, typed_column
from policy.window import Window

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PRICES = ("high", "low", "close")
_SQL_TYPES = {"ts": "timestamp", "symbol": "varchar"} | dict.fromkeys(_PRICES, "double")
BAR_COLUMNS = tuple(_SQL_TYPES)
# Of several bars of one time, if nothing shows which was written last.
WIDEST_FIRST = "high - low desc, high desc, close desc"
BAR_REASON = """case
        when ts is null then 'bad_time'
        when symbol is null then 'bad_symbol'
        when high is null or low is null or close is null then 'bad_value'
        when high - high <> 0 or low - low <> 0 or close - close <> 0 then 'not_finite'
        when low <= 0 or high < low or close < low or close > high then 'impossible_bar'
        when high > 1e18 or low < 1e-18 then 'out_of_range'
    end"""


def read_candles(connection: "DuckDBPyConnection", source: CandlesSource, window: Window, folder: Path) -> Relation:
    """Find the candles and return how to read them as canonical bars; `folder` is for the rows of a database query.

    Raises SourceError if there is nothing to read, it cannot be read, or its columns do not fit.
    """
    relation = _relation(connection, source, window, folder)
    require_rows(connection, "candles", relation)
    return spelt(relation, source.symbols)


def _relation(connection: "DuckDBPyConnection", source: CandlesSource, window: Window, folder: Path) -> Relation:
    location = source.location
    if source.kind is CandlesKind.FREQTRADE:
        return freqtrade_candles(connection, source, folder, BAR_REASON)
    if source.kind is CandlesKind.NAUTILUS:
        return nautilus_candles(connection, source, BAR_REASON)
    if location.path is not None:
        return _from_files(connection, location.path, location.columns, folder)
    if location.url is not None:
        return _query(spool(location, window, folder, "candles"), location.columns)
    return _file_query(connection, location, window)


def _from_files(connection: "DuckDBPyConnection", path: str, columns: Mapping[str, str], folder: Path) -> Relation:
    paths = resolve("candles.path", path)
    file_format = format_of("candles.path", paths)
    if file_format is FileFormat.PARQUET:
        return parquet_relation(connection, "candles", paths, lambda files: _judged_types(files, columns), {})
    if file_format is FileFormat.CSV:
        return _csv(headers_of("candles", paths, folder), columns)
    raise SourceError(f"candles.path: {paths[0]} is {file_format}; candles are read from Parquet, CSV or a query")


def _judged_types(files: ParquetFiles, columns: Mapping[str, str]) -> Callable[[str], str]:
    first, names = files.paths[0], theirs(BAR_COLUMNS, columns)
    _require_columns(first, files.types, columns)
    chosen = ", ".join(
        typed_column("candles", first, name, names[name], files.types[names[name]], wanted)
        for name, wanted in _SQL_TYPES.items()
    )
    return lambda parquet: f"select *, {BAR_REASON} as reason from (select {chosen}, {NUMBERED} from {parquet})"


def _csv(headers: Headers, columns: Mapping[str, str]) -> Relation:
    for header, files in headers.items():
        _require_columns(files[0].path, header, columns)
    return csv_relation("candles", headers, theirs(BAR_COLUMNS, columns), _judged_text, {"format": "csv"})


def _query(path: Path, columns: Mapping[str, str]) -> Relation:
    for header in query_header(path):
        _require_columns("the result of candles.query", header, columns)
    return query_relation(path, theirs(BAR_COLUMNS, columns), _judged_text, {"format": "query"})


def _file_query(connection: "DuckDBPyConnection", location: Location, window: Window) -> Relation:
    header = run_file_query(connection, "candles", location, window)
    _require_columns("the result of candles.query", header, location.columns)
    names = theirs(BAR_COLUMNS, location.columns)
    return table_relation("candles.query", "candles_row", header, names, _judged_text, {"format": "query"})


def _judged_text(rows: str, line: str) -> str:
    prices = ", ".join(f"try_cast({name} as double) as {name}" for name in _PRICES)
    unread_prices = " ".join(
        f"when try_cast({name} as double) is null then '{name} ' || coalesce({name}, '')" for name in _PRICES
    )
    unread = f"""case
        when instant_of_text(ts) is null then 'ts ' || coalesce(ts, '') || coalesce(note_of_date(ts), '')
        when symbol_of_text(symbol) is null then 'symbol ' || coalesce(symbol, '')
        {unread_prices}
    end as unread"""
    return (
        f"select *, {BAR_REASON} as reason from (select instant_of_text(ts) as ts, symbol_of_text(symbol) as symbol, "
        f"{prices}, {unread}, file, {line} from ({rows}))"
    )


def _require_columns(origin: Path | str, present: Collection[str], renamed: Mapping[str, str]) -> None:
    require_columns("candles", origin, present, renamed, canonical=BAR_COLUMNS, required=BAR_COLUMNS)
