"""Candles in the files of bots, whose symbol is in the name of the file or of its folder."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import CandlesSource
from jobs.sources.columns import require_columns
from jobs.sources.compression import Compression
from jobs.sources.errors import SourceError
from jobs.sources.files import readable_files
from jobs.sources.relation import Relation, identifier, quoted
from jobs.sources.text_files import TextFile
from jobs.sources.typed import NUMBERED, ParquetFiles, parquet_relation, typed_column

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PRICES = ("high", "low", "close")
_FREQTRADE_COLUMNS = ("date", *_PRICES)
_FREQTRADE_FILE = re.compile(r"(?P<pair>.+)-(?P<timeframe>[0-9]+[smhdwM])(?P<futures>-futures)?\.(parquet|feather)")
_NAUTILUS_BARS = re.compile(
    r"(?P<instrument>.+)-(?P<step>[0-9]+)-(?P<unit>SECOND|MINUTE|HOUR|DAY|WEEK)"
    r"-(?P<price>LAST|MID|BID|ASK)-(?:EX|IN)TERNAL"
)
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_WORD_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400, "WEEK": 604800}


def freqtrade_candles(connection: "DuckDBPyConnection", source: CandlesSource, folder: Path, reason: str) -> Relation:
    """Return the candles that freqtrade has downloaded, as parquet or feather, of the spot or futures market.

    The symbol is freqtrade's name of the pair, by the name of the file. Feather files are copied to `folder` as
    Parquet; that needs the extra `feather`. `reason` judges a bar. Raises SourceError if no file has bars of the
    interval.
    """
    paths = readable_files("candles.path", source.location.path or "", (".parquet", ".feather"))
    symbols = {path: symbol for path in paths if (symbol := freqtrade_pair(path.name, source.interval)) is not None}
    if not symbols:
        raise SourceError(
            f"candles.path: {paths[0]} and the {len(paths) - 1} files beside it are not candles of freqtrade of "
            "candles.interval; their names end in the time frame, as in BTC_USDT_USDT-15m-futures.feather"
        )
    copies = {_as_parquet(path, folder / f"candles-{number}.parquet"): path for number, path in enumerate(symbols)}
    by_file = {str(read_path): symbols[path] for read_path, path in copies.items()}

    def judged(files: ParquetFiles) -> Callable[[str], str]:
        origin = copies[files.paths[0]]
        require_columns("candles", origin, files.types, {}, canonical=_FREQTRADE_COLUMNS, required=_FREQTRADE_COLUMNS)
        items = [_typed(origin, "ts", "date", files.types, "timestamp"), f"{_of_file(by_file)} as symbol"]
        items += [_typed(origin, name, name, files.types, "double") for name in _PRICES]
        return lambda parquet: _bars(", ".join(items), parquet, reason)

    relation = parquet_relation(connection, "candles", list(copies), judged, {"kind": "freqtrade"})
    texts = {read: TextFile(path=path, read_path=read, compression=Compression.NONE) for read, path in copies.items()}
    return replace(relation, texts=texts)


def nautilus_candles(connection: "DuckDBPyConnection", source: CandlesSource, reason: str) -> Relation:
    """Return the bars of a Nautilus catalog; a bar of last prices counts before one of mid prices.

    The symbol is the instrument's id, by the name of the folder. A bar's `ts_event` is its end. `reason` judges a bar.
    Raises SourceError if the catalog has no bars of the interval.
    """
    paths = readable_files("candles.path", source.location.path or "", (".parquet",))
    instruments = _instruments(paths, source.interval)
    if not instruments:
        raise SourceError(
            f"candles.path: no bars of candles.interval in the {len(paths)} files, such as {paths[0]}; name a catalog "
            "with bars, as in data/bar/BTCUSDT-PERP.BINANCE-1-MINUTE-LAST-EXTERNAL/"
        )
    by_file = {str(path): instrument for path, instrument in instruments.items()}
    seconds = int(source.interval.total_seconds())

    def judged(files: ParquetFiles) -> Callable[[str], str]:
        wanted = ("ts_event", *_PRICES)
        require_columns("candles", files.paths[0], files.types, {}, canonical=wanted, required=wanted)
        opened = f"instant_of_integer(try_cast(ts_event as bigint)) - interval {seconds} second as ts"
        prices = [f"{_price(name, files.types[name])} as {name}" for name in _PRICES]
        items = ", ".join([opened, f"{_of_file(by_file)} as symbol", *prices])
        return lambda parquet: _bars(items, parquet, reason)

    return parquet_relation(connection, "candles", list(instruments), judged, {"kind": "nautilus"})


def freqtrade_pair(name: str, interval: timedelta) -> str | None:
    """Return the pair of a file of candles by its name, None if it holds no candles of the interval.

    freqtrade writes `/` and `:` as `_`: BTC_USDT_USDT-15m-futures.feather is of BTC/USDT:USDT.
    """
    match = _FREQTRADE_FILE.fullmatch(name)
    if match is None or _seconds(match["timeframe"]) != interval.total_seconds():
        return None
    parts = match["pair"].split("_")
    if len(parts) < 2:
        return None
    if match["futures"] and len(parts) > 2:
        return f"{'_'.join(parts[:-2])}/{parts[-2]}:{parts[-1]}"
    return f"{'_'.join(parts[:-1])}/{parts[-1]}"


def freqtrade_timeframe(name: str) -> timedelta | None:
    """Return how long a bar of a file of freqtrade's candles lasts, None if it is no such file."""
    match = _FREQTRADE_FILE.fullmatch(name)
    seconds = _seconds(match["timeframe"]) if match is not None else None
    return timedelta(seconds=seconds) if seconds is not None else None


def nautilus_step(path: Path) -> timedelta | None:
    """Return how long a bar of a file of a Nautilus catalog lasts, None if it holds no bars."""
    match = _NAUTILUS_BARS.fullmatch(path.parent.name)
    return timedelta(seconds=_step_seconds(match)) if match is not None else None


def _seconds(timeframe: str) -> int | None:
    size = _UNIT_SECONDS.get(timeframe[-1])  # a month has no one length
    return int(timeframe[:-1]) * size if size is not None else None


def _step_seconds(match: re.Match[str]) -> int:
    return int(match["step"]) * _WORD_SECONDS[match["unit"]]


def _instruments(paths: Sequence[Path], interval: timedelta) -> Mapping[Path, str]:
    """Return the instrument of each file with bars of the interval; of several kinds of prices, the last prices."""
    bars = {path: match for path in paths if (match := _NAUTILUS_BARS.fullmatch(path.parent.name)) is not None}
    fitting = {path: match for path, match in bars.items() if _step_seconds(match) == interval.total_seconds()}
    with_last = {match["instrument"] for match in fitting.values() if match["price"] == "LAST"}
    return {
        path: match["instrument"]
        for path, match in fitting.items()
        if match["price"] == "LAST" or (match["price"] == "MID" and match["instrument"] not in with_last)
    }


def _typed(origin: Path, name: str, theirs: str, types: Mapping[str, str], wanted: str) -> str:
    return typed_column("candles", origin, name, theirs, types[theirs], wanted)


def _price(name: str, kind: str) -> str:
    return f"nautilus_price({identifier(name)})" if kind == "BLOB" else f"try_cast({identifier(name)} as double)"


def _of_file(by_file: Mapping[str, str]) -> str:
    """Write the expression of a file's symbol."""
    cases = " ".join(f"when {quoted(path)} then {quoted(symbol)}" for path, symbol in by_file.items())
    return f"case filename {cases} end"


def _bars(items: str, parquet: str, reason: str) -> str:
    return f"select *, {reason} as reason from (select {items}, {NUMBERED} from {parquet})"


def _as_parquet(path: Path, copy: Path) -> Path:
    """Return a Parquet file as it is, and of a feather file a copy as Parquet."""
    if path.suffix != ".feather":
        return path
    try:
        from pyarrow import ArrowException, feather, parquet
    except ImportError as error:
        raise SourceError(
            f'candles.path: {path} is a feather file; install the extra that reads it: pip install ".[feather]", '
            "or let freqtrade write parquet (dataformat_ohlcv)"
        ) from error
    try:
        parquet.write_table(feather.read_table(path), copy)
    except (ArrowException, OSError) as error:
        raise SourceError(f"candles.path: {path} cannot be read: {str(error).strip().splitlines()[0]}") from error
    return copy
