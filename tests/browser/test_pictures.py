"""The pictures of the pages in docs/pictures: `TAKE_PICTURES=1 pytest tests/browser/test_pictures.py` replaces them."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.browser.conftest import Visit
from tests.browser.serving import Live

pytestmark = pytest.mark.xdist_group("browser")
KEPT = Path(__file__).parents[2] / "docs" / "pictures"
SCREEN: ViewportSize = {"width": 1440, "height": 720}
SMALL_BYTES = 200_000


@pytest.mark.parametrize(("name", "address"), [("overview", "/"), ("symbol", "/symbols/SOLUSDT")])
@pytest.mark.parametrize(("colours", "ending"), [("light", ""), ("dark", "-dark")])
def test_a_picture_of_a_page_is_small(
    visit: Visit, two_days: Live, tmp_path: Path, name: str, address: str, colours: str, ending: str
) -> None:
    folder = KEPT if os.environ.get("TAKE_PICTURES") == "1" else tmp_path
    page = visit(two_days.url + address, viewport=SCREEN, color_scheme=colours, reduced_motion="reduce")
    if name == "symbol":
        expect(page.locator("#picture[data-marks]")).to_have_attribute("data-drawn", "48")
        page.locator("#pictures-heading").evaluate("one => one.scrollIntoView()")

    path = folder / f"{name}{ending}.png"
    page.screenshot(path=path)

    assert path.stat().st_size < SMALL_BYTES


def test_the_guide_shows_each_picture_in_the_colours_of_its_reader() -> None:
    guide = (KEPT.parent / "console.md").read_text("utf-8")

    shown = re.findall(r"\(pictures/([^)]+)\)", guide)

    assert sorted(shown) == sorted(
        f"{path.name}#gh-{'dark' if path.stem.endswith('-dark') else 'light'}-mode-only" for path in KEPT.glob("*.png")
    )
