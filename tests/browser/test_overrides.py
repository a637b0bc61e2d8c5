"""Overrides from the page: previewed, made, seen everywhere, and ended, with the keyboard alone as well."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from console.web.writing import Writing
from storage.audit import chain
from tests.browser.conftest import Visit
from tests.browser.serving import Live, serving
from tests.browser.two_days import LAST_HOUR, publish_hour
from tests.support.store_calls import read

pytestmark = pytest.mark.xdist_group("browser")
TOKEN = "anns token, long enough"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Live]:
    """A console of one run from which ann may override; overrides begin by the database's clock, which is now."""
    writing = Writing(tokens={"ann": TOKEN}, longest=timedelta(days=2))
    with serving(tmp_path, writing) as live:
        publish_hour(live.store, LAST_HOUR)
        live.now = datetime.now(UTC) + timedelta(minutes=10)  # later than whatever a test writes
        yield live


def fill_in(page: Page, reason: str, token: str = TOKEN) -> None:
    page.get_by_label("Route").select_option(label="straight to taker")
    page.get_by_label("For how long").select_option("4h")
    page.get_by_label("Reason").first.fill(reason)
    page.get_by_label("Your write token").first.fill(token)


def test_an_override_is_previewed_made_seen_and_ended(desk: Live, visit: Visit) -> None:
    before = read(desk.store, chain.head).entry_id
    page = visit(f"{desk.url}/symbols/DOGEUSDT")
    page.locator("#to-override").click()
    form = page.locator("#new-override")
    expect(form.get_by_label("Symbol")).to_have_value("DOGEUSDT")
    assert page.get_by_label("For how long").locator("option").last.inner_text() == "2d"

    fill_in(page, "venue maintenance")
    form.get_by_role("button", name="Preview").click()
    expect(form.locator(".preview")).to_contain_text("DOGEUSDT would go straight to taker, prefer taker, until ")
    expect(form.locator(".preview")).to_contain_text(
        "Now it goes maker first, prefer taker (as computed, quality degraded)"
    )
    assert read(desk.store, chain.head).entry_id == before
    form.get_by_role("button", name="Put it in force").click()

    lasting = page.locator("#lasting li")
    expect(lasting).to_contain_text("DOGEUSDT: taker, prefer taker, by ann")
    expect(form.locator(".preview")).to_contain_text("is in force: DOGEUSDT goes straight to taker")
    expect(page.locator("#overrides tbody tr")).to_contain_text("venue maintenance")
    assert read(desk.store, chain.head).entry_id == before + 1
    lasting.get_by_role("button", name="End it").click()
    end = page.locator("#end-override")
    expect(end.get_by_label("Reason")).to_be_focused()
    end.get_by_label("Reason").fill("venue is back")
    end.get_by_label("Your write token").fill(TOKEN)
    end.get_by_role("button", name="End it now").click()
    expect(page.locator("#overrides tbody tr")).to_contain_text("ended by ann: venue is back")
    expect(page.get_by_text("None: every policy is as it was computed.")).to_be_visible()
    assert read(desk.store, chain.head).entry_id == before + 2


def test_a_refusal_is_said_where_the_person_looks_and_what_was_typed_stays(
    desk: Live, visit: Visit, complaints: list[str]
) -> None:
    page = visit(f"{desk.url}/overrides?symbol=DOGEUSDT")
    form = page.locator("#new-override")

    fill_in(page, "venue maintenance", "not a token of anybody")
    form.get_by_role("button", name="Preview").click()
    form.get_by_role("button", name="Put it in force").click()
    expect(form.locator(".preview")).to_contain_text("Refused: nothing was written: send a token of web.write_token")
    expect(form.get_by_label("Reason")).to_have_value("venue maintenance")
    expect(form.get_by_role("button", name="Put it in force")).to_be_hidden()
    assert complaints
    assert all("403" in text for text in complaints)  # the browser's own word for the refusal
    complaints.clear()


def test_a_change_of_the_fields_asks_for_a_new_preview(desk: Live, visit: Visit) -> None:
    page = visit(f"{desk.url}/overrides?symbol=DOGEUSDT")
    form = page.locator("#new-override")
    fill_in(page, "venue maintenance")
    form.get_by_role("button", name="Preview").click()
    expect(form.get_by_role("button", name="Put it in force")).to_be_visible()

    page.get_by_label("Route").select_option(label="maker first")

    expect(form.get_by_role("button", name="Put it in force")).to_be_hidden()
    expect(form.locator(".preview")).to_have_text("")


def test_a_page_that_stays_open_keeps_what_is_typed_when_a_run_is_published(desk: Live, visit: Visit) -> None:
    page = visit(f"{desk.url}/overrides?symbol=DOGEUSDT")
    fill_in(page, "half a sent")
    page.evaluate("window.isTheSamePage = true")

    publish_hour(desk.store, LAST_HOUR + 1)

    expect(page.locator("#live")).to_contain_text("2026-04-27T00:00:00Z")
    expect(page.get_by_label("Reason").first).to_have_value("half a sent")
    assert page.evaluate("window.isTheSamePage") is True


def test_the_form_can_be_used_by_everybody(desk: Live, visit: Visit) -> None:
    page = visit(f"{desk.url}/overrides?symbol=DOGEUSDT", viewport={"width": 360, "height": 740})
    for colours in ("light", "dark"):
        page.emulate_media(color_scheme=colours)
        results = Axe().run(page)
        assert not [fault for fault in results.response["violations"] if fault["impact"] in {"serious", "critical"}]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    form = page.locator("#new-override")
    form.get_by_label("Symbol").focus()
    for name in ("Route", "Patience", "For how long", "Reason", "Your write token"):
        page.keyboard.press("Tab")
        expect(form.get_by_label(name)).to_be_focused()
    page.keyboard.press("Tab")
    expect(form.get_by_role("button", name="Preview")).to_be_focused()
