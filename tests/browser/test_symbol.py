"""A symbol's page in a browser: its pictures over time, and how long a time they show."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.serving import Live

pytestmark = pytest.mark.xdist_group("browser")
HOURS_SHOWN = 47  # from the first slot to the last
BROKEN_SOFT, OK_SOFT = "rgb(250, 220, 217)", "rgb(221, 232, 247)"
# Where each shade behind the pictures begins and ends, as shares of the picture's width, with its colour.
_SHADES = """
picture => {
    const { left, width } = picture.querySelector('.gridlayer').getBoundingClientRect();
    return [...picture.querySelectorAll('.layer-below .shapelayer path')].map(path => {
        const box = path.getBoundingClientRect();
        return [getComputedStyle(path).fill, (box.left - left) / width, (box.right - left) / width];
    });
}
"""


def drawn(page: Page, runs: int) -> None:
    """Wait until the picture shows so many runs."""
    expect(page.locator("#picture")).to_have_attribute("data-drawn", str(runs))


def shades(page: Page) -> dict[str, tuple[float, float]]:
    """Where the shade of each colour begins and ends, in hours from the first run shown."""
    bands: list[tuple[str, float, float]] = page.locator("#picture").evaluate(_SHADES)
    return {colour: (start, end) for colour, start, end in bands}


def test_the_picture_shows_a_known_change_at_the_right_time(visit: Visit, two_days: Live) -> None:
    page = visit(f"{two_days.url}/symbols/SOLUSDT")
    drawn(page, 48)

    spans = shades(page)

    # Good from the first slot on, broken from the 30th hour after it to the 40th, then ok to the end.
    assert spans[BROKEN_SOFT] == pytest.approx((30 / HOURS_SHOWN, 40 / HOURS_SHOWN), abs=0.01)
    assert spans[OK_SOFT] == pytest.approx((40 / HOURS_SHOWN, 1), abs=0.01)
    changes = page.locator("#changes tbody tr")
    expect(changes.nth(1)).to_contain_text("2026-04-26T06:00:00Z")
    expect(changes.nth(1)).to_contain_text("broken taker")


def test_a_day_is_looked_at_more_closely_than_all(visit: Visit, two_days: Live) -> None:
    page = visit(f"{two_days.url}/symbols/SOLUSDT")
    day = page.get_by_role("button", name="1 day")

    drawn(page, 48)
    day.click()
    drawn(page, 25)
    # The day begins with the slot of 23:00, seven hours before the change.
    assert shades(page)[BROKEN_SOFT] == pytest.approx((7 / 24, 17 / 24), abs=0.01)
    expect(day).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="All").click()
    drawn(page, 48)


def test_dragging_over_the_picture_zooms_in(visit: Visit, two_days: Live) -> None:
    page = visit(f"{two_days.url}/symbols/SOLUSDT")
    drawn(page, 48)
    whole = shades(page)[BROKEN_SOFT]
    area = page.locator("#picture .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None

    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.95, box["y"] + 60, steps=5)
    page.mouse.up()

    expect(page.locator("#picture .zoombox")).to_have_count(0)
    start, end = shades(page)[BROKEN_SOFT]
    assert end - start > 1.8 * (whole[1] - whole[0])


def test_a_symbols_page_says_why_with_figures_and_thresholds(visit: Visit, two_days: Live) -> None:
    page = visit(f"{two_days.url}/symbols/DOGEUSDT")

    rules = page.locator("#rules tbody tr").filter(has_text="degraded").filter(has_text="fallback_ratio")
    expect(rules.get_by_role("cell")).to_have_text(["fallback_ratio", "0.7", ">= 0.6", "yes"])
    expect(page.get_by_text("In the shadow, breaker1 would decide: maker first, prefer maker")).to_be_visible()
