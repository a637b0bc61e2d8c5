"""Recognises the data of a bot at a path: which kind of source it is, and the settings that read it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from glob import escape
from pathlib import Path
from typing import Any

from jobs.analysis.freqtrade_folder import database_url_of, settings_of
from jobs.plan import CandlesKind, OrdersKind
from jobs.sources import canonical
from jobs.sources.bots.binance import export_columns, refuse_order_history
from jobs.sources.bots.candle_files import freqtrade_timeframe, nautilus_step
from jobs.sources.columns import ABSENT, likely_column
from jobs.sources.errors import SourceError
from policy.list_text import listed

_SQLITE = b"SQLite format 3\x00"
_TEXT_BYTES = 1024 * 1024
_JSON = (".json", ".jsonl", ".ndjson")
_USUAL_INTERVAL = timedelta(minutes=15)
_EXPORT = ("time", "symbol", "side", "price", "quantity", "amount")
WHAT_FITS = (
    "freqtrade's database or its user_data, Hummingbot's database, a NautilusTrader catalog or its reports, JSON of "
    "ccxt "
    "or of an exchange, Binance's export of trades, an order log, or a table with the canonical columns"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleFiles:
    """Candles that lie beside the orders."""

    kind: CandlesKind
    path: str
    interval: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """What was recognised: the kind of orders, where they are, and what the bot's own configuration says of them.

    `seen` describes the data in words. `is_post_only` is None if no configuration says it. `remarks` are what else the
    configuration says, in sentences.
    """

    kind: OrdersKind
    seen: str
    path: str | None = None
    url: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    is_post_only: bool | None = None
    remarks: Sequence[str] = ()
    candles: CandleFiles | None = None


def recognise(origin: str) -> Recognition:
    """Recognise a file, a folder or the URL of a database.

    Raises SourceError if nothing is there, or nothing in it fits: the text has what was seen, and what would fit.
    """
    if "://" in origin:
        return _database(origin, origin)
    path = Path(origin).absolute()
    if not path.exists():
        raise SourceError(f"{origin} does not exist; name the bot's data: {WHAT_FITS}")
    try:
        recognition = _folder(path) if path.is_dir() else _file(path)
    except OSError as error:
        raise SourceError(
            f"{origin} cannot be read ({error.strerror}); give this user permission to read it"
        ) from error
    if recognition is None:
        raise SourceError(
            f"{origin} is not data of a bot that is known; {_seen_at(path)}. What would fit: {WHAT_FITS}. For a table "
            'or log of your own, run router-policy init without --from, set kind = "canonical", and name your columns '
            "in [orders.columns]"
        )
    return recognition


def _folder(folder: Path) -> Recognition | None:
    """Recognise what a folder has, the richest kind first."""
    url = database_url_of(folder)
    if url is not None:
        return _with_freqtrade_folder(_database(url, str(folder)), folder)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    databases = [path for path in files if path.suffix in (".sqlite", ".db", ".sqlite3")]
    for database in sorted(databases, key=lambda path: path.stat().st_mtime, reverse=True):
        recognition = _optional(_file, database)
        if recognition is not None:
            return _with_freqtrade_folder(recognition, folder)
    if _has_nautilus_orders(files):
        return _nautilus(folder, files)
    return _of_files(files)


def _of_files(files: Sequence[Path]) -> Recognition | None:
    """Recognise files that are not a database: all of the kind that the first fitting one has."""
    recognitions = {path: recognition for path in files if (recognition := _optional(_file, path)) is not None}
    kinds = [recognition.kind for recognition in recognitions.values()]
    order = (OrdersKind.ORDER_LOG, OrdersKind.CCXT, OrdersKind.CANONICAL, OrdersKind.BINANCE)
    kind = next((kind for kind in order if kind in kinds), None)
    if kind is None:
        return None
    fitting = [path for path, recognition in recognitions.items() if recognition.kind is kind]
    first = recognitions[fitting[0]]
    if len(fitting) == 1 or kind is OrdersKind.CANONICAL:
        return first
    return Recognition(kind=kind, seen=f"{first.seen}, and {len(fitting) - 1} files like it", path=_pattern(fitting))


def _pattern(paths: Sequence[Path]) -> str:
    """Return a pattern of one folder that matches these files, by the part of the name that they share."""
    folder, names = paths[0].parent, [path.name for path in paths]
    shared = names[0]
    while not all(name.startswith(shared) for name in names):
        shared = shared[:-1]
    return str(Path(escape(str(folder))) / f"{escape(shared)}*{paths[0].suffix}")


def _file(path: Path) -> Recognition | None:
    if _is_sqlite(path):
        return _database(f"sqlite:///{path}", str(path))
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _csv(path)
    if suffix in _JSON:
        return _json(path)
    if suffix == ".parquet":
        return _parquet(path)
    return None


def _optional(read: Callable[[Path], Recognition | None], path: Path) -> Recognition | None:
    try:
        return read(path)
    except (SourceError, OSError):  # another file of the folder may fit
        return None


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _database(url: str, origin: str) -> Recognition:
    from jobs.sources.database_tables import tables_of

    tables = tables_of(url, "orders")
    if {"trades", "orders"} <= tables.keys() and "ft_trade_id" in tables["orders"]:
        return Recognition(kind=OrdersKind.FREQTRADE, seen="the database of freqtrade", url=url)
    if {"Order", "TradeFill", "OrderStatus"} <= tables.keys():
        return Recognition(kind=OrdersKind.HUMMINGBOT, seen="the database of Hummingbot", url=url)
    names = ", ".join(sorted(tables)) or "none"
    raise SourceError(
        f"{origin} is a database of a program that is not known, with the tables {names}. What would fit: {WHAT_FITS}; "
        'for another database write a query for orders.kind = "canonical"'
    )


def _with_freqtrade_folder(recognition: Recognition, folder: Path) -> Recognition:
    if recognition.kind is not OrdersKind.FREQTRADE:
        return recognition
    settings = settings_of(folder)
    return Recognition(
        kind=recognition.kind,
        seen=recognition.seen,
        url=recognition.url,
        is_post_only=settings.is_post_only,
        remarks=settings.remarks,
        candles=_candles(CandlesKind.FREQTRADE, folder, settings.timeframe),
    )


def _has_nautilus_orders(files: Sequence[Path]) -> bool:
    return any("order_initialized" in path.parts or path.name == "orders_report.parquet" for path in files)


def _nautilus(folder: Path, files: Sequence[Path]) -> Recognition:
    is_catalog = any("order_initialized" in path.parts for path in files)
    return Recognition(
        kind=OrdersKind.NAUTILUS,
        seen=f"{'a catalog' if is_catalog else 'reports'} of NautilusTrader",
        path=escape(str(folder)),
        candles=_candles(CandlesKind.NAUTILUS, folder, None),
    )


def _candles(kind: CandlesKind, folder: Path, preferred: timedelta | None) -> CandleFiles | None:
    """Return the candles below a folder: of the bot's own interval, else of a quarter of an hour, else the shortest."""
    intervals: dict[timedelta, Path] = {}
    for path in sorted(folder.rglob("*")):
        interval = freqtrade_timeframe(path.name) if kind is CandlesKind.FREQTRADE else nautilus_step(path)
        if interval is not None and path.is_file():
            intervals.setdefault(interval, path)
    if not intervals:
        return None
    chosen = next((each for each in (preferred, _USUAL_INTERVAL) if each in intervals), min(intervals))
    assert chosen is not None
    first = intervals[chosen]
    root = first.parent if kind is CandlesKind.FREQTRADE else folder
    return CandleFiles(kind=kind, path=escape(str(root)), interval=chosen)


def _csv(path: Path) -> Recognition | None:
    header = _header(path)
    refuse_order_history(path, header)
    if set(_EXPORT) <= export_columns(header).keys():
        seen = "a trade history that Binance exported"
        return Recognition(kind=OrdersKind.BINANCE, seen=seen, path=escape(str(path)))
    return _table(path, header)


def _header(path: Path) -> Sequence[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return [name.strip().strip('"') for name in file.readline(_TEXT_BYTES).split(",")]


def _json(path: Path) -> Recognition | None:
    first = _first_object(path)
    keys = first.keys()
    where = escape(str(path))
    if {"ts", "symbol"} <= keys and keys & {"prices", "result", "event"}:
        return Recognition(kind=OrdersKind.ORDER_LOG, seen="an order log", path=where)
    is_unified = "takerOrMaker" in keys or {"id", "status", "filled"} <= keys
    is_exchange = "orderId" in keys and keys & {"executedQty", "qty"}
    if is_unified or is_exchange:
        seen = "orders or trades of ccxt" if is_unified else "orders or trades of Binance's API"
        return Recognition(kind=OrdersKind.CCXT, seen=seen, path=where)
    return _table(path, list(keys))


def _first_object(path: Path) -> Mapping[str, Any]:
    """Return the first object of a JSON file: of its array, or of its first line; empty if there is none."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        text = file.read(_TEXT_BYTES).lstrip().removeprefix("[").lstrip()
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _parquet(path: Path) -> Recognition | None:
    import duckdb

    try:
        with duckdb.connect() as connection:
            rows = connection.execute(
                "describe select * from read_parquet($path)", {"path": escape(str(path))}
            ).fetchall()
    except duckdb.Error:
        return None
    if path.name == "orders_report.parquet":
        return Recognition(kind=OrdersKind.NAUTILUS, seen="reports of NautilusTrader", path=escape(str(path.parent)))
    return _table(path, [name for name, *_ in rows])


def _table(path: Path, present: Sequence[str]) -> Recognition | None:
    """Recognise a table with columns for the canonical ones; a required column that has none is declared absent."""
    guesses = _guesses(present)
    if guesses["ts"] is None or guesses["symbol"] is None or guesses["maker_started"] is None:
        return None
    renamed = {name: guess for name, guess in guesses.items() if guess not in (None, name)}
    absent = {name: ABSENT for name in canonical.REQUIRED if guesses[name] is None}
    columns = {name: value or ABSENT for name, value in {**renamed, **absent}.items()}
    seen = "a table with the canonical columns"
    return Recognition(kind=OrdersKind.CANONICAL, seen=seen, path=escape(str(path)), columns=columns)


def _guesses(present: Sequence[str]) -> Mapping[str, str | None]:
    """Return the likely column of each canonical one; a column is that of one name only, first of its own."""
    names = (*canonical.REQUIRED, *canonical.OPTIONAL)
    free = [column for column in present if column not in names]
    guesses: dict[str, str | None] = {}
    for name in names:
        guesses[name] = name if name in present else likely_column(name, free)
        free = [column for column in free if column != guesses[name]]
    return guesses


def _seen_at(path: Path) -> str:
    if path.is_file():
        columns = _columns_at(path)
        if columns:
            return f"it has the columns {listed(columns)}"
        return f"it has {path.stat().st_size} bytes and the ending {path.suffix or 'of no format'}"
    names = [str(child.relative_to(path)) for child in sorted(path.rglob("*")) if child.is_file()]
    return f"the folder has {listed(names)}" if names else "the folder has no file"


def _columns_at(path: Path) -> Sequence[str]:
    """Return the columns of a CSV file, or the keys of the first object of a JSON file; empty for other files."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return [name for name in _header(path) if name]
    return list(_first_object(path)) if suffix in _JSON else ()
