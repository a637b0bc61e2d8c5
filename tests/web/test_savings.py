"""Savings on the console: the page, the tile, and the API."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from console.web.order_log import OrderLog
from jobs.plan import Location, OrdersKind, OrdersSource
from jobs.slots import Slots
from policy.experiment.saving import Comparison
from storage.store import Store
from tests.support.runs import SLOT, publish
from tests.support.savings import figure, publish_savings
from tests.web.conftest import Visit

DAY = timedelta(days=1)
MAKER, POLICY = Comparison.MAKER_AGAINST_TAKER, Comparison.POLICY_AGAINST_TAKER


@pytest.fixture
def measured(sqlite_store: Store) -> Store:
    """A store in which a saving became known over three days; that of a symbol is not known yet."""
    publish_savings(sqlite_store, SLOT + DAY, figure(1.0, margin_bps=3.0))
    publish_savings(sqlite_store, SLOT + 2 * DAY, figure(1.2, margin_bps=2.0))
    publish_savings(
        sqlite_store,
        SLOT + 3 * DAY,
        figure(2.1, margin_bps=0.48, order_count=1480),
        figure(-2.1, comparison=POLICY, margin_bps=0.48, order_count=1480),
        figure(1.0, symbol="BTC/USDT", margin_bps=2.0, order_count=1200),
    )
    return sqlite_store


def test_the_page_has_the_words_and_both_intervals(visit: Visit, measured: Store) -> None:
    answer = visit(measured, now=SLOT + 3 * DAY).get("/savings")

    assert answer.status_code == 200
    assert "saves 2.10 ± 0.48 bps an order" in answer.text
    assert "costs 2.10 ± 0.48 bps an order" in answer.text
    assert "not yet known: about " in answer.text
    assert '<a href="/symbols/BTC%2FUSDT">BTC/USDT</a>' in answer.text
    assert "valid for one look, planned beforehand" in answer.text
    assert '<a href="/orders">Orders</a>' in answer.text
    assert "Orders that were not sent as assigned bias a saving" in answer.text
    assert answer.text.count("<polyline") == 1


def test_the_page_has_the_money_of_any_order_and_its_notional(visit: Visit, measured: Store) -> None:
    """2.1 bps of 100 are 0.021; a run of before schema 0012 stored neither its margin nor the notional."""
    before = replace(figure(3.0, symbol="OLD"), any_margin_money=None, mean_notional=None)
    publish_savings(measured, SLOT + 4 * DAY, before)

    text = visit(measured, now=SLOT + 4 * DAY).get("/savings").text

    cells = '<td class="number">0.021</td><td class="number">0.0096</td><td class="number">100</td>'
    assert cells in text
    assert '<td class="number">0.03</td><td class="number">–</td><td class="number">–</td>' in text
    assert "any order is assumed to have a notional as those sent had" in text


def test_the_page_names_a_source_that_cannot_tell_of_the_holdout(visit: Visit, sqlite_store: Store) -> None:
    def shown(kind: OrdersKind) -> str:
        source = OrdersSource(kind=kind, location=Location(path="orders"))
        log = OrderLog(orders=source, slots=Slots("0 * * * *"), fees={})
        return visit(sqlite_store, order_log=log).get("/savings").text

    assert "In these settings orders of kind = &#34;freqtrade&#34; have no holdout" in shown(OrdersKind.FREQTRADE)
    assert "no-holdout" not in shown(OrdersKind.ORDER_LOG)


def test_the_picture_cuts_off_early_margins_and_shows_zero_only_if_it_is_in_the_frame(
    visit: Visit, measured: Store
) -> None:
    """The frame reaches three margins of 0.48 around 2.1, from 0.66 to 3.54 bps: zero is below it."""
    text = visit(measured, now=SLOT + 3 * DAY).get("/savings").text

    assert "between 0.66 and 3.54 bps" in text
    assert 'class="zero"' not in text
    # The newest point is in the middle at the right end; the first interval, from -2 to 4, fills the height.
    assert "800.0,120.0" in text
    assert 'points="0.0,0.0 ' in text


def test_the_tile_leads_to_the_page(visit: Visit, measured: Store) -> None:
    text = visit(measured, now=SLOT + 3 * DAY).get("/").text

    assert '<a href="/savings"><span class="title">Maker first</span> <strong>saves 2.10 bps</strong>' in text


def test_without_a_holdout_page_and_tile_say_how_to_get_one(visit: Visit, sqlite_store: Store) -> None:
    publish(sqlite_store, SLOT)
    console = visit(sqlite_store, now=SLOT)

    assert "no run has held orders out" in console.get("/savings").text
    assert "<strong>not measured</strong>" in console.get("/").text
    assert console.get("/v1/savings").json() == {
        "since": None,
        "slot": "2026-04-26T00:15:00Z",
        "items": [],
    }


def test_the_api_has_both_answers_with_their_intervals_and_the_word(visit: Visit, measured: Store) -> None:
    record = visit(measured, now=SLOT + 3 * DAY).get("/v1/savings").json()

    items = {(each["symbol"], each["comparison"]): each for each in record["items"]}
    assert (record["since"], record["slot"]) == ("2026-04-26T00:15:00Z", "2026-04-29T00:15:00Z")
    assert list(items) == [(None, MAKER), (None, POLICY), ("BTC/USDT", MAKER)]
    saving = items[None, MAKER]
    assert saving["orders_sent"] == {
        "interval": {"lower": 1.62, "upper": 2.58},
        "single_look_interval": {"lower": 1.86, "upper": 2.34},
        "verdict": "saves",
        "remaining_days": None,
    }
    assert saving["any_order"]["interval"] == {"lower": 1.14, "upper": 3.06}
    assert saving["money"]["saving"] == pytest.approx(31.08)
    assert saving["any_order_money"] == {
        "mean_notional": 100,
        "saving": pytest.approx(0.021),
        "interval": {"lower": pytest.approx(0.0114), "upper": pytest.approx(0.0306)},
        "single_look_interval": {"lower": pytest.approx(0.0162), "upper": pytest.approx(0.0258)},
    }
    assert items["BTC/USDT", MAKER]["orders_sent"]["remaining_days"] > 0


def test_one_saving_over_time_comes_a_page_at_a_time(visit: Visit, measured: Store) -> None:
    console = visit(measured, now=SLOT + 3 * DAY)

    first = console.get("/v1/savings/series", params={"limit": 2}).json()
    second = console.get(first["next"]).json()

    bps = [point["figure"]["saving_bps"] for point in first["items"] + second["items"]]
    assert bps == [2.1, 1.2, 1.0]
    assert second["next"] is None
    of_symbol = console.get("/v1/savings/series", params={"symbol": "BTC/USDT"}).json()
    assert [point["slot"] for point in of_symbol["items"]] == ["2026-04-29T00:15:00Z"]
    assert console.get("/v1/savings/series", params={"comparison": "nothing"}).status_code == 422


def test_a_console_long_after_the_last_run_counts_the_days_until_that_run(visit: Visit, measured: Store) -> None:
    """The rate of orders is that up to the newest slot, not up to now."""
    soon = visit(measured, now=SLOT + 3 * DAY).get("/v1/savings").json()
    late = visit(measured, now=datetime(2027, 1, 1, tzinfo=UTC)).get("/v1/savings").json()

    assert soon == late
