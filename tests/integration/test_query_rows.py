"""Rows of a query on a bot's database: each counts as it is, whatever stands in it and however its server is set."""

import sqlite3
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from jobs.sources.errors import SourceError
from tests.support.outcomes import outcome, write_sqlite
from tests.support.postgres import fresh_database, name_of
from tests.support.small_runs import canonical_query, counts_of, evidence_of, run

ALL = "select * from outcome"
LONGER_THAN_A_LINE = "y" * 20_000_000


def test_a_very_long_text_beside_the_values_of_an_order_costs_no_row(tmp_path: Path) -> None:
    url = write_sqlite(tmp_path / "bot.db", [outcome(number) for number in (1, 2, 3)])
    with sqlite3.connect(tmp_path / "bot.db") as connection:
        connection.execute("alter table outcome add column note")
        connection.execute("update outcome set note = ? where order_id like '%2'", (LONGER_THAN_A_LINE,))
    connection.close()

    result = run(canonical_query(url, ALL))

    assert (result.event_count, counts_of(result)) == (3, {})


@pytest.mark.parametrize(
    ("name", "reason"),
    [("ts", "bad_time"), ("symbol", "bad_symbol"), ("order_id", "bad_value"), ("slippage_bps", "bad_value")],
)
def test_a_very_long_text_in_place_of_a_value_is_counted(tmp_path: Path, name: str, reason: str) -> None:
    url = write_sqlite(tmp_path / "bot.db", [outcome(1), outcome(2) | {name: LONGER_THAN_A_LINE}])
    result = run(canonical_query(url, ALL))

    assert (result.event_count, counts_of(result)) == (1, {reason: 1})


@pytest.mark.parametrize("again", ["symbol", '7 as "Symbol"'])
def test_a_column_that_a_query_returns_twice_is_refused_by_name(tmp_path: Path, again: str) -> None:
    url = write_sqlite(tmp_path / "bot.db", [outcome(1)])

    with pytest.raises(SourceError, match=r"orders\.query: its result has the column 'symbol' twice; select each name"):
        run(canonical_query(url, f"select *, {again} from outcome"))


def test_numbers_of_postgres_come_in_full_however_few_digits_it_shows(postgres_url: str) -> None:
    # As this server is set, 1.23456789 comes as 1.
    query = (
        "select timestamptz '2026-04-25T10:00Z' as ts, 'BTCUSDT' as symbol, true as maker_started, "
        "true as maker_filled, false as fallback_used, 1.23456789::float8 as slippage_bps"
    )
    with fresh_database(postgres_url) as url:
        with psycopg.connect(postgres_url, autocommit=True) as server:
            few = sql.SQL("alter database {} set extra_float_digits = -15").format(sql.Identifier(name_of(url)))
            server.execute(few)
        result = run(canonical_query(url, query))

    assert evidence_of(result)["BTCUSDT"].effectiveness.slip_q50 == 1.23456789
