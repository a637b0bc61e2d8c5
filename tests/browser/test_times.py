"""The times of a page: in UTC, or by a switch in the zone of the machine that shows it."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.serving import Live
from tests.browser.two_days import LAST_HOUR, publish_hour

pytestmark = pytest.mark.xdist_group("browser")


def test_by_the_switch_the_times_of_a_table_are_local_with_utc_as_their_title(visit: Visit, two_days: Live) -> None:
    page = visit(f"{two_days.url}/runs", timezone_id="Asia/Kolkata")
    newest, switch = page.locator("#runs tbody time").first, page.get_by_role("button", name="Local time")

    expect(newest).to_have_text("2026-04-26T23:00:00Z")
    assert newest.get_attribute("title") is None
    switch.click()
    expect(newest).to_have_text("2026-04-27 04:30:00 UTC+05:30")
    expect(newest).to_have_attribute("title", "2026-04-26T23:00:00Z")
    page.goto(f"{two_days.url}/symbols/SOLUSDT")
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#changes time").nth(1)).to_have_text("2026-04-26 11:30:00 UTC+05:30")
    switch.click()
    expect(page.locator("#changes time").nth(1)).to_have_text("2026-04-26T06:00:00Z")
    assert page.locator("time[title]").count() == 0


def test_times_stay_local_when_the_page_updates(visit: Visit, empty: Live) -> None:
    publish_hour(empty.store, LAST_HOUR - 1)
    page = visit(f"{empty.url}/runs", timezone_id="Asia/Kolkata")
    page.get_by_role("button", name="Local time").click()

    publish_hour(empty.store, LAST_HOUR)

    expect(page.locator("#runs tbody th time")).to_have_text(
        ["2026-04-27 04:30:00 UTC+05:30", "2026-04-27 03:30:00 UTC+05:30"]
    )
    expect(page.locator("#runs tbody th time").first).to_have_attribute("title", "2026-04-26T23:00:00Z")
