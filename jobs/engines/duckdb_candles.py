"""The canonical candles in DuckDB: loaded into a table, each bar once."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import duckdb

from jobs.engines.duckdb_tables import copy_rows
from jobs.sources import candles
from jobs.sources.relation import Relation, quoted

CANDLES_IN_WINDOW = "ts is null or (ts >= $first_bar_open and ts <= $last_bar_open)"
_MICROSECOND = timedelta(microseconds=1)


def load_candles(
    connection: duckdb.DuckDBPyConnection, relation: Relation, interval: timedelta, bounds: Mapping[str, object]
) -> None:
    """Make `candle_event` of all bars between the bounds and `candle` of the usable ones, each bar once."""
    files = ", ".join(map(quoted, relation.files))
    file = f"cast(file as enum({files}))"  # one number for a row, not one text
    copy_rows(connection, "candles", "candle_event", relation.rows, CANDLES_IN_WINDOW, relation, bounds, file=file)
    _number_symbols(connection)
    if not _have_slots_of_their_own(connection, interval, bounds):
        mark_duplicate_bars(connection)
    connection.execute("create or replace temp view candle as select * from candle_event where reason is null")


def mark_duplicate_bars(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep one bar of each symbol and time in `candle_event`: the later of one file, the widest of several files.

    A recorder may write a bar while it runs, and again when it has closed; a bar only becomes wider while it runs.
    """
    usable = "candle_event where reason is null"
    duplicate = connection.execute(f"select 1 from {usable} group by symbol, ts having count(*) > 1 limit 1").fetchone()
    if duplicate is None:
        return
    connection.execute(
        f"""update candle_event set reason = 'duplicate_bar' where rowid in (
            select row from (
                select row, row_number() over (
                    partition by symbol, ts order by rank_in_file, {candles.WIDEST_FIRST}, row desc
                ) as rank
                from (
                    select *, rowid as row,
                        row_number() over (partition by symbol, ts, file order by rowid desc) as rank_in_file
                    from {usable}
                )
            ) where rank > 1
        )"""
    )


def _number_symbols(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the symbol of `candle_event` a number with a name: sorts and groups by it take half the time and memory.

    The numbers have the order of the names. Without a bar the empty name, which no symbol has, makes the type valid.
    """
    connection.execute(
        """
        drop type if exists candle_symbol;
        create type candle_symbol as enum (
            select '' as symbol union select symbol from candle_event where symbol is not null order by symbol
        );
        alter table candle_event alter symbol type candle_symbol;
        """
    )


def _have_slots_of_their_own(
    connection: duckdb.DuckDBPyConnection, interval: timedelta, bounds: Mapping[str, object]
) -> bool:
    """Return whether no two usable bars of a symbol open in the same interval, so that none is there twice.

    A bit for each interval between the bounds takes a fifth of the time of groups by symbol and time, and no memory.
    """
    first, last = bounds["first_bar_open"], bounds["last_bar_open"]
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    result = connection.execute(
        f"""select count(*) from (
            select
                count(*) as bar_count,
                bitstring_agg(
                    cast((epoch_us(ts) - epoch_us($first)) // $interval_us as integer), 0, {(last - first) // interval}
                ) as slots
            from candle_event where reason is null group by symbol
        ) where bar_count <> bit_count(slots)""",
        {"first": first, "interval_us": interval // _MICROSECOND},
    )
    (shared_count,) = result.fetchone() or (0,)
    return bool(shared_count == 0)
