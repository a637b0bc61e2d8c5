"""What holds for every page: text from outside stays text, the keyboard is enough, and everybody can read it."""

from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from policy import TakerBias
from storage.write import overrides
from tests.browser.conftest import Visit
from tests.browser.serving import Live
from tests.browser.two_days import LAST_HOUR, Market, publish_hour
from tests.support.store_calls import write
from tests.support.waiting import wait_until

pytestmark = pytest.mark.xdist_group("browser")
EVIL = "<script>alert(1)</script>"
PAGES = (
    "/",
    "/symbols/SOLUSDT",
    "/savings",
    "/rules",
    "/orders",
    "/activity",
    "/runs",
    "/runs/3",
    "/overrides",
    "/symbols/NOSUCH",
)
PHONE: ViewportSize = {"width": 360, "height": 740}
# In the dark only the colours are others.
AXE_RULES: dict[Literal["light", "dark"], dict[str, Any]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast"]},
}
MOST_KEYS = 120


def settled(page: Page) -> Page:
    """Wait until a page has drawn its picture, if it has one."""
    if page.locator("#picture").count():
        expect(page.locator("#picture")).to_have_attribute("data-drawn", "48")
    return page


@pytest.fixture
def evil(empty: Live) -> Live:
    """A console with a symbol and an override that are markup."""
    publish_hour(empty.store, LAST_HOUR - 1, markets={EVIL: Market(0.95, 1.0)})
    publish_hour(empty.store, LAST_HOUR, markets={EVIL: Market(0.1, 1.0)})
    write(
        empty.store,
        overrides.make_override,
        "default",
        EVIL,
        maker_first=False,
        taker_bias=TakerBias.PREFER_TAKER,
        lasting=timedelta(days=1),
        author=EVIL,
        reason=f"\"'>{EVIL}",
    )
    return empty


def test_a_symbol_that_is_a_script_does_nothing(evil: Live, visit: Visit, complaints: list[str]) -> None:
    page = visit(evil.url)

    page.get_by_role("link", name=EVIL).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(EVIL)
    expect(page.locator("#picture")).to_have_attribute("data-drawn", "2")
    for address in ("/rules", "/runs"):
        page.goto(evil.url + address)
    assert complaints == []
    page.goto(f"{evil.url}/symbols/{quote(EVIL + EVIL, safe='')}")
    expect(page.locator("#error")).to_contain_text(EVIL)
    assert [text for text in complaints if "404" not in text] == []
    complaints.clear()


@pytest.mark.parametrize("address", PAGES)
def test_a_page_has_no_serious_fault_for_who_sees_or_hears_it_in_light_and_dark_and_on_a_phone(
    visit: Visit, two_days: Live, complaints: list[str], address: str
) -> None:
    page = settled(visit(two_days.url + address))
    if address.endswith("NOSUCH"):
        assert [text for text in complaints if "404" not in text] == []
        complaints.clear()  # the browser itself says that there is no such page

    for colours, rules in AXE_RULES.items():
        page.emulate_media(color_scheme=colours)
        results = Axe().run(page, options=rules)
        serious = [
            violation for violation in results.response["violations"] if violation["impact"] in {"serious", "critical"}
        ]
        assert not serious, results.generate_report()
    page.set_viewport_size(PHONE)
    # The picture is drawn anew at the new width.
    wait_until(lambda: page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], "the page fits")


_OUTLINE = "element => getComputedStyle(element).outlineStyle"


def press_until(page: Page, selector: str) -> None:
    """Press the tabulator until this element has the keyboard, and see that it shows it."""
    for _ in range(MOST_KEYS):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            # A page that was just reached may not have its style sheet yet.
            wait_until(lambda: page.locator(selector).evaluate(_OUTLINE) == "solid", f"the focus on {selector} shows")
            return
    raise AssertionError(f"{MOST_KEYS} times the tabulator do not lead to {selector}")


def test_the_keyboard_alone_is_enough(visit: Visit, two_days: Live) -> None:
    page = visit(two_days.url)
    rows = page.locator("#symbols tbody tr:visible th a")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    press_until(page, "#filter-symbol")
    page.keyboard.type("usdt")
    press_until(page, "#filter-quality")
    page.keyboard.type("good")
    expect(rows).to_have_text(["BNBUSDT", "ETHUSDT", "LTCUSDT", "BTCUSDT"])
    press_until(page, "th[data-key=symbol] button")
    page.keyboard.press("Enter")
    expect(rows).to_have_text(["BNBUSDT", "BTCUSDT", "ETHUSDT", "LTCUSDT"])
    press_until(page, "tr[data-symbol=ETHUSDT] a")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("ETHUSDT")
    settled(page)
    press_until(page, "button[data-days='1']")
    page.keyboard.press("Space")
    expect(page.locator("#picture")).to_have_attribute("data-drawn", "25")


def test_with_the_keyboard_every_page_is_reached_and_every_table_scrolled(visit: Visit, two_days: Live) -> None:
    page = visit(two_days.url + "/rules", viewport=PHONE)

    press_until(page, ".scroll[aria-labelledby=beside-heading]")
    page.keyboard.press("ArrowRight")
    for name, address in (("rules", "/rules"), ("runs", "/runs"), ("overview", "/")):
        press_until(page, f"#to-{name}")
        page.keyboard.press("Enter")
        expect(page).to_have_url(two_days.url + address)
        expect(page.locator(f"#to-{name}")).to_have_attribute("aria-current", "page")
