"""The pictures of the pages in docs/pictures: `TAKE_PICTURES=1 pytest tests/browser/test_pictures.py` replaces them."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.browser.conftest import Visit
from tests.browser.serving import Live

pytestmark = pytest.mark.xdist_group("browser")
KEPT = Path(__file__).parents[2] / "docs" / "pictures"
SCREEN: ViewportSize = {"width": 1440, "height": 720}
SMALL_BYTES = 200_000


@pytest.mark.parametrize(
    ("name", "address", "colours"),
    [
        ("overview", "/", "light"),
        ("symbol", "/symbols/SOLUSDT", "light"),
        ("rules", "/rules?days=7", "dark"),
        ("runs", "/runs", "light"),
    ],
)
def test_a_picture_of_a_page_is_small(
    visit: Visit, two_days: Live, tmp_path: Path, name: str, address: str, colours: str
) -> None:
    folder = KEPT if os.environ.get("TAKE_PICTURES") == "1" else tmp_path
    page = visit(two_days.url + address, viewport=SCREEN, color_scheme=colours, reduced_motion="reduce")
    if name == "symbol":
        expect(page.locator("#picture")).to_have_attribute("data-drawn", "48")
        page.locator("#pictures-heading").evaluate("one => one.scrollIntoView()")

    path = folder / f"{name}.png"
    page.screenshot(path=path)

    assert path.stat().st_size < SMALL_BYTES
