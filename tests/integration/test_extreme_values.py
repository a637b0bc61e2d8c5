"""One bad value costs its own row, or its own symbol: all other symbols get the policies that they would have had."""

import math
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import psycopg
import pytest

from jobs.plan import CandlesSource, Fees, Location, OrdersSource, Plan
from jobs.run.recompute import recompute
from jobs.sources.canonical import SQL_TYPES
from jobs.sources.errors import SourceError
from policy.rules import rule_set
from storage.records import Origin, RunResult
from tests.support import bars as bar_files
from tests.support.bars import bars, named
from tests.support.families import product_of
from tests.support.order_logs import logged, write_lines
from tests.support.outcomes import NAMES, outcome, write_csv, write_jsonl, write_sqlite
from tests.support.postgres import fresh_database
from tests.support.small_runs import (
    AS_OF,
    INTERVAL,
    candles,
    canonical,
    canonical_query,
    counts_of,
    order_log,
    run,
    sample_of,
)

TINY = [5e-324, 1e-310, 1e-300, 1e-19]
HUGE = [1e19, 1e300, 1.7e308, 2**63, 2**64, 10**40, 10**400]
NOT_FINITE = [math.nan, math.inf, -math.inf]
EXTREMES = [*TINY, *HUGE, *NOT_FINITE, *(-number for number in (*TINY, *HUGE)), 2**53 + 1, 0, -0.0]
AMOUNTS = ("notional", "realized_pnl", "fees", "slippage_bps")
ALL_NAMES = (*NAMES, "fees", "policy_run_id")

Row = dict[str, object]


def good_rows() -> list[Row]:
    """Three orders each of two symbols in the hour of the run, so that both have every figure."""
    return [
        outcome(number, symbol=symbol, realized_pnl=1.5, notional=100.0) | {"fees": 0.1, "policy_run_id": 7}
        for symbol in ("BTCUSDT", "ETHUSDT")
        for number in (1, 2, 3)
    ]


def bad_row(name: str, value: object) -> Row:
    return outcome(4, symbol="BADUSDT", realized_pnl=1.5, notional=100.0) | {name: value}


def policies_of(result: RunResult) -> dict[str, object]:
    """Each decision with its evidence, without the symbols of the bad rows."""
    return {
        evidence.symbol: (evidence, decision)
        for evidence, decision in result.decisions
        if not evidence.symbol.startswith("BADUSDT")
    }


def write_parquet(path: Path, rows: Sequence[Row]) -> Path:
    """Write numbers as doubles, in which a large integer is infinite, and the number of a run as it is."""
    text = write_csv(path.with_suffix(".txt"), rows, ALL_NAMES)
    types = {name: SQL_TYPES[name] for name in ALL_NAMES} | {"ts": "timestamptz", "policy_run_id": "ubigint"}
    read = f"read_csv('{text}', header = true, delim = ',', columns = {types})"
    with duckdb.cursor() as connection:
        connection.execute(f"copy (select * from {read}) to '{path}' (format parquet)")
    return path


def as_csv(folder: Path, rows: Sequence[Row]) -> OrdersSource:
    return canonical(write_csv(folder / "outcomes.csv", rows, ALL_NAMES))


def as_jsonl(folder: Path, rows: Sequence[Row]) -> OrdersSource:
    return canonical(write_jsonl(folder / "outcomes.jsonl", rows))


def as_parquet(folder: Path, rows: Sequence[Row]) -> OrdersSource:
    return canonical(write_parquet(folder / "outcomes.parquet", rows))


def as_query(folder: Path, rows: Sequence[Row]) -> OrdersSource:
    """The same rows from a query; what SQLite has no number for is a text there."""
    (folder / "bot.db").unlink(missing_ok=True)
    written = [
        {name: str(value) if isinstance(value, int) and abs(value) >= 2**63 else value for name, value in row.items()}
        for row in rows
    ]
    return canonical_query(write_sqlite(folder / "bot.db", written), "select * from outcome")


def as_log(folder: Path, rows: Sequence[Row]) -> OrdersSource:
    """The same rows as an order log, its profits in the rows of the orders."""
    lines = [
        logged(number, symbol=str(row["symbol"]), attempt_id=str(row["order_id"]))
        | {
            "qty": {"notional_usd": row["notional"]},
            "pnl_at_close_usd": row["realized_pnl"],
            "fees_usd": row.get("fees"),
            "slippage_bps": row["slippage_bps"],
            "policy_run_id": row.get("policy_run_id"),
        }
        for number, row in enumerate(rows, 1)
    ]
    return order_log(write_lines(folder / "log.jsonl", lines))


def bad_rows(name: str) -> list[Row]:
    return [
        bad_row(name, value) | {"order_id": f"bad-{n}", "symbol": f"BADUSDT-{name}"} for n, value in enumerate(EXTREMES)
    ]


@pytest.mark.parametrize("write", [as_csv, as_jsonl, as_parquet, as_query, as_log])
def test_extreme_numbers_of_orders_change_no_other_symbol(
    tmp_path: Path, write: Callable[[Path, Sequence[Row]], OrdersSource]
) -> None:
    of_all_columns = [row for name in AMOUNTS for row in bad_rows(name)]

    assert_no_other_changes(lambda rows: write(tmp_path, rows), [of_all_columns])


@pytest.mark.long
@pytest.mark.parametrize("write", [as_csv, as_jsonl, as_parquet, as_query, as_log])
@pytest.mark.parametrize("name", AMOUNTS)
def test_extreme_numbers_of_one_column_change_no_other_symbol(
    tmp_path: Path, write: Callable[[Path, Sequence[Row]], OrdersSource], name: str
) -> None:
    assert_no_other_changes(lambda rows: write(tmp_path, rows), [bad_rows(name)])


# Of many at once, one may hide another. With one of four, each number is still tried by itself in one of the columns.
@pytest.mark.parametrize("one_of", [len(AMOUNTS), pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", AMOUNTS)
def test_an_extreme_number_by_itself_changes_no_other_symbol(tmp_path: Path, name: str, one_of: int) -> None:
    alone = [[row] for row in bad_rows(name)[AMOUNTS.index(name) % one_of :: one_of]]

    assert_no_other_changes(lambda rows: as_csv(tmp_path, rows), alone)


def assert_no_other_changes(write: Callable[[Sequence[Row]], OrdersSource], additions: Sequence[Sequence[Row]]) -> None:
    without = run(write(good_rows()))
    for rows in additions:
        result = run(write([*good_rows(), *rows]))

        assert policies_of(result) == policies_of(without)
        assert result.event_count + sum(counts_of(result).values()) == 6 + len(rows)


@pytest.mark.parametrize("write", [as_csv, as_jsonl, as_parquet, as_log])
def test_a_number_of_a_run_is_exact_or_its_row_is_counted(
    tmp_path: Path, write: Callable[[Path, Sequence[Row]], OrdersSource]
) -> None:
    beyond = (2**63, 2**64 - 1) if write is as_parquet else (2**63, -(2**63) - 1, 10**38)
    bad = [bad_row("policy_run_id", value) | {"order_id": f"bad-{value}"} for value in beyond]
    fine = [bad_row("policy_run_id", value) | {"order_id": f"fine-{value}"} for value in (2**53 + 1, 2**63 - 1, 0)]
    result = run(write(tmp_path, [*good_rows(), *fine, *bad]))

    assert counts_of(result) == {"bad_value": len(bad)}
    assert result.event_count == 9


def test_amounts_at_the_ends_of_the_range_are_used_and_those_beyond_are_counted(tmp_path: Path) -> None:
    at_the_ends = [("notional", 1e18), ("notional", 1e-18), ("notional", 0.0), ("fees", -1e18), ("realized_pnl", 1e18)]
    beyond = [("notional", 1.1e18), ("notional", 9e-19), ("fees", -1.1e18), ("realized_pnl", 1.1e18)]
    rows = [bad_row(*change) | {"order_id": f"{n}"} for n, change in enumerate([*at_the_ends, *beyond])]
    result = run(as_csv(tmp_path, [*rows, bad_row("notional", -5.0)]))

    assert counts_of(result) == {"out_of_range": 4, "bad_value": 1}
    assert result.event_count == 5
    assert sample_of(result, "out_of_range").endswith("notional '1.1e+18'")


def candles_csv(folder: Path, rows: list[Row]) -> CandlesSource:
    return candles(bar_files.write_csv(folder / "bars.csv", rows))


def candles_parquet(folder: Path, rows: list[Row]) -> CandlesSource:
    return candles(bar_files.write_parquet(folder / "bars.parquet", rows))


def candles_query(folder: Path, rows: list[Row]) -> CandlesSource:
    """The same bars from a query; what SQLite has no number for is a text there."""
    written = [
        {name: str(value) if isinstance(value, int) and abs(value) >= 2**63 else value for name, value in row.items()}
        for row in rows
    ]
    (folder / "bars.db").unlink(missing_ok=True)
    url = bar_files.write_sqlite(folder / "bars.db", written)
    return CandlesSource(location=Location(url=url, query="select * from bar"), interval=INTERVAL)


# A spike is in one bar, and otherwise the price is in all.
@product_of("write, is_spike", [candles_csv, candles_parquet, candles_query], [True, False])
def test_an_extreme_price_changes_no_other_symbol(
    tmp_path: Path, write: Callable[[Path, list[Row]], CandlesSource], is_spike: bool
) -> None:
    prices = {f"BADUSDT{number}": price for number, price in enumerate(EXTREMES) if abs(price) != 10**400}
    orders = as_csv(tmp_path, [*good_rows(), *(bad_row("symbol", symbol) for symbol in prices)])
    good = named("BTCUSDT", bars(501)) + named("ETHUSDT", bars(501, base=3.0))
    without = run_with_fees(orders, write(tmp_path, good))

    bad = [row for symbol, price in prices.items() for row in extreme_bars(symbol, price, is_spike=is_spike)]
    result = run_with_fees(orders, write(tmp_path, good + bad))

    assert len(policies_of(without)) == 2
    assert policies_of(result) == policies_of(without)


def run_with_fees(orders: OrdersSource, bars_of_all: CandlesSource) -> RunResult:
    """Recompute with every metric of candles; those of the spread are measured only if fees are set."""
    fees = {"": Fees(maker_bps=2, taker_bps=5)}
    plan = Plan(scope="default", orders=orders, candles=bars_of_all, rule_set=rule_set("breaker1"), fees=fees)
    return recompute(plan, AS_OF, origin=Origin.MANUAL, started_at=AS_OF)


def extreme_bars(symbol: str, price: float, *, is_spike: bool) -> list[Row]:
    """500 bars, of which the last, or each, has this price."""
    made = bars(501)
    *quiet, (at, *_) = made
    spike = (at, max(price, 100.0), min(price, 100.0), 100.0)
    return named(symbol, [*quiet, spike] if is_spike else [(time, price, price, price) for time, *_ in made])


UNDECODABLE = [b"\xff", b"BTC\xffUSDT", b"\xed\xa0\x80", b"\xc3", b"\x80" * 100]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "ts"])
def test_a_value_of_a_query_that_is_not_text_costs_its_row_only(tmp_path: Path, name: str) -> None:
    without = run(canonical_query(write_sqlite(tmp_path / "good.db", good_rows()), "select * from outcome"))
    url = write_sqlite(tmp_path / "bot.db", good_rows())
    with sqlite3.connect(tmp_path / "bot.db") as connection:
        for number, content in enumerate(UNDECODABLE):
            for value in (f"cast(x'{content.hex()}' as text)", f"x'{content.hex()}'"):
                columns = ", ".join(value if column == name else column for column in NAMES)
                connection.execute(f"insert into outcome select {columns} from outcome where rowid = {number % 3 + 1}")
    result = run(canonical_query(url, "select * from outcome"))

    assert policies_of(result) == policies_of(without)
    assert counts_of(result) == {"bad_symbol" if name == "symbol" else "bad_value": 10}


def test_a_symbol_as_a_blob_is_counted_and_its_sample_names_the_type(tmp_path: Path) -> None:
    url = write_sqlite(tmp_path / "bot.db", [*good_rows(), outcome(1) | {"symbol": b"BTC"}])
    result = run(canonical_query(url, "select * from outcome"))

    assert sample_of(result, "bad_symbol").endswith(r"symbol '\x1abytes'")


@pytest.mark.parametrize("name", AMOUNTS)
def test_extreme_numbers_of_a_postgres_query_change_no_other_symbol(postgres_url: str, name: str) -> None:
    written = [f"'{value}'::numeric" for value in (*TINY, *HUGE, *NOT_FINITE, "1e-400", "-1e400", 2**53 + 1)]
    values = ", ".join(f"('bad-{number}', {value})" for number, value in enumerate(written))
    good = """select 'id' || n, s, 1.0, 100.0, 1.5, 0.1
        from generate_series(1, 3) as n, unnest(array['BTCUSDT', 'ETHUSDT']) as s"""
    columns = ", ".join(
        f"case when bad then amount else {each} end as {each}" if each == name else each for each in AMOUNTS
    )
    query = f"""
        select timestamp '2026-04-25 23:30:00' as ts, order_id, symbol, true as maker_started, true as maker_filled,
            false as fallback_used, {columns}
        from (
            select *, false as bad, null::numeric as amount
            from ({good}) as good(order_id, symbol, slippage_bps, notional, realized_pnl, fees)
            {{rows}}
        ) as row"""
    bad = (
        f"union all select id, 'BADUSDT', 1.0, 100.0, 1.5, 0.1, true, amount from (values {values}) as bad(id, amount)"
    )
    without = run(canonical_query(postgres_url, query.format(rows="")))
    result = run(canonical_query(postgres_url, query.format(rows=bad)))

    assert len(policies_of(without)) == 2
    assert policies_of(result) == policies_of(without)
    assert result.event_count + sum(counts_of(result).values()) == 6 + len(written)


def test_values_that_python_has_not_cost_their_row_of_a_postgres_query_only(postgres_url: str) -> None:
    times = ["2026-04-25 10:00Z", "infinity", "-infinity", "0044-03-15 BC", "20000-01-01", "2026-04-25 11:00Z"]
    query = (
        "select *, true as maker_started, true as maker_filled, false as fallback_used, 1.5 as slippage_bps from bot"
    )
    with fresh_database(postgres_url) as url:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            database = connection.info.dbname
            connection.execute(f"alter database {database} set timezone = 'Asia/Kolkata'")
            connection.execute(f"alter database {database} set datestyle = 'German, DMY'")
            for kind in ("timestamptz", "timestamp", "date"):
                connection.execute("drop table if exists bot")
                connection.execute(f"create table bot (ts {kind}, symbol text, notional numeric)")
                with connection.cursor() as cursor:
                    cursor.executemany("insert into bot values (%s, 'BTCUSDT', 5)", [(time,) for time in times])
                result = run(canonical_query(url, query))

                assert counts_of(result) == {"bad_time": 4}
                assert result.event_count == 2
            connection.execute("create sequence number")
        with pytest.raises(SourceError, match=r"cannot execute nextval.* in a read-only transaction"):
            run(canonical_query(url, "select nextval('number')"))
