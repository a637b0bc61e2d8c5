"""The order log as canonical rows for DuckDB, from any layout and format that is supported."""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.plan import Location, OrdersKind, OrdersSource
from jobs.sources import canonical
from jobs.sources.block_times import SelectRows
from jobs.sources.blocks import TimeRange
from jobs.sources.bots.rows import VERDICT, bot_relation
from jobs.sources.columns import ABSENT, require_columns, theirs
from jobs.sources.csv_files import Headers, csv_relation, headers_of, query_header, query_relation
from jobs.sources.database import spool
from jobs.sources.errors import SourceError
from jobs.sources.files import FileFormat, format_of, resolve
from jobs.sources.json_lines import json_files, json_lines, json_relation, keys_of
from jobs.sources.recent_lines import recent_files
from jobs.sources.relation import Relation, identifier, identity_of, require_rows
from jobs.sources.spelling import spelt
from jobs.sources.table_rows import run_file_query, table_relation
from jobs.sources.text_files import TextFile
from jobs.sources.typed import NUMBERED, ParquetFiles, parquet_relation, typed_column
from policy.window import Window

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ORDER_LOG = files(__package__).joinpath("order_log.sql").read_text("utf-8")
_CANONICAL_TEXT = files(__package__).joinpath("canonical_text.sql").read_text("utf-8")
_WORDS = ("order_id", "side")
_NO_VERDICT = ", ".join(f"cast(null as varchar) as {name}" for name in VERDICT)
_OUTCOME_KEYS = {"prices", "result", "event"}
_ORDER_LOG_FIELDS = {"ts": "VARCHAR"} | dict.fromkeys(
    (
        "symbol side attempt_id intent_id event prices qty result fees_usd slippage_bps maker_start started_maker "
        "decision is_maker_final used_fallback pnl_at_close_usd probe policy_run_id maker_price maker_from maker_until "
        "posts went_through maker_share arrival_quote_bps holdout propensity"
    ).split(),
    "JSON",
)


def read_orders(
    connection: "DuckDBPyConnection",
    source: OrdersSource,
    window: Window,
    folder: Path,
    wanted: TimeRange | None = None,
) -> Relation:
    """Find the order log and return how to read it as canonical rows; `folder` is for the rows of a database query.

    Rows with a time outside `wanted` may be missing; None: no row is. Raises SourceError if there is nothing to read,
    it cannot be read, or its columns do not fit.
    """
    relation = spelt(_relation(connection, source, window, folder, wanted), source.symbols)
    every_row = partial(read_orders, connection, source, window, folder) if wanted is not None else None
    return replace(relation, every_row=every_row)


def _relation(
    connection: "DuckDBPyConnection", source: OrdersSource, window: Window, folder: Path, wanted: TimeRange | None
) -> Relation:
    if source.kind.is_bot:
        return bot_relation(connection, source, window, folder, _judged_bot_rows)
    if source.location.path is not None:
        relation = _from_files(connection, source, folder, wanted)
    elif source.location.url is not None:
        relation = _query(spool(source.location, window, folder, "orders"), source.location.columns)
    else:
        relation = _file_query(connection, source.location, window)
    if relation.file_format is not FileFormat.JSONL:  # whose keys were read row by row
        require_rows(connection, "orders", relation)
    return relation


def _from_files(
    connection: "DuckDBPyConnection", source: OrdersSource, folder: Path, wanted: TimeRange | None
) -> Relation:
    assert source.location.path is not None
    paths = resolve("orders.path", source.location.path)
    file_format = format_of("orders.path", paths)
    if source.kind is OrdersKind.ORDER_LOG:
        if file_format is not FileFormat.JSONL:
            raise SourceError(
                f"orders.path: {paths[0]} is {file_format}, but an order log is JSONL; "
                'did you mean orders.kind = "canonical"?'
            )
        return _order_log(_JsonLog(connection, source.location, paths, folder, wanted))
    if file_format is FileFormat.PARQUET:
        columns = source.location.columns
        return parquet_relation(
            connection, "orders", paths, lambda files: _judged_types(files, columns), {"kind": "canonical"}
        )
    if file_format is FileFormat.CSV:
        return _csv(headers_of("orders", paths, folder), source.location.columns)
    return _canonical_json(_JsonLog(connection, source.location, paths, folder, wanted))


@dataclass(frozen=True, slots=True)
class _JsonLog:
    """A log of JSON lines, and the times of the rows that are wanted; None: all are."""

    connection: "DuckDBPyConnection"
    location: Location
    paths: Sequence[Path]
    folder: Path
    wanted: TimeRange | None

    def relation(
        self,
        rows: SelectRows,
        are_enough: Callable[[Set[str]], bool],
        require: Callable[[Path, Collection[str]], None],
        description: Mapping[str, object],
    ) -> Relation:
        """Return the relation of the rows that `rows` selects; `require` raises SourceError if keys are missing."""
        identities = {path: identity_of(path) for path in self.paths}
        files, keys = self._files_and_keys(rows, are_enough)
        require(files[0].path, keys)
        relation = json_relation("orders", files, rows, {**description, "files": len(self.paths)})
        has_every_row = len(files) == len(self.paths) and all(file.parts is None for file in files)
        return relation if has_every_row else replace(relation, identities=identities)

    def _files_and_keys(
        self, rows: SelectRows, are_enough: Callable[[Set[str]], bool]
    ) -> tuple[Sequence[TextFile], Sequence[str]]:
        """Return the files to read and the keys of their objects; every line if those of recent ones are not enough."""
        if self.wanted is not None and (pattern := self.location.path) is not None:
            files = recent_files(self.connection, "orders", self.paths, self.folder, rows, self.wanted, pattern)
            keys = keys_of(self.connection, "orders", files, are_enough)
            if are_enough(frozenset(keys)):
                return files, keys
        files = json_files("orders", self.paths, self.folder)
        return files, keys_of(self.connection, "orders", files, are_enough)


def _order_log(log: _JsonLog) -> Relation:
    if log.location.columns:
        raise SourceError("orders.columns renames canonical columns, and an order log has none; remove it")

    def logged(files: Sequence[TextFile], line: str) -> str:
        return _ORDER_LOG.format(line=line, rows=json_lines(files, _ORDER_LOG_FIELDS))

    return log.relation(logged, lambda keys: not _missing_keys(keys), _require_order_log, {"kind": "order-log"})


def _canonical_json(log: _JsonLog) -> Relation:
    names = theirs(canonical.ORDER_COLUMNS, log.location.columns)
    required = {names[name] for name in canonical.REQUIRED} - {ABSENT}
    fields = {column: "VARCHAR" if name == "ts" else "JSON" for name, column in names.items() if column != ABSENT}
    chosen = ", ".join(f"{_value(name, column)} as {name}" for name, column in names.items())
    all_null = " and ".join(f"{identifier(column)} is null" for column in fields)

    def as_text(files: Sequence[TextFile], line: str) -> str:
        inner = f"(select {chosen}, {all_null} as is_nothing, file, {line} from {json_lines(files, fields)})"
        return _canonical_text(inner, nothing="is_nothing")

    require = partial(_require_columns, renamed=log.location.columns)
    return log.relation(as_text, required.issubset, require, {"kind": "canonical", "format": "jsonl"})


def _value(name: str, column: str) -> str:
    if column == ABSENT:
        return "cast(null as varchar)"
    if name == "ts":
        return identifier(column)
    macro = "text_in_json" if name == "symbol" else "word_in_json" if name in _WORDS else "value_in_json"
    return f"{macro}({identifier(column)})"


def _csv(headers: Headers, columns: Mapping[str, str]) -> Relation:
    for header, header_files in headers.items():
        _require_columns(header_files[0].path, header, columns)
    names = theirs(canonical.ORDER_COLUMNS, columns)
    return csv_relation("orders", headers, names, _judged_text, {"kind": "canonical", "format": "csv"})


def _query(path: Path, columns: Mapping[str, str]) -> Relation:
    for header in query_header(path):
        _require_columns("the result of orders.query", header, columns)
    names = theirs(canonical.ORDER_COLUMNS, columns)
    return query_relation(path, names, _judged_text, {"kind": "canonical", "format": "query"})


def _file_query(connection: "DuckDBPyConnection", location: Location, window: Window) -> Relation:
    header = run_file_query(connection, "orders", location, window)
    _require_columns("the result of orders.query", header, location.columns)
    names = theirs(canonical.ORDER_COLUMNS, location.columns)
    return table_relation(
        "orders.query", "orders_row", header, names, _judged_text, {"kind": "canonical", "format": "query"}
    )


def _judged_text(rows: str, line: str) -> str:
    return _canonical_text(f"(select *, {line} from ({rows}))")


def _judged_bot_rows(rows: str, line: str) -> str:
    return _canonical_text(f"(select *, {line} from ({rows}))", verdict=", ".join(VERDICT))


def _canonical_text(rows: str, *, nothing: str = "false", verdict: str = _NO_VERDICT) -> str:
    return _CANONICAL_TEXT.format(
        line="line", nothing=nothing, rows=rows, verdict=verdict, judged=canonical.ORDER_REASON
    )


def _judged_types(files: ParquetFiles, columns: Mapping[str, str]) -> Callable[[str], str]:
    first, names = files.paths[0], theirs(canonical.ORDER_COLUMNS, columns)
    _require_columns(first, files.types, columns)
    chosen = ", ".join(
        typed_column("orders", first, name, names[name], files.types.get(names[name]), wanted)
        for name, wanted in canonical.SQL_TYPES.items()
    )
    partly = [name for name in canonical.PARTLY_READ if names[name] in files.types]
    has_value = "".join(f"{identifier(names[name])} is not null as has_{name}, " for name in partly)
    is_unread = " or ".join(f"(has_{name} and {name} is null)" for name in partly) or "false"
    flags = f"exclude ({', '.join(f'has_{name}' for name in partly)})" if partly else ""
    reason = f"""case
        when ts is null then 'bad_time'
        when symbol is null then 'bad_symbol'
        when {is_unread} then 'bad_value'
        else {canonical.ORDER_REASON}
    end"""
    return lambda parquet: (
        f"select * {flags}, {reason} as reason from (select {chosen}, {has_value}{NUMBERED} from {parquet})"
    )


def _require_columns(origin: Path | str, present: Collection[str], renamed: Mapping[str, str]) -> None:
    require_columns("orders", origin, present, renamed, canonical=canonical.ORDER_COLUMNS, required=canonical.REQUIRED)


def _require_order_log(path: Path, keys: Collection[str]) -> None:
    missing = _missing_keys(keys)
    if missing:
        raise SourceError(
            f"orders: {path} is not an order log: no line has {', '.join(missing)}; the lines have {', '.join(keys)}. "
            'Name the log that the router writes after each order, or set orders.kind = "canonical"'
        )


def _missing_keys(keys: Collection[str]) -> Sequence[str]:
    """Return what an order log needs and the keys do not have."""
    missing = [key for key in ("ts", "symbol") if key not in keys]
    return missing or ([] if _OUTCOME_KEYS.intersection(keys) else [" or ".join(sorted(_OUTCOME_KEYS))])
