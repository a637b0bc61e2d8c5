"""Pages that stay open: a new run appears by itself, and so does that none comes any more."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.serving import Live
from tests.browser.two_days import LAST_HOUR, NOW, Market, publish_hour

pytestmark = pytest.mark.xdist_group("browser")
TRIES = 3  # a machine with other things to do may be late once


def seen_within_five_seconds(page: Page, text: str) -> bool:
    try:
        expect(page.locator("#symbols")).to_contain_text(text, timeout=5000)
    except AssertionError:
        return False
    return True


def test_a_new_run_appears_within_five_seconds_without_a_reload(empty: Live, visit: Visit) -> None:
    publish_hour(empty.store, LAST_HOUR - TRIES - 1)
    page = visit(empty.url)
    expect(page.locator("#symbols tbody tr")).to_have_count(10)
    page.evaluate("window.isTheSamePage = true")

    seen = []
    for number in range(TRIES):
        publish_hour(empty.store, LAST_HOUR - TRIES + number, markets={f"NEW{number}USDT": Market(0.1, 1.0)})
        seen.append(seen_within_five_seconds(page, f"NEW{number}USDT"))

    assert any(seen)
    expect(page.locator("#symbols")).to_contain_text(f"NEW{TRIES - 1}USDT")
    assert page.evaluate("window.isTheSamePage") is True


def test_the_first_run_appears_on_the_page_that_said_there_was_none(empty: Live, visit: Visit) -> None:
    page = visit(empty.url)
    expect(page.get_by_role("heading", name="No policies yet")).to_be_visible()
    expect(page.get_by_text("router-policy once").first).to_be_visible()

    publish_hour(empty.store, LAST_HOUR)

    expect(page.locator("#symbols tbody tr")).to_have_count(10)
    expect(page.locator("#banner")).to_have_attribute("data-status", "fresh")


def test_an_update_keeps_what_was_chosen_and_where_the_keyboard_was(empty: Live, visit: Visit) -> None:
    publish_hour(empty.store, LAST_HOUR - 1)
    page = visit(empty.url)
    page.get_by_label("Quality").select_option("good")
    page.get_by_role("link", name="BTCUSDT").focus()

    publish_hour(empty.store, LAST_HOUR, markets={"NEWUSDT": Market(0.01, 0.1)})

    expect(page.locator("#symbols tbody tr:visible")).to_have_count(5)
    expect(page.get_by_role("link", name="BTCUSDT")).to_be_focused()


def test_the_banner_turns_when_the_schedule_stops(empty: Live, visit: Visit) -> None:
    publish_hour(empty.store, LAST_HOUR)
    page = visit(empty.url)
    banner = page.locator("#banner")
    expect(banner).to_have_attribute("data-status", "fresh")

    empty.now = NOW + timedelta(hours=3)
    expect(banner).to_have_attribute("data-status", "stale")
    expect(banner).to_contain_text("Stale since 2026-04-27T01:00:00Z")
    empty.now = NOW + timedelta(hours=30)
    expect(banner).to_have_attribute("data-status", "expired")
    expect(banner).to_contain_text("Expired since")
    empty.now = NOW
    expect(banner).to_have_attribute("data-status", "fresh")


def test_a_page_whose_console_is_gone_says_so(empty: Live, visit: Visit, complaints: list[str]) -> None:
    publish_hour(empty.store, LAST_HOUR)
    page = visit(empty.url)
    page.route("**/overview", lambda route: route.abort())

    lost = page.get_by_text("The console cannot be reached. This page shows what was last known at 23:12Z.")
    expect(lost).to_be_visible()
    page.unroute("**/overview")
    expect(lost).to_be_hidden()

    assert complaints
    assert all("net::ERR_FAILED" in text for text in complaints)  # the browser's own word for what was done to it
    complaints.clear()
