"""Symbols in any alphabet, and with any punctuation, in every link and header."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import strategies as st
from starlette.testclient import TestClient

from storage.store import Store
from tests.support.families import family
from tests.support.runs import QUARTER, SLOT, evidence, publish
from tests.web.conftest import console

SYMBOLS = (
    *("BTC/USDT:USDT", "\u5e01\u5b89\u4eba\u751fUSDT", "B\u00d6RSE", "A?B", "A#B", "A%B", "A B", "A&B=C", "A+B"),
    *("\u0645\u0635\u0631", "\U0001f680USDT", '"quoted"', "<b>", "A;B,C", "..", "\u202eX"),
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[TestClient]:
    """A console over three runs of every symbol, of which each changes its decision."""
    with Store(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('symbols'))}") as store:
        for number, fallback in enumerate((0.1, 0.95, 0.1)):
            publish(store, SLOT + number * QUARTER, *(evidence(symbol, fallback=fallback) for symbol in SYMBOLS))
        with console(store) as client:
            yield client


def follow(client: TestClient, address: str) -> list[dict[str, object]]:
    """Return the items of a list and of all its pages, by the Link header, which is as in the body."""
    items: list[dict[str, object]] = []
    while address:
        response = client.get(address)
        assert response.status_code == 200, (address, response.text)
        body = response.json()
        items += body["items"]
        address = body["next"] or ""
        link = response.headers.get("link", "")
        assert link == (f'<{address}>; rel="next"' if address else "")
        assert link.isascii()
    return items


@pytest.mark.parametrize("address", ["/v1/policies?limit=1", "/v1/changes?limit=1&since=2026-04-01"])
def test_the_pages_of_a_list_have_every_symbol(client: TestClient, address: str) -> None:
    assert {item["symbol"] for item in follow(client, address)} == set(SYMBOLS)


@pytest.mark.parametrize("symbol", [symbol for symbol in SYMBOLS if symbol != ".."])
def test_the_history_of_a_symbol_goes_on_by_its_links(client: TestClient, symbol: str) -> None:
    address = f"/v1/policies/{quote(symbol, safe='')}"

    periods = follow(client, f"{address}/history?limit=1")

    assert len(periods) == 3
    assert {period["symbol"] for period in periods} == {symbol}
    table = client.get(f"{address}/history?limit=1&format=csv")
    assert table.status_code == 200
    assert table.headers["link"].isascii()
    assert client.get(f"/symbols/{quote(symbol, safe='')}").status_code == 200


@family(
    short=25, long=300, symbol=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
)
def test_an_unknown_symbol_is_an_answer_and_no_fault(client: TestClient, symbol: str) -> None:
    for address in ("/v1/policies/{}", "/v1/policies/{}/history", "/symbols/{}"):
        for method in ("GET", "HEAD"):
            status = client.request(method, address.format(quote(symbol, safe=""))).status_code
            assert status in {200, 404, 422}, (symbol, status)
