"""Reads the past of a store into a table: policies over time, what changed them, and what orders cost and saved."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import pyarrow
from sqlalchemy import URL, Connection, CursorResult
from sqlalchemy.exc import DBAPIError

from router_policy_client.analysis.arrow_columns import arrow_array
from router_policy_client.analysis.frames import Frame, require, to_frame
from router_policy_client.analysis.relations import (
    CHANGES,
    COSTS,
    DRIFT,
    GAPS,
    HISTORY,
    LATEST,
    OVERRIDES,
    RUNS,
    SAVINGS,
    Relation,
    Selection,
    query,
    scopes,
)
from router_policy_client.database import describe, error_message, make_engine, parse_url
from router_policy_client.errors import ReaderSettingsError, StoreReadError, UnknownScopeError

To = Literal["pandas", "polars", "arrow"]
Time = datetime | str
_ROWS_AT_ONCE = 20_000
_STATEMENT_SECONDS = 600


def read_history(
    url: str,
    *,
    scope: str = "default",
    symbols: Sequence[str] | str | None = None,
    since: Time | None = None,
    until: Time | None = None,
    to: To = "pandas",
) -> Frame:
    """Return every policy that came into force, with the time that it was: `valid_from <= t < valid_to`.

    The rows are those of the view policy_history with `since <= valid_from < until`, by `valid_from` and symbol;
    `valid_to` is null for the newest. None is no bound, and None for `symbols` means all of them; a symbol is spelt as
    in the order log. A bound is an aware datetime, or a text such as `2026-04-26T00:15:00Z`.

    Times are UTC, flags booleans, words categories, `codes` a list of records with code, value and threshold; ratios
    are between 0 and 1, and slippage is in basis points, + is worse. Null stays null. With `to="pandas"` counts and
    flags are of pandas' nullable types, so that a type does not depend on the rows. Without rows the table is empty and
    has the same columns.

    Raises ReaderSettingsError for a URL, bound or `to` that is not valid and for a library that is not installed,
    UnknownScopeError if the store has other scopes only, and StoreReadError if the database cannot be read.
    """
    return _read(url, HISTORY, to, scope, symbols, since, until)


def read_latest(
    url: str, *, scope: str = "default", symbols: Sequence[str] | str | None = None, to: To = "pandas"
) -> Frame:
    """Return the policies in force by symbol, overrides included, as the view policy_latest has them.

    Types and errors are those of `read_history`; empty before the first run.
    """
    return _read(url, LATEST, to, scope, symbols)


def read_changes(
    url: str,
    *,
    scope: str = "default",
    symbols: Sequence[str] | str | None = None,
    since: Time | None = None,
    until: Time | None = None,
    to: To = "pandas",
) -> Frame:
    """Return the decisions that differ from the symbol's run before, with what it was, by slot and symbol.

    The rows are those of the view policy_change with `since <= slot < until`. An override is not a change. Types and
    errors are those of `read_history`.
    """
    return _read(url, CHANGES, to, scope, symbols, since, until)


def read_runs(
    url: str, *, scope: str = "default", since: Time | None = None, until: Time | None = None, to: To = "pandas"
) -> Frame:
    """Return the runs with `since <= slot < until` by slot: what decided, how much was used, and how long it took.

    The columns are those of the table policy_run; `sources` and `shadows` are JSON. Types and errors are those of
    `read_history`.
    """
    return _read(url, RUNS, to, scope, None, since, until)


def read_overrides(
    url: str,
    *,
    scope: str = "default",
    symbols: Sequence[str] | str | None = None,
    since: Time | None = None,
    until: Time | None = None,
    to: To = "pandas",
) -> Frame:
    """Return the overrides with `since <= from_at < until` by `from_at`, with who made and who ended them.

    An override is in force from `from_at` to the earlier of `until_at` and `ended_at`, exclusive; `ended_at`,
    `ended_by` and `end_reason` are null if nobody ended it. Types and errors are those of `read_history`.
    """
    return _read(url, OVERRIDES, to, scope, symbols, since, until)


def read_gaps(
    url: str, *, scope: str = "default", since: Time | None = None, until: Time | None = None, to: To = "pandas"
) -> Frame:
    """Return the slots with `since <= slot < until` that should have been published and were not, by slot.

    The columns are those of the view policy_gap. Types and errors are those of `read_history`.
    """
    return _read(url, GAPS, to, scope, None, since, until)


def read_savings(
    url: str,
    *,
    scope: str = "default",
    symbols: Sequence[str] | str | None = None,
    since: Time | None = None,
    until: Time | None = None,
    to: To = "pandas",
) -> Frame:
    """Return what orders saved of which chance decided the way, with `since <= slot < until`, by slot.

    A row is a `comparison` of two ways over the orders from `since` on until the slot; an empty `symbol` is all symbols
    of the scope. `saving_bps` is per order, below 0: it cost. A figure that is not new is not stored again. The columns
    are those of the table policy_saving. Types and errors are those of `read_history`.
    """
    return _read(url, SAVINGS, to, scope, symbols, since, until)


def read_costs(
    url: str,
    *,
    scope: str = "default",
    symbols: Sequence[str] | str | None = None,
    since: Time | None = None,
    until: Time | None = None,
    to: To = "pandas",
) -> Frame:
    """Return what the orders of each UTC day with `since <= day < until` cost, by day, symbol and route.

    `day` is the midnight that it begins with. `mean_bps` is slippage and fee, + is worse, over `cost_count` orders that
    filled, and null without any; `money` is in the currency of the log. The orders are those before `as_of`: a day is
    unfinished if that is not its end, and its figures still change. Types and errors are those of `read_history`.
    """
    return _read(url, COSTS, to, scope, symbols, since, until)


def read_drift(
    url: str,
    *,
    scope: str = "default",
    symbols: Sequence[str] | str | None = None,
    since: Time | None = None,
    until: Time | None = None,
    to: To = "pandas",
) -> Frame:
    """Return how many orders of each UTC day with `since <= day < until` did not follow the policy of their time.

    A row is a symbol on a day, by both, with the count of each kind of drift; an order may be of several. `day` and
    `as_of` are as in `read_costs`. Types and errors are those of `read_history`.
    """
    return _read(url, DRIFT, to, scope, symbols, since, until)


def _read(
    url: str,
    relation: Relation,
    to: str,
    scope: str,
    symbols: Sequence[str] | str | None = None,
    since: Time | None = None,
    until: Time | None = None,
) -> Frame:
    require(to)
    selection = Selection(
        scope=scope,
        symbols=[symbols] if isinstance(symbols, str) else symbols,
        since=_bound("since", since),
        until=_bound("until", until),
    )
    return to_frame(_table(parse_url(url), relation, selection), to)


def _bound(name: str, time: Time | None) -> datetime | None:
    if time is None:
        return None
    try:
        bound = datetime.fromisoformat(time) if isinstance(time, str) else time
    except ValueError:
        raise ReaderSettingsError(f"{name}: {time!r} is not a valid time; write it as 2026-04-26T00:15:00Z") from None
    if bound.tzinfo is None:
        raise ReaderSettingsError(f"{name}: {time!r} has no zone; write a Z after it for UTC")
    return bound


def _table(url: URL, relation: Relation, selection: Selection) -> pyarrow.Table:
    """Run the query in one transaction and return its rows as an Arrow table."""
    engine = make_engine(url, _STATEMENT_SECONDS)
    clause, values = query(relation, selection, is_sqlite=url.get_backend_name() == "sqlite")
    try:
        with engine.connect() as connection, connection.begin():
            rows = connection.execution_options(stream_results=True, yield_per=_ROWS_AT_ONCE).execute(clause, values)
            tables = list(_tables(rows))
            if len(tables) == 1:
                _refuse_unknown(connection, selection.scope)
    except (DBAPIError, OSError, ValueError) as error:
        raise StoreReadError(_unreadable(url, error)) from error
    return pyarrow.concat_tables(tables, promote_options="permissive").unify_dictionaries()


def _refuse_unknown(connection: Connection, scope: str) -> None:
    """Raise UnknownScopeError if only other scopes have rows; before the first run of all there is none to name."""
    known = scopes(connection)
    if known and scope not in known:
        raise UnknownScopeError(f"no policy in scope {scope!r}; the store has: {', '.join(map(repr, known))}")


def _unreadable(url: URL, error: Exception) -> str:
    """Return why a store cannot be read, and which: a file by its absolute path."""
    if url.get_backend_name() != "sqlite":
        return f"the store {describe(url)} cannot be read: {error_message(error, url)}"
    cause = error_message(error, url) if Path(url.database or "").exists() else "there is no such file"
    return f"the store {url.database} cannot be read: {cause}"


def _tables(rows: CursorResult[tuple[object, ...]]) -> Iterator[pyarrow.Table]:
    """Yield the rows in parts, and first a part without rows, which has the columns."""
    names = list(rows.keys())
    yield _part(names, [() for _ in names])
    for part in rows.partitions():
        yield _part(names, list(zip(*part, strict=True)))


def _part(names: Sequence[str], columns: Sequence[Sequence[object]]) -> pyarrow.Table:
    return pyarrow.table([arrow_array(name, values) for name, values in zip(names, columns, strict=True)], names)
