"""A bot's Postgres in any encoding: every symbol that is text is read as it is, and any other costs its own row."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from tests.support.small_runs import canonical_query, run

TABLE = (
    "create table outcome (ts timestamptz, symbol text, maker_started boolean, maker_filled boolean, "
    "fallback_used boolean, slippage_bps numeric)"
)
ROW = "insert into outcome values ('2026-04-25T10:00:00Z', {symbol}, true, true, false, 0.5)"


@contextmanager
def database_in(postgres_url: str, encoding: str) -> Iterator[str]:
    name = f"source_{encoding.lower()}"
    create = "create database {} encoding {} template template0 lc_collate 'C' lc_ctype 'C'"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(sql.SQL(create).format(sql.Identifier(name), sql.Literal(encoding)))
        try:
            yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        finally:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def fill(url: str, symbols: list[bytes]) -> None:
    """Write rows whose symbols are these bytes in the encoding of the database."""
    with psycopg.connect(url, client_encoding="utf8") as connection:
        connection.execute(TABLE)
        for symbol in symbols:
            as_bytes = f"convert_from('\\x{symbol.hex()}', current_setting('server_encoding'))"
            connection.execute(ROW.format(symbol=as_bytes))


@pytest.mark.parametrize(
    ("encoding", "symbols", "read", "reject_count"),
    [
        ("UTF8", ["币安人生USDT".encode(), "ÄUSDT".encode()], {"币安人生USDT", "ÄUSDT"}, 0),
        ("SQL_ASCII", ["币安人生USDT".encode(), b"BTCUSDT", b"\xc4USDT"], {"币安人生USDT", "BTCUSDT"}, 1),
        ("LATIN1", [b"\xc4USDT", b"BTCUSDT"], {"ÄUSDT", "BTCUSDT"}, 0),
        ("EUC_JP", ["円USDT".encode("euc_jp")], {"円USDT"}, 0),
        ("WIN1251", ["РУБUSDT".encode("cp1251")], {"РУБUSDT"}, 0),
    ],
)
def test_symbols_of_a_database_in_any_encoding(
    postgres_url: str, encoding: str, symbols: list[bytes], read: set[str], reject_count: int
) -> None:
    with database_in(postgres_url, encoding) as url:
        fill(url, symbols)
        with psycopg.connect(url) as connection:
            connection.execute("create type kind as enum ('maker')")
            connection.execute("alter table outcome add column side text, add column venue kind default 'maker'")
        done = run(canonical_query(url, f"select * from outcome where symbol <> '{min(read)}x' and venue = 'maker'"))

    assert {evidence.symbol for evidence, _ in done.decisions} == read
    assert sum(reject.reject_count for reject in done.rejects) == reject_count


def test_a_query_with_other_letters_is_answered_by_a_database_in_sql_ascii(postgres_url: str) -> None:
    with database_in(postgres_url, "SQL_ASCII") as url:
        fill(url, ["币安人生USDT".encode(), b"BTCUSDT"])
        done = run(canonical_query(url, "select * from outcome where symbol = '币安人生USDT'"))

    assert [evidence.symbol for evidence, _ in done.decisions] == ["币安人生USDT"]
