"""What orders cost and which drifted, on the pages, for programs and for Prometheus; added up by hand here."""

import re
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from storage.day_figures import DayCost, DayDrift, DayFigures
from storage.store import Store
from storage.write.day_figures import store_day
from tests.support.runs import SLOT, evidence, publish
from tests.support.store_calls import write
from tests.web.conftest import Visit
from tests.web.test_pages import shown_text

DAY = timedelta(days=1)
TODAY = SLOT - timedelta(minutes=15)  # the midnight before it
AS_OF = SLOT + timedelta(minutes=1)


def cost(symbol: str, route: str, count: int, mean_bps: float | None, money: float | None) -> DayCost:
    return DayCost(
        symbol=symbol,
        route=route,
        order_count=count + 1,
        cost_count=count,
        mean_bps=mean_bps,
        money_count=count,
        money=money,
    )


def drift(symbol: str, order_count: int, *, no_run: int = 0, superseded: int = 0) -> DayDrift:
    return DayDrift(
        symbol=symbol,
        order_count=order_count,
        no_run_count=no_run,
        unknown_run_count=0,
        superseded_count=superseded,
        expired_count=0,
        maker_while_taker_count=0,
        not_as_assigned_count=0,
    )


@pytest.fixture
def figured(sqlite_store: Store) -> Store:
    """Two days with costs, and drift on both."""
    publish(sqlite_store, SLOT, evidence("BTCUSDT"), evidence("ETHUSDT"))
    yesterday = DayFigures(
        day=TODAY - DAY,
        as_of=TODAY,
        costs=[cost("BTCUSDT", "maker", 4, 6.0, 2.0)],
        drifts=[drift("BTCUSDT", 5, superseded=3)],
    )
    today = DayFigures(
        day=TODAY,
        as_of=AS_OF,
        costs=[
            cost("BTCUSDT", "maker", 2, 1.0, 0.5),
            cost("BTCUSDT", "taker", 1, 7.0, 1.25),
            cost("ETHUSDT", "maker", 6, 2.0, None),
            cost("ETHUSDT", "taker", 0, None, None),
        ],
        drifts=[drift("BTCUSDT", 5, superseded=2), drift("ETHUSDT", 8, no_run=1)],
    )
    for figures in (yesterday, today):
        write(sqlite_store, store_day, "default", figures)
    return sqlite_store


@pytest.fixture
def client(visit: Visit, figured: Store) -> TestClient:
    return visit(figured, now=AS_OF)


def test_tiles_have_todays_cost_by_route_in_bps_and_money_and_its_drift(client: TestClient) -> None:
    tiles = dict(re.findall(r'<li data-key="(\w+)".*?>(?=<a)(.*?)</li>', client.get("/").text))

    # Of nine orders that filled: (2 x 1 + 6 x 2 + 1 x 7) / 9; as maker (2 x 1 + 6 x 2) / 8.
    words = " ".join(shown_text(tiles["cost"]).split())
    assert words == "Cost today 2.33 bps maker 1.75 bps (0.50 in money); taker 7.00 bps (1.25 in money)"
    assert " ".join(shown_text(tiles["drift"]).split()) == "Drift today 3 of 13 orders"


def test_a_symbols_row_has_what_its_orders_of_seven_days_cost(client: TestClient) -> None:
    cells = dict(
        re.findall(
            r'data-symbol="(\w+)".*?<td class="number cost" data-value="([^"]*)"', client.get("/").text, re.DOTALL
        )
    )

    # BTCUSDT: (4 x 6 + 2 x 1 + 1 x 7) / 7.
    assert {symbol: float(value) for symbol, value in cells.items()} == pytest.approx(
        {"BTCUSDT": 33 / 7, "ETHUSDT": 2.0}
    )


def test_before_any_figures_the_tiles_and_the_page_say_when_there_are_some(visit: Visit, sqlite_store: Store) -> None:
    publish(sqlite_store, SLOT)
    client = visit(sqlite_store, now=AS_OF)

    assert "known after the next run" in shown_text(client.get("/").text)
    assert "added up from the log after each run" in shown_text(client.get("/orders").text)
    assert client.get("/v1/costs").json() == {"as_of": None, "items": []}
    assert "cost_bps" not in client.get("/metrics").text


def test_if_no_order_names_its_run_the_tile_says_so_and_counts_none(visit: Visit, sqlite_store: Store) -> None:
    publish(sqlite_store, SLOT)
    figures = DayFigures(day=TODAY, as_of=AS_OF, costs=[], drifts=[drift("BTCUSDT", 5, no_run=5)])
    write(sqlite_store, store_day, "default", figures)

    page = " ".join(shown_text(visit(sqlite_store, now=AS_OF).get("/").text).split())

    assert "Drift today 0 no order names its run" in page


def test_the_page_of_orders_has_days_symbols_and_drift(client: TestClient) -> None:
    page = client.get("/orders").text
    rows = [shown_text(row).split() for row in re.findall(r"<tr data-key.*?</tr>", page)]

    assert rows == [
        ["2026-04-26", "maker", "10", "8", "1.75", "0.50"],
        ["2026-04-26", "taker", "3", "1", "7.00", "1.25"],
        ["2026-04-25", "maker", "5", "4", "6.00", "2.00"],
        ["BTCUSDT", "10", "7", "4.71", "3.75"],
        ["ETHUSDT", "8", "6", "2.00", "–"],
        ["BTCUSDT", "10", "0", "0", "5", "0", "0", "0"],
        ["ETHUSDT", "8", "1", "0", "0", "0", "0", "0"],
    ]


def test_programs_get_costs_and_drift_by_day_and_symbol(client: TestClient) -> None:
    costs, drifts = client.get("/v1/costs?days=1").json(), client.get("/v1/drift").json()

    assert costs["as_of"] == drifts["as_of"] == "2026-04-26T00:16:00Z"
    assert [(item["symbol"], item["route"], item["mean_bps"], item["money"]) for item in costs["items"]] == [
        ("BTCUSDT", "maker", 1.0, 0.5),
        ("BTCUSDT", "taker", 7.0, 1.25),
        ("ETHUSDT", "maker", 2.0, None),
        ("ETHUSDT", "taker", None, None),
    ]
    assert [(item["day"], item["symbol"], item["superseded_count"]) for item in drifts["items"]] == [
        ("2026-04-25T00:00:00Z", "BTCUSDT", 3),
        ("2026-04-26T00:00:00Z", "BTCUSDT", 2),
        ("2026-04-26T00:00:00Z", "ETHUSDT", 0),
    ]


def test_prometheus_gets_todays_costs_by_symbol_and_route_and_drift_by_kind(client: TestClient) -> None:
    metrics = client.get("/metrics").text

    for line in (
        'router_policy_cost_bps{route="maker",scope="default",symbol="BTCUSDT"} 1.0',
        'router_policy_cost_bps{route="taker",scope="default",symbol="BTCUSDT"} 7.0',
        'router_policy_cost_bps{route="maker",scope="default",symbol="ETHUSDT"} 2.0',
        'router_policy_drift_orders{kind="superseded",scope="default"} 2.0',
        'router_policy_drift_orders{kind="no_run",scope="default"} 1.0',
        'router_policy_drift_orders{kind="expired",scope="default"} 0.0',
    ):
        assert line in metrics
    assert 'route="taker",scope="default",symbol="ETHUSDT"' not in metrics


def test_an_open_page_hears_of_new_figures(client: TestClient, figured: Store) -> None:
    tags = [client.get(address).headers["ETag"] for address in ("/overview", "/banner")]

    write(figured, store_day, "default", DayFigures(day=TODAY, as_of=AS_OF, costs=[], drifts=[]))

    assert client.get("/overview", headers={"If-None-Match": tags[0]}).status_code == 200
    assert client.get("/banner", headers={"If-None-Match": tags[1]}).status_code == 200
