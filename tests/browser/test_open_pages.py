"""Pages that stay open for hours, that lose the console, or whose database is gone: none says what is not so.

Each page has a clock that the test moves, and the console another one. Every page is left open by each of these ways.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from policy import TakerBias
from storage.write import leases, overrides
from tests.browser.conftest import Visit
from tests.browser.serving import Live, serving
from tests.browser.two_days import LAST_HOUR, LAST_SLOT, NOW, publish_hour
from tests.support.shadowed_history import HOUR
from tests.support.store_calls import write

pytestmark = pytest.mark.xdist_group("browser")
ADDRESSES = ("/", "/symbols/WIFUSDT", "/rules", "/runs")
ROUTERS = "Routers try maker first and wait a quarter of the time; an override holds until its own end."


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A console over one run and a slot that was missed, for all tests of this file."""
    with serving(tmp_path_factory.mktemp("open")) as live:
        publish_hour(live.store, LAST_HOUR - 2)
        write(live.store, leases.mark_missed, "default", [LAST_SLOT - HOUR])
        publish_hour(live.store, LAST_HOUR)
        yield live


@pytest.fixture
def open_pages(visit: Visit, shared: Live) -> Iterator[dict[str, Page]]:
    """Every page of the console, open since twelve minutes after the newest slot, on a machine whose clock is wrong."""
    shared.now = NOW
    pages = {}
    for address in ADDRESSES:
        page = visit("about:blank", locale="en")  # a window of its own, whose clock is its own
        page.clock.install(time=NOW - timedelta(days=400))
        page.goto(shared.url + address)
        pages[address] = page
    yield pages
    shared.now = NOW


def banner(page: Page) -> Locator:
    return page.locator("#banner")


def pass_time(pages: dict[str, Page], hours: float) -> None:
    """Let hours go by on the machine of the browser only."""
    for page in pages.values():
        page.clock.fast_forward(round(hours * 3600 * 1000))


def say(pages: dict[str, Page], status: str, text: str) -> None:
    """Every page says this at the top, and on the rows and the symbol what follows from it."""
    for page in pages.values():
        expect(banner(page)).to_have_attribute("data-status", status)
        expect(banner(page)).to_contain_text(text)


def test_every_page_turns_by_the_consoles_clock_and_names_what_was_missed(
    open_pages: dict[str, Page], shared: Live
) -> None:
    overview, symbol = open_pages["/"], open_pages["/symbols/WIFUSDT"]
    for page in open_pages.values():
        expect(page.locator("#gaps-of-the-day")).to_contain_text(
            "1 slot of the last day has no run: 2026-04-26T22:00:00Z (missed)"
        )
    say(open_pages, "fresh", "the next is due at 2026-04-27T00:00:00Z")
    for hours, status, text, next_slot, sentence in (
        (0.9, "fresh", "the one that was due at 2026-04-27T00:00:00Z has no run yet", "due for 6 min", ""),
        (2, "stale", "Stale since 2026-04-27T01:00:00Z", "due for 72 min", "Stale: routers still act on it."),
        (9, "expired", ROUTERS, "due for 8 h", f"Expired: r{ROUTERS[1:]}"),
    ):
        shared.now = NOW + timedelta(hours=hours)
        pass_time(open_pages, 0.01)
        say(open_pages, status, text)
        for page in open_pages.values():
            expect(page.locator("[data-due-at]")).to_have_text(next_slot)
        expect(overview.locator("#symbols .warn").first).to_have_text("2 to look at")
        expect(symbol.locator("#in-force-now")).to_have_text(sentence)
    shared.now = NOW
    pass_time(open_pages, 0.01)
    say(open_pages, "fresh", "the next is due at 2026-04-27T00:00:00Z")


def test_every_page_without_its_console_is_grey_and_says_as_of_when_and_catches_up(
    open_pages: dict[str, Page], shared: Live, complaints: list[str]
) -> None:
    shared.stop()
    pass_time(open_pages, 0.01)
    for page in open_pages.values():
        expect(page.locator("#contact")).to_have_text(
            "The console cannot be reached. This page shows what was last known at 23:12Z."
        )
        assert page.locator("main").evaluate("main => getComputedStyle(main).filter") == "grayscale(1)"
    pass_time(open_pages, 3)
    say(open_pages, "unknown", "Last known at 23:12Z: Fresh: the newest slot is 2026-04-26T23:00:00Z")
    say(open_pages, "unknown", "If no run was published since: Stale since 2026-04-27T01:00:00Z")
    for page in open_pages.values():
        expect(page.locator("[data-contact]")).to_have_text("lost since 23:12Z")

    shared.start()
    pass_time(open_pages, 0.01)
    say(open_pages, "fresh", "Fresh: the newest slot is 2026-04-26T23:00:00Z")
    for page in open_pages.values():
        expect(page.locator("#contact")).to_be_hidden()
        expect(page.locator("[data-contact]")).to_have_text("live")
    assert all("net::ERR_" in text for text in complaints)
    complaints.clear()


def test_every_page_whose_database_is_moved_away_says_so_and_catches_up(
    visit: Visit, open_pages: dict[str, Page], shared: Live, complaints: list[str]
) -> None:
    path = Path(str(shared.store.url.database))
    aside = path.rename(path.with_name("aside.db"))
    pass_time(open_pages, 0.01)
    gone = f"The console answers: {path} was moved or deleted while it was open; put it back, or restore a backup"
    for page in open_pages.values():
        expect(page.locator("#contact")).to_have_text(f"{gone} This page shows what was last known at 23:12Z.")
    say(open_pages, "unknown", "Last known at 23:12Z")
    opened_meanwhile = visit(shared.url + "/runs")
    expect(opened_meanwhile.locator("#error")).to_contain_text("was moved or deleted while it was open")

    aside.rename(path)
    pass_time(open_pages, 0.01)
    say({**open_pages, "later": opened_meanwhile}, "fresh", "Fresh: the newest slot is 2026-04-26T23:00:00Z")
    assert all("503" in text for text in complaints)
    complaints.clear()


def test_a_page_whose_scripts_do_not_run_stays_as_it_was(visit: Visit, shared: Live) -> None:
    """The control: without the scripts no page follows the clock, so the tests above could fail."""
    page = visit(shared.url, java_script_enabled=False)

    shared.now = NOW + timedelta(hours=9)

    expect(banner(page)).to_have_attribute("data-status", "fresh")
    page.reload()
    expect(banner(page)).to_have_attribute("data-status", "expired")
    shared.now = NOW


def test_an_update_keeps_opened_details_and_the_keyboard_and_shows_what_is_new(empty: Live, visit: Visit) -> None:
    publish_hour(empty.store, LAST_HOUR - 1)
    page = visit(empty.url + "/runs")
    first = page.locator("#runs tbody tr[data-key='1']")
    first.locator("summary").click()
    first.locator("summary").focus()

    publish_hour(empty.store, LAST_HOUR)

    expect(page.locator("#runs tbody tr")).to_have_count(2)
    expect(first.locator("details")).to_have_attribute("open", "")
    expect(first.locator("summary")).to_be_focused()


def test_an_override_appears_everywhere_on_a_page_that_is_open(empty: Live, visit: Visit) -> None:
    publish_hour(empty.store, LAST_HOUR - 1)
    publish_hour(empty.store, LAST_HOUR)
    empty.now = datetime.now(tz=NOW.tzinfo)
    symbol, overview, rules = (visit(empty.url + address) for address in ("/symbols/DOGEUSDT", "/", "/rules"))
    expect(symbol.locator("#picture")).to_have_attribute("data-drawn", "2")

    write(
        empty.store,
        overrides.make_override,
        "default",
        "DOGEUSDT",
        maker_first=False,
        taker_bias=TakerBias.PREFER_TAKER,
        lasting=timedelta(hours=2),
        author="ann",
        reason="venue down",
    )
    empty.now = datetime.now(tz=NOW.tzinfo) + timedelta(minutes=1)

    expect(symbol.locator("#override")).to_contain_text("of ann")
    expect(symbol.locator("#in-force-now")).to_contain_text("Expired: the override holds until its own end at")
    expect(symbol.locator("#changes tbody tr").first).to_contain_text("by hand: taker, prefer taker")
    expect(symbol.locator("#picture")).to_contain_text("by hand: taker")
    row = overview.get_by_role("row", name="DOGEUSDT")
    expect(row.locator(".maker .override")).to_have_text("by hand")
    expect(rules.locator("#disagreements")).to_contain_text("by hand now: taker, prefer taker")
