"""The overview with the keyboard and under a finger: words explained, cards on a phone, and five hundred symbols."""

from collections.abc import Iterator
from statistics import median

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import Visit
from tests.browser.serving import Live, serving
from tests.browser.two_days import LAST_HOUR, WORST_FIRST, Market, publish_hour

pytestmark = pytest.mark.xdist_group("browser")
PHONE: ViewportSize = {"width": 360, "height": 740}
MANY = {f"C{number:03d}USDT": Market(0.1 + number / 1000, 1.0) for number in range(500)}
# What a person takes for at once. The time is of the processor, so that a busy machine does not change it.
AT_ONCE_MILLISECONDS = 200


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A console over one run of five hundred symbols, and the ten usual ones."""
    with serving(tmp_path_factory.mktemp("many")) as live:
        publish_hour(live.store, LAST_HOUR, markets=MANY)
        yield live


def test_a_word_is_explained_under_the_mouse_with_the_keyboard_and_under_a_finger(visit: Visit, two_days: Live) -> None:
    page = visit(two_days.url)
    word = page.get_by_role("row", name="WIFUSDT").locator(".warn")
    text = page.locator("#look-WIFUSDT")
    expect(text).to_be_hidden()

    word.hover()
    expect(text).to_contain_text("fallback 0.95 > 0.5, over 40 maker starts")
    expect(text).to_be_visible()
    page.mouse.move(0, 0)
    expect(text).to_be_hidden()
    page.locator("#symbols tr[data-symbol=WIFUSDT] a").focus()
    page.keyboard.press("Tab")
    expect(text).to_be_visible()
    page.keyboard.press("Escape")
    expect(text).to_be_hidden()

    phone = visit(two_days.url, viewport=PHONE, has_touch=True)
    phone.get_by_role("row", name="WIFUSDT").locator(".warn").tap()
    expect(phone.locator("#look-WIFUSDT")).to_be_visible()
    phone.locator("h1").tap()
    expect(phone.locator("#look-WIFUSDT")).to_be_hidden()


def test_on_a_phone_every_symbol_is_a_card_that_fits_and_can_be_sorted(visit: Visit, two_days: Live) -> None:
    page = visit(two_days.url, viewport=PHONE)
    cards = page.locator("#symbols tbody tr")

    box = cards.first.bounding_box()
    assert box is not None
    assert box["width"] <= PHONE["width"]
    assert box["height"] > 60
    expect(cards.first.locator(".fallback")).to_be_visible()
    name = cards.first.locator(".fallback").evaluate("cell => getComputedStyle(cell, '::before').content")
    assert name == '"Fallback: "'
    page.get_by_label("Sort by").select_option("Symbol")
    expect(page.locator("#symbols tbody th a")).to_have_text(sorted(WORST_FIRST))


def median_milliseconds(page: Page, action: str) -> float:
    """Run a script ten times and return the page's processor time of each, with the layout after it."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def task_seconds() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    def milliseconds_of(turn: int) -> float:
        before = task_seconds()
        page.evaluate(f"turn => {{ {action} document.body.getBoundingClientRect(); }}", turn)
        return 1000 * (task_seconds() - before)

    times = [milliseconds_of(turn) for turn in range(10)]
    assert all(times)  # a metric that is not measured would be 0
    return median(times)


def test_five_hundred_symbols_are_filtered_and_sorted_at_once(visit: Visit, many: Live) -> None:
    page = visit(many.url)
    search = "const box = document.getElementById('filter-symbol'); box.value = turn % 2 ? 'c1' : 'usdt maker';"
    filtering = f"{search} box.dispatchEvent(new Event('input', {{ bubbles: true }}));"

    assert median_milliseconds(page, filtering) < AT_ONCE_MILLISECONDS
    expect(page.locator("#shown-count")).to_have_text("100 of 510 symbols")
    assert median_milliseconds(page, "document.querySelector('th.fallback button').click();") < AT_ONCE_MILLISECONDS


def test_the_heads_of_a_long_table_stay_in_sight(visit: Visit, many: Live) -> None:
    page = visit(many.url)
    table = page.get_by_role("region", name="Symbols")

    table.evaluate("region => region.scrollTo(0, 5000)")

    assert table.evaluate("region => region.scrollTop") == 5000
    expect(page.locator("#symbols thead th.fallback")).to_be_in_viewport()
