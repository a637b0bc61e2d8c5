"""docs/settings.md: generated from the settings classes, with every setting, its type, its default and its meaning."""

import re
from pathlib import Path

import pytest

from console.settings.model import OverridesSettings, setting_names
from console.settings.values import Section
from docs.generators.settings_page import meaning, settings_page

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def rows() -> dict[str, list[str]]:
    """Read type, default and meaning of each setting from the page, by its name in the form `store.url`."""
    sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    cells: dict[str, list[str]] = {}
    for section in sections:
        title, _, body = section.partition("\n")
        prefix = f"{title.strip('[]')}." if title.startswith("[") else ""
        for line in re.findall(r"^\| `.*\|$", body, flags=re.MULTILINE):
            name, *others = (cell.strip() for cell in line.strip("|").split(" | "))
            cells[prefix + name.strip("`")] = others
    return cells


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == settings_page(), "run: make docs"


def test_the_page_has_every_setting_once() -> None:
    outside_tables = [name for name in rows() if not name.startswith(("orders.symbols.", "candles.symbols."))]

    assert sorted(outside_tables) == sorted(name.replace("__", ".") for name in setting_names())


@pytest.mark.parametrize(
    ("setting", "kind", "default"),
    [
        ("symbols", "list of text", "`[]`"),
        ("symbols_leave_after", "duration", '`"30d"`'),
        ("orders.post_only", "flag", "`false`"),
        ("orders.symbols.style", '`"as-is"`, `"compact"`', '`"as-is"`'),
        ("candles.interval", "duration", "required"),
        ("rules.seed", "table of names, each with number or flag", "`{}`"),
        ("fees.symbols", "table of names, each with `maker_bps` and `taker_bps`", "`{}`"),
        ("experiment.share", "number from 0 to 0.5", "`0.0`"),
        ("experiment.until_bps", "number above 0 to 1000", "`0.5`"),
        ("notify.deadline", "duration", '`"30s"`'),
        ("web.token", "secret text", "none"),
        ("web.write_token", "table of names, each with secret text", "`{}`"),
    ],
)
def test_a_setting_has_its_type_and_its_default(setting: str, kind: str, default: str) -> None:
    assert rows()[setting][:2] == [kind, default]


def test_a_list_of_all_words_is_all() -> None:
    assert rows()["notify.on"][1] == "all"


def test_of_a_setting_the_docstring_below_it_is_the_meaning() -> None:
    assert meaning(OverridesSettings, "longest").startswith("The longest time that `router-policy override --for`")


def test_a_setting_without_a_docstring_is_refused() -> None:
    class Undescribed(Section):
        extra: str = ""

    with pytest.raises(KeyError, match="the setting extra of Undescribed has no docstring"):
        meaning(Undescribed, "extra")
