"""A symbol's page in a browser: its chart over time, how long a time it shows, and what it says about a moment."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import FloatRect, Page, ViewportSize, expect

from storage.write import leases
from tests.browser.conftest import Visit
from tests.browser.serving import Live
from tests.browser.two_days import LAST_HOUR, NOW, publish_hour
from tests.support.shadowed_history import HOUR, MIDNIGHT
from tests.support.store_calls import write

pytestmark = pytest.mark.xdist_group("browser")
HOURS_SHOWN = 47  # from the first slot to the last
BROKEN_SOFT, OK_SOFT = "rgb(250, 220, 217)", "rgb(221, 232, 247)"
PHONE: ViewportSize = {"width": 360, "height": 740}
# Where each shade behind the first panel begins and ends, as shares of the panel's width, with its colour.
_SHADES = """
picture => {
    const { left, width } = picture.querySelector('.u-over').getBoundingClientRect();
    return [...picture.querySelector('.uplot').querySelectorAll('.shade')].map(shade => {
        const box = shade.getBoundingClientRect();
        return [getComputedStyle(shade).backgroundColor, (box.left - left) / width, (box.right - left) / width];
    });
}
"""
# For each pixel of the first panel's width, whether the line of the fallback ratio, red and opaque, is drawn there.
_RED_COLUMNS = """
() => {
    const canvas = document.querySelector('#picture canvas');
    const [over, whole] = [document.querySelector('#picture .u-over'), canvas].map(one => one.getBoundingClientRect());
    const { data, width } = canvas.getContext('2d').getImageData(
        over.left - whole.left, over.top - whole.top, over.width, over.height);
    const columns = Array(width).fill(false);
    for (let at = 0; at < data.length; at += 4)
        if (data[at] > 160 && data[at + 1] < 60 && data[at + 3] > 200) columns[(at / 4) % width] = true;
    return columns;
}
"""


def drawn(page: Page, runs: int) -> None:
    """Wait until the picture shows so many runs, and the marks of what happened: it is drawn again for these."""
    expect(page.locator("#picture")).to_have_attribute("data-drawn", str(runs))
    expect(page.locator("#picture[data-marks]")).to_be_attached()


def shades(page: Page) -> dict[str, tuple[float, float]]:
    """Where the shade of each colour begins and ends, in hours from the first run shown."""
    bands: list[tuple[str, float, float]] = page.locator("#picture").evaluate(_SHADES)
    return {colour: (start, end) for colour, start, end in bands}


def box_of(page: Page, selector: str) -> FloatRect:
    """Where an element is on the screen."""
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box


def point_at(page: Page, panel: int, share: float) -> None:
    """Move the pointer over a panel, to this share of its width."""
    page.locator("#picture .u-over").nth(panel).scroll_into_view_if_needed()
    box = box_of(page, f"#picture .u-over >> nth={panel}")
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + 40, steps=2)


def drag(page: Page, start: float, end: float) -> None:
    """Drag over the first panel from one share of its width to another."""
    point_at(page, 0, start)
    page.mouse.down()
    point_at(page, 0, end)
    page.mouse.up()


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

    drag(page, 0.5, 0.95)

    # From half of 47 hours, the slot of 23:00, to 44.65 hours, after the slot of 20:00: 22 slots.
    drawn(page, 22)
    start, end = shades(page)[BROKEN_SOFT]
    assert end - start > 1.8 * (whole[1] - whole[0])
    page.locator("#picture .u-over").first.dblclick()
    drawn(page, 48)


def test_the_time_shown_is_in_the_address_and_opens_again(visit: Visit, two_days: Live) -> None:
    page = visit(f"{two_days.url}/symbols/SOLUSDT")
    drawn(page, 48)

    page.get_by_role("button", name="1 day").click()
    drawn(page, 25)
    assert page.url.endswith("/symbols/SOLUSDT?days=1")
    page.reload()
    drawn(page, 25)
    expect(page.get_by_role("button", name="1 day")).to_have_attribute("aria-pressed", "true")
    drag(page, 0.5, 0.95)
    # Half of 24 hours after 23:00 is 11:00; 0.95 of them lie 22.8 hours after it.
    expect(page.get_by_role("button", name="1 day")).to_have_attribute("aria-pressed", "false")
    drawn(page, 11)
    values = parse_qs(urlsplit(page.url).query)
    assert values["since"] == ["2026-04-26T11:00:00Z"]
    assert values["until"][0].startswith("2026-04-26T21:4")
    page.reload()
    drawn(page, 11)


def test_an_address_with_a_time_that_cannot_be_read_shows_the_usual_one(visit: Visit, two_days: Live) -> None:
    for query in ("days=never", "days=-1", "since=2026-04-26T23:00:00Z&until=2026-04-26", "since=x&until=y"):
        page = visit(f"{two_days.url}/symbols/SOLUSDT?{query}")
        drawn(page, 48)
        expect(page.get_by_role("button", name="3 days")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("screen", [{"width": 1280, "height": 720}, PHONE])
def test_every_threshold_has_a_label_that_covers_no_other(visit: Visit, two_days: Live, screen: ViewportSize) -> None:
    page = visit(f"{two_days.url}/symbols/SOLUSDT", viewport=screen)
    drawn(page, 48)
    labels = page.locator("#picture .threshold-label")

    # The median is about 1 bps: 4 and 8 are in the picture, and 20 is above it. So is 2.5 of the ATR ratio.
    assert sorted(labels.all_inner_texts()) == sorted(
        [
            "broken: fallback ≥ 0.9",
            "good: maker fill ≥ 0.7",
            "degraded: fallback ≥ 0.6",
            "good: fallback ≤ 0.4",
            "↑ broken: median ≥ 20",
            "degraded: median ≥ 8",
            "good: median ≤ 4",
            "↑ hot: below 2.5",
            "normal: below 1.5",
            "quiet: below 0.5",
        ]
    )
    boxes = [box_of(page, f"#picture .threshold-label >> nth={index}") for index in range(10)]
    for index, box in enumerate(boxes):
        assert box["x"] + box["width"] <= screen["width"]
        assert not any(overlap(box, other) for other in boxes[index + 1 :]), labels.nth(index).inner_text()


def overlap(box: FloatRect, other: FloatRect) -> bool:
    is_beside = box["x"] + box["width"] <= other["x"] or other["x"] + other["width"] <= box["x"]
    is_apart = box["y"] + box["height"] <= other["y"] or other["y"] + other["height"] <= box["y"]
    return not is_beside and not is_apart


def test_the_pointer_over_any_panel_reads_all_of_them_in_words(visit: Visit, two_days: Live) -> None:
    page = visit(f"{two_days.url}/symbols/SOLUSDT")
    drawn(page, 48)
    readout = page.locator("#picture .readout")
    expect(readout).to_be_hidden()

    for panel in range(3):
        # 31.5 of 47 hours: between the slots of 07:00 and 08:00. The fallback ratio is 0.95 + 0.02 sin(16 / 3).
        point_at(page, panel, 31.5 / HOURS_SHOWN)
        expect(readout).to_contain_text("2026-04-26 07:00 UTC")
        expect(readout).to_contain_text("broken: straight to taker, prefer taker")
        expect(readout).to_contain_text("maker fill 0.06627, fallback 0.9337")
        expect(readout).to_contain_text("normal market, ATR ratio")
        expect(readout).to_contain_text("50 orders, 40 started as maker")
        assert page.locator("#picture .u-cursor-x:visible").count() == 3
    assert "_" not in page.locator("#picture").inner_text()


def test_a_switch_shows_the_times_of_this_machine_and_is_kept(visit: Visit, two_days: Live) -> None:
    page = visit(f"{two_days.url}/symbols/SOLUSDT", timezone_id="Asia/Kolkata")
    drawn(page, 48)
    switch = page.get_by_role("button", name="Local time")

    point_at(page, 0, 31.5 / HOURS_SHOWN)
    expect(page.locator("#picture .readout")).to_contain_text("2026-04-26 07:00 UTC")
    switch.click()
    point_at(page, 0, 31.5 / HOURS_SHOWN)
    expect(page.locator("#picture .readout")).to_contain_text("2026-04-26 12:30 UTC+05:30")
    page.reload()
    drawn(page, 48)
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#picture .zone")).to_have_text("Times are in local time, UTC+05:30")


def test_the_arrow_keys_go_through_the_chart_and_say_what_stands_there(visit: Visit, two_days: Live) -> None:
    page = visit(f"{two_days.url}/symbols/SOLUSDT")
    drawn(page, 48)
    readout, spoken = page.locator("#picture .readout"), page.locator("#picture-values[role=status]")

    def press(key: str, moment: str) -> None:
        page.keyboard.press(key)
        expect(readout).to_contain_text(f"{moment} UTC")
        expect(spoken).to_contain_text(f"{moment} UTC; ")
        assert page.locator("#picture .u-cursor-x:visible").count() == 3

    page.locator("#picture").focus()
    press("ArrowLeft", "2026-04-26 23:00")
    press("ArrowLeft", "2026-04-26 22:00")
    press("ArrowRight", "2026-04-26 23:00")
    press("ArrowRight", "2026-04-26 23:00")
    press("Home", "2026-04-25 00:00")
    press("ArrowLeft", "2026-04-25 00:00")
    press("ArrowRight", "2026-04-25 01:00")
    expect(spoken).to_contain_text("good: maker first, prefer maker; maker fill 0.8")
    page.evaluate("document.dispatchEvent(new Event('router-policy:zone'))")  # the chart is drawn anew
    expect(readout).to_contain_text("2026-04-25 01:00 UTC")
    press("End", "2026-04-26 23:00")
    page.keyboard.press("Escape")
    expect(readout).to_be_hidden()


def test_the_pointer_takes_over_from_the_keyboard(visit: Visit, two_days: Live) -> None:
    page = visit(f"{two_days.url}/symbols/SOLUSDT")
    drawn(page, 48)

    page.locator("#picture").focus()
    page.keyboard.press("Home")
    expect(page.locator("#picture .readout")).to_contain_text("2026-04-25 00:00 UTC")
    point_at(page, 1, 31.5 / HOURS_SHOWN)
    expect(page.locator("#picture .readout")).to_contain_text("2026-04-26 07:00 UTC")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#picture .readout")).to_contain_text("2026-04-26 23:00 UTC")


def test_slots_without_a_run_are_hatched_and_no_line_goes_through_them(empty: Live, visit: Visit) -> None:
    for hour in (LAST_HOUR - 8, LAST_HOUR - 7, LAST_HOUR - 2, LAST_HOUR - 1, LAST_HOUR):
        publish_hour(empty.store, hour)
    missed = [MIDNIGHT + (LAST_HOUR - back) * HOUR for back in (6, 5, 4, 3)]
    write(empty.store, leases.mark_missed, "default", missed)
    page = visit(f"{empty.url}/symbols/WIFUSDT")
    drawn(page, 5)

    # Of eight hours: runs at 0, 1, 6, 7 and 8. What the run at 1 found holds until 2; nothing is known from 2 to 6.
    (gap,) = page.locator("#picture").evaluate(_SHADES.replace("'.shade'", "'.shade.gap'"))
    assert gap[1:] == pytest.approx([2 / 8, 6 / 8], abs=0.01)
    is_drawn = page.evaluate(_RED_COLUMNS)
    width = len(is_drawn) / 8  # of an hour
    assert all(is_drawn[round(0.1 * width) : round(1.9 * width)])
    assert not any(is_drawn[round(2.1 * width) : round(5.9 * width)])
    assert all(is_drawn[round(6.1 * width) : round(7.9 * width)])
    point_at(page, 1, 4.5 / 8)
    expect(page.locator("#picture .readout")).to_contain_text("no run")


def test_marks_of_events_are_lines_through_all_panels_with_their_words_under_the_pointer(
    visit: Visit, two_days: Live
) -> None:
    page = visit(f"{two_days.url}/symbols/SOLUSDT")
    events = [
        {"at": "2026-04-26T06:00:00Z", "kind": "policy_changed", "what": "to taker: six misses", "author": None},
        {"at": (NOW - timedelta(days=9)).isoformat(), "kind": "policy_changed", "what": "before", "author": None},
    ]
    page.route("**/v1/events?*", lambda route: route.fulfill(json={"items": events, "next": None}))
    page.reload()
    drawn(page, 48)

    expect(page.locator("#picture .mark.policy_changed")).to_have_count(3)
    point_at(page, 2, 30.05 / HOURS_SHOWN)
    expect(page.locator("#picture .readout")).to_contain_text("policy changed: to taker: six misses")
    point_at(page, 2, 20 / HOURS_SHOWN)
    expect(page.locator("#picture .readout")).not_to_contain_text("to taker: six misses")


def test_a_symbols_page_says_why_with_figures_and_thresholds(visit: Visit, two_days: Live) -> None:
    page = visit(f"{two_days.url}/symbols/DOGEUSDT")

    rules = page.locator("#rules tbody tr").filter(has_text="degraded").filter(has_text="fallback_ratio")
    expect(rules.get_by_role("cell")).to_have_text(["fallback_ratio", "0.7", ">= 0.6", "yes"])
    expect(page.get_by_text("In the shadow, breaker1 would decide: maker first, prefer maker")).to_be_visible()
