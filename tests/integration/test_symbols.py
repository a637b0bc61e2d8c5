"""Spellings of symbols: those of five worlds, and the three texts of the same function over a generated family."""

import re

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.sources.relation import MACROS
from policy.symbols import SymbolSpelling, SymbolStyle, compact
from router_policy_client import ReaderSettingsError, Symbols
from router_policy_client.symbols import compact as compact_of_client

SPELLINGS = {
    "BTCUSDT": "BTC/USDT:USDT BTC/USDT BTC-USDT BTC_USDT BTCUSDT btcusdt BTCUSDT-PERP.BINANCE BTCUSDT-LINEAR.BYBIT "
    "BTCUSDT.BINANCE BTC-USDT-SWAP BTC-USDT-SWAP.OKX BTCUSDT_PERP",
    "BTCUSD": "BTC/USD:BTC BTC-USD-PERP.DYDX BTC-USD BTCUSD_PERP",
    "1000PEPEUSDT": "1000PEPE/USDT:USDT 1000PEPEUSDT-PERP.BINANCE 1000PEPE-USDT",
    "BTCUSDT261225": "BTC/USDT:USDT-261225 BTCUSDT_261225",
    "币安人生USDT": "币安人生/USDT:USDT 币安人生USDT",
    "BRK.BUSD": "BRK.B/USD",
    ":": ":",
}
SYMBOLS = st.text(st.sampled_from("aBtC1é币 /:-_.PERPSWAP"), max_size=24) | st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["btc", "BTC", "1000PEPE", "kPEPE", "ß", ""]),
    st.sampled_from(["/", "-", "_", ""]),
    st.sampled_from(["USDT", "usd", "EUR", ""]),
    st.sampled_from(["", ":USDT", ":BTC", ":USDT-261225", "-PERP", "_PERP", "-SWAP", "-SPOT", "-linear"]),
    st.sampled_from(["", ".BINANCE", ".OKX", ".B", ".dydx", ".XNAS_1"]),
)


@pytest.mark.parametrize(("expected", "spellings"), SPELLINGS.items())
def test_the_spellings_of_every_world_become_one(expected: str, spellings: str) -> None:
    assert {compact(spelling) for spelling in spellings.split(" ")} == {expected}


@given(SYMBOLS)
def test_service_client_and_sql_spell_alike(symbol: str) -> None:
    assert compact_of_client(symbol) == compact(symbol) == in_sql(symbol)


_CONNECTION = duckdb.connect()
_CONNECTION.execute(MACROS)


def in_sql(symbol: str) -> str:
    row = _CONNECTION.execute("select compact_symbol($symbol)", {"symbol": symbol}).fetchone()
    assert row is not None
    return str(row[0])


@given(SYMBOLS)
def test_a_compact_spelling_has_no_separator_and_is_never_empty(symbol: str) -> None:
    spelling = compact(symbol)

    assert spelling == symbol or not re.search(r"[ /_a-z-]", spelling)
    assert spelling or not symbol


def test_names_go_before_the_style_in_service_and_client() -> None:
    names = {"1000PEPE/USDT:USDT": "PEPEUSDT"}
    service, client = SymbolSpelling(style=SymbolStyle.COMPACT, names=names), Symbols(style="compact", names=names)

    for symbol, expected in (("1000PEPE/USDT:USDT", "PEPEUSDT"), ("BTC/USDT:USDT", "BTCUSDT")):
        assert (service.of(symbol), client.of(symbol)) == (expected, expected)
    assert (SymbolSpelling().of("BTC/USDT"), Symbols().of("BTC/USDT")) == ("BTC/USDT", "BTC/USDT")


def test_another_style_is_refused() -> None:
    with pytest.raises(ReaderSettingsError, match="style must be 'as-is' or 'compact', was 'small'"):
        Symbols(style="small")
