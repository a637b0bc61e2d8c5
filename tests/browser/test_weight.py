"""What a page weighs over the line, and how soon it can be used over a slow one: as the browser itself counts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.browser.serving import Live

pytestmark = pytest.mark.xdist_group("browser")
SLOW_BITS_PER_SECOND = 1_600_000
SLOW_LATENCY_MILLISECONDS = 150
MOST_BYTES = 60_000  # at the slow rate, 0.3 s
MOST_SECONDS = 3.0


@pytest.fixture
def first_visit(browser: Browser) -> Iterator[tuple[Page, CDPSession, list[int]]]:
    """A page of a window that has kept nothing, and the bytes of each response, headers included."""
    with browser.new_context() as window:
        page = window.new_page()
        session = window.new_cdp_session(page)
        session.send("Network.enable")
        received: list[int] = []
        session.on("Network.loadingFinished", lambda event: received.append(int(event["encodedDataLength"])))
        yield page, session, received


def test_a_symbols_page_with_its_chart_is_light(
    first_visit: tuple[Page, CDPSession, list[int]], two_days: Live
) -> None:
    page, _, received = first_visit

    page.goto(f"{two_days.url}/symbols/SOLUSDT")
    expect(page.locator("#picture")).to_have_attribute("data-drawn", "48")

    assert len(received) >= 8  # the page, two sheets, five scripts and the figures
    assert sum(received) < MOST_BYTES


@pytest.mark.long
def test_over_a_slow_line_a_symbols_page_can_be_used_within_three_seconds(
    first_visit: tuple[Page, CDPSession, list[int]], two_days: Live
) -> None:
    page, session, _ = first_visit
    line = {
        "offline": False,
        "latency": SLOW_LATENCY_MILLISECONDS,
        "downloadThroughput": SLOW_BITS_PER_SECOND / 8,
        "uploadThroughput": SLOW_BITS_PER_SECOND / 8,
    }
    session.send("Network.emulateNetworkConditions", line)

    page.goto(f"{two_days.url}/symbols/SOLUSDT")
    expect(page.locator("#picture")).to_have_attribute("data-drawn", "48")
    drawn_at = page.evaluate("performance.getEntriesByName('router-policy:drawn')[0].startTime") / 1000

    assert 2 * SLOW_LATENCY_MILLISECONDS / 1000 < drawn_at < MOST_SECONDS  # the line was slow, and the page was not
