"""The overview in a browser: every symbol, sorted, filtered, and the way to a symbol and back."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.serving import Live
from tests.browser.two_days import WORST_FIRST

pytestmark = pytest.mark.xdist_group("browser")
BY_FALLBACK = "BTCUSDT LTCUSDT ETHUSDT BNBUSDT XRPUSDT SUIUSDT ETCUSDT SOLUSDT DOGEUSDT WIFUSDT".split()


def symbols(page: Page) -> Locator:
    """The names of the rows that can be seen, in their order."""
    return page.locator("#symbols tbody tr:visible th a")


def test_every_symbol_is_listed_the_worst_first(visit: Visit, two_days: Live) -> None:
    page = visit(two_days.url)

    expect(symbols(page)).to_have_text(WORST_FIRST)
    wif = page.get_by_role("row", name="WIFUSDT").get_by_role("cell")
    # The offset is 2, and 1 + 1.5 for so much fallback, 0.8 for so much slippage, 0.2 for an hour that loses.
    expect(wif).to_have_text(
        [re.compile("^broken"), "no", "prefer taker", "normal", "0.95", "0.05", "6.00", "5.50", "–", "40/50", ""]
    )
    expect(page.locator("#banner")).to_contain_text("Fresh: the newest slot is 2026-04-26T23:00:00Z")


def test_the_first_click_on_a_column_has_the_worst_first_and_the_second_the_best(visit: Visit, two_days: Live) -> None:
    page = visit(two_days.url)
    for name, first, way, other_way in (
        ("Fallback", BY_FALLBACK[::-1], "descending", "ascending"),
        ("Maker fill", BY_FALLBACK[::-1], "ascending", "descending"),
        ("Symbol", sorted(WORST_FIRST), "ascending", "descending"),
        ("Quality", WORST_FIRST, "ascending", "descending"),
    ):
        head = page.get_by_role("columnheader", name=name)
        for order, direction in ((first, way), (first[::-1], other_way)):
            head.get_by_role("button", name=name).click()
            expect(symbols(page)).to_have_text(order)
            expect(head).to_have_attribute("aria-sort", direction)


def test_filters_narrow_the_list_and_together(visit: Visit, two_days: Live) -> None:
    page = visit(two_days.url)
    count = page.locator("#shown-count")

    page.keyboard.press("/")
    expect(page.locator("#filter-symbol")).to_be_focused()
    page.keyboard.type("etc")
    expect(symbols(page)).to_have_text(["ETCUSDT"])
    page.locator("#filter-symbol").fill("usdt panic MAKER")
    expect(symbols(page)).to_have_text(["XRPUSDT"])
    page.get_by_role("button", name="Show all").click()
    expect(count).to_have_text("10 of 10 symbols")
    page.get_by_label("Quality").select_option("good")
    expect(symbols(page)).to_have_text(["BNBUSDT", "ETHUSDT", "LTCUSDT", "BTCUSDT"])
    page.get_by_label("Regime").select_option("quiet")
    expect(symbols(page)).to_have_text(["LTCUSDT"])
    expect(count).to_have_text("1 of 10 symbols")
    page.get_by_label("Maker first").select_option("no")
    expect(symbols(page)).to_have_count(0)
    expect(page.get_by_text("No symbol matches the filter.")).to_be_visible()


def test_a_click_leads_to_the_symbol_and_back_to_what_was_chosen(visit: Visit, two_days: Live) -> None:
    page = visit(two_days.url)
    page.get_by_label("Quality").select_option("broken")
    page.get_by_role("columnheader", name="Symbol").get_by_role("button", name="Symbol").click()

    page.get_by_role("link", name="WIFUSDT").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("WIFUSDT")
    expect(page.locator("#decision")).to_have_text("taker, prefer taker")
    page.go_back()
    expect(symbols(page)).to_have_text(["SUIUSDT", "WIFUSDT"])
    page.get_by_role("link", name="SUIUSDT").click()
    page.get_by_role("link", name="All symbols").click()
    expect(symbols(page)).to_have_text(WORST_FIRST)


def test_the_small_picture_of_a_day_has_the_colours_of_its_qualities(visit: Visit, two_days: Live) -> None:
    page = visit(two_days.url)
    parts = page.get_by_role("row", name="SOLUSDT").locator("svg rect")

    # The day up to 23:00 in half hours, the first of which ends at 23:30 of the day before.
    bars = parts.evaluate_all("all => all.map(bar => [bar.className.baseVal, +bar.getAttribute('width')])")
    assert bars == [["good", 13], ["broken", 20], ["ok", 15]]
    assert parts.nth(1).evaluate("one => getComputedStyle(one).fill") == "rgb(179, 38, 30)"
