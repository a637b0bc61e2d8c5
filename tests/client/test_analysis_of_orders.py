"""What orders saved, cost and how they drifted as tables: the same rows from SQLite and Postgres."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policy.experiment.saving import Comparison
from router_policy_client.analysis import read_costs, read_drift, read_savings
from storage.day_figures import DayCost, DayDrift, DayFigures
from storage.store import Store
from storage.write.day_figures import store_day
from tests.support.runs import QUARTER, SLOT, publish
from tests.support.savings import figure, publish_savings
from tests.support.store_calls import write

DAY = timedelta(days=1)
MONDAY = datetime(2025, 3, 3, tzinfo=UTC)


def cost(symbol: str, route: str, mean_bps: float | None, money: float | None) -> DayCost:
    """Two orders of a route; both filled if there is a mean, and both have a notional if there is money."""
    return DayCost(
        symbol=symbol,
        route=route,
        order_count=2,
        cost_count=0 if mean_bps is None else 2,
        mean_bps=mean_bps,
        money_count=0 if money is None else 2,
        money=money,
    )


def drift(symbol: str, *, expired: int) -> DayDrift:
    return DayDrift(
        symbol=symbol,
        order_count=4,
        no_run_count=1,
        unknown_run_count=0,
        superseded_count=0,
        expired_count=expired,
        maker_while_taker_count=0,
        not_as_assigned_count=0,
    )


def rows(table: Any, *names: str) -> list[tuple[object, ...]]:
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))


@pytest.fixture(scope="module")
def url(module_store: Store) -> str:
    """The address of a store with savings of two runs, a whole day, half a day, and a day of another scope."""
    publish_savings(module_store, SLOT, figure(1.0), figure(3.0, symbol="BTCUSDT"))
    publish_savings(module_store, SLOT + QUARTER, figure(1.25, margin_bps=None))
    publish(module_store, SLOT, scope="paper")
    whole = DayFigures(
        day=MONDAY,
        as_of=MONDAY + DAY,
        costs=[cost("ETHUSDT", "taker", 5.5, None), cost("BTCUSDT", "maker", -0.5, -0.25)],
        drifts=[drift("ETHUSDT", expired=2), drift("BTCUSDT", expired=0)],
    )
    half = DayFigures(
        day=MONDAY + DAY, as_of=MONDAY + DAY * 1.5, costs=[cost("BTCUSDT", "maker", None, None)], drifts=[]
    )
    write(module_store, store_day, "default", whole)
    write(module_store, store_day, "default", half)
    write(module_store, store_day, "paper", whole)
    return module_store.url.render_as_string(hide_password=False)


def test_costs_are_by_day_symbol_and_route_and_say_how_far_the_day_is(url: str) -> None:
    costs = read_costs(url, to="arrow")

    assert rows(costs, "day", "as_of", "symbol", "route", "order_count", "cost_count", "mean_bps", "money") == [
        (MONDAY, MONDAY + DAY, "BTCUSDT", "maker", 2, 2, -0.5, -0.25),
        (MONDAY, MONDAY + DAY, "ETHUSDT", "taker", 2, 2, 5.5, None),
        (MONDAY + DAY, MONDAY + DAY * 1.5, "BTCUSDT", "maker", 2, 0, None, None),
    ]
    assert rows(read_costs(url, symbols="BTCUSDT", since=MONDAY + DAY, to="arrow"), "day") == [(MONDAY + DAY,)]


def test_drift_is_by_day_and_symbol(url: str) -> None:
    drifted = read_drift(url, until=MONDAY + DAY, to="arrow")

    assert rows(drifted, "day", "as_of", "symbol", "order_count", "no_run_count", "expired_count") == [
        (MONDAY, MONDAY + DAY, "BTCUSDT", 4, 1, 0),
        (MONDAY, MONDAY + DAY, "ETHUSDT", 4, 1, 2),
    ]
    assert read_drift(url, since=MONDAY + DAY, to="arrow").num_rows == 0


def test_savings_are_those_that_were_new_with_an_empty_symbol_for_all(url: str) -> None:
    savings = read_savings(url, to="arrow")

    assert rows(savings, "slot", "symbol", "comparison", "saving_bps") == [
        (SLOT, "", "maker_against_taker", 1.0),
        (SLOT, "BTCUSDT", "maker_against_taker", 3.0),
        (SLOT + QUARTER, "", "maker_against_taker", 1.25),
    ]
    assert Comparison.MAKER_AGAINST_TAKER == "maker_against_taker"
    assert savings.column("sent_margin_bps").to_pylist()[-1] is None
    assert rows(read_savings(url, symbols="", since=SLOT + QUARTER, to="arrow"), "saving_bps") == [(1.25,)]


def test_a_scope_has_its_own_figures(url: str) -> None:
    assert rows(read_costs(url, scope="paper", to="arrow"), "symbol") == [("BTCUSDT",), ("ETHUSDT",)]
    assert read_savings(url, scope="paper", to="arrow").num_rows == 0


@pytest.mark.parametrize("symbols", [None, ["NEVER"]])
def test_types_in_pandas_do_not_depend_on_the_rows(url: str, symbols: list[str] | None) -> None:
    costs, savings = read_costs(url, symbols=symbols).dtypes, read_savings(url, symbols=symbols).dtypes

    assert [str(costs[name]) for name in ("day", "symbol", "route", "order_count", "mean_bps", "money")] == [
        *("datetime64[us, UTC]", "category", "category", "Int64", "float64", "float64"),
    ]
    assert [str(savings[name]) for name in ("since", "comparison", "money_order_count", "saving_money")] == [
        *("datetime64[us, UTC]", "category", "Int64", "float64"),
    ]


def test_polars_has_the_same_costs(url: str) -> None:
    assert read_costs(url, to="polars").to_dicts() == read_costs(url, to="arrow").to_pylist()
