"""The pages as they leave the server: what stands in them, and that text from outside is nothing but text."""

import re
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from console.web.pages.backtest_files import BacktestFiles
from policy import TakerBias
from storage.store import Store
from storage.write import leases, overrides
from tests.support.runs import QUARTER, SLOT, claim, evidence, publish
from tests.support.store_calls import write
from tests.web.conftest import NOW, Visit

EVIL = "<script>alert(1)</script>"
PAGES = (
    *("/", "/symbols/BTCUSDT", "/savings", "/rules", "/orders", "/activity", "/runs", "/runs/3", "/overrides"),
    "/symbols/NOSUCH",
)


class Elements(HTMLParser):
    """Every element of a page, with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def shown_text(page: str) -> str:
    """The text of a page without its elements: what is only in their attributes is not shown."""
    return unescape(re.sub(r"<[^>]*>", " ", page))


def rows_of(page: str) -> list[str]:
    return [row.get("data-symbol") or "" for row in Elements(page).named("tr") if row.get("data-symbol")]


def test_the_overview_lists_every_symbol_the_worst_first(visit: Visit, small_store: Store) -> None:
    page = visit(small_store, symbols=["NEWUSDT"]).get("/").text

    assert rows_of(page) == ["DOGEUSDT", "BTCUSDT", "ETHUSDT", "NEWUSDT"]
    assert "by hand" in page
    assert 'href="/symbols/DOGEUSDT"' in page


def test_the_small_picture_is_the_quality_of_the_last_day_in_half_hours(client: TestClient) -> None:
    words = {
        attributes["aria-label"]
        for attributes in Elements(client.get("/").text).named("svg")
        if "no policy" in (attributes.get("aria-label") or "")
    }

    # Up to the slot of 04:00; the first run is that of 22:00, and no run between 01:00 and 04:00 changes anything.
    assert words == {
        "no policy 17.5 h, good 1 h, degraded 2 h, good 3.5 h",
        "no policy 17.5 h, good 3 h, degraded 3 h, good 0.5 h",
        "no policy 17.5 h, ok 2 h, broken 4.5 h",
    }


@pytest.mark.parametrize(
    ("after", "status", "words"),
    [
        (timedelta(minutes=20), "fresh", "the next is due at 2025-03-04T05:00:00Z"),
        (timedelta(hours=2), "fresh", "Fresh"),
        (timedelta(hours=2, seconds=1), "stale", "Stale since 2025-03-04T06:00:00Z"),
        (timedelta(hours=8, seconds=1), "expired", "Expired since 2025-03-04T12:00:00Z"),
        (timedelta(seconds=-6), "clock_skew", "A clock is wrong"),
    ],
)
def test_the_banner_says_how_fresh_the_whole_is(
    visit: Visit, small_store: Store, after: timedelta, status: str, words: str
) -> None:
    client = visit(small_store, now=NOW - timedelta(minutes=20) + after)

    for page in ("/", "/runs", "/symbols/BTCUSDT", "/rules"):
        page_text = client.get(page).text
        (banner,) = [element for element in Elements(page_text).named("p") if element.get("id") == "banner"]
        assert banner["data-status"] == status
        assert words in shown_text(page_text)


def test_the_part_that_updates_itself_is_sent_when_something_is_new(visit: Visit, sqlite_store: Store) -> None:
    times = [SLOT + timedelta(minutes=1)]
    publish(sqlite_store, SLOT, evidence("BTCUSDT"))
    client = visit(sqlite_store, now=None)
    client.app.state.cache.clock = lambda: times[-1]  # type: ignore[attr-defined]  # the app of a test has its state
    tag = f'W/"{Elements(client.get("/").text).named("div")[0]["data-tag"]}"'

    def asked() -> int:
        return client.get("/overview", headers={"If-None-Match": tag}).status_code

    seen = [asked()]
    times.append(SLOT + timedelta(minutes=30))
    seen.append(asked())
    times.append(SLOT + timedelta(hours=3))
    seen.append(asked())
    times.append(SLOT + timedelta(minutes=1))
    publish(sqlite_store, SLOT + QUARTER, evidence("ETHUSDT"))
    answer = client.get("/overview", headers={"If-None-Match": tag})

    assert seen == [304, 304, 200]
    assert rows_of(answer.text) == ["ETHUSDT"]


@pytest.mark.parametrize("address", PAGES[:9])
def test_a_slot_without_a_run_is_named_on_every_page_although_the_newest_is_fresh(
    client: TestClient, address: str
) -> None:
    text = shown_text(client.get(address).text)

    assert "Fresh: the newest slot is 2025-03-04T04:00:00Z" in text
    assert "2 slots of the last day have no run, the newest 2025-03-04T03:00:00Z (failed)" in text


def test_what_pages_ask_for_again_changes_with_runs_failures_and_gaps_and_has_the_clock(
    visit: Visit, sqlite_store: Store
) -> None:
    publish(sqlite_store, SLOT)
    client = visit(sqlite_store, now=SLOT + timedelta(minutes=1))
    tags: list[str] = []

    def answer_now() -> int:
        answer = client.get("/banner", headers={"If-None-Match": tags[-1] if tags else ""})
        assert float(answer.headers["Router-Policy-Clock"]) == (SLOT + timedelta(minutes=1)).timestamp()
        tags.append(answer.headers["ETag"])
        return answer.status_code

    statuses = [answer_now(), answer_now()]
    lease = claim(sqlite_store, SLOT + QUARTER)
    statuses.append(answer_now())
    write(sqlite_store, leases.record_failure, lease, "the log is locked", timedelta(0))
    statuses += [answer_now(), answer_now()]

    assert statuses == [200, 304, 304, 200, 304]


@pytest.mark.parametrize("address", [*PAGES, "/banner", "/overview"])
def test_no_browser_keeps_a_page_to_show_it_later(client: TestClient, address: str) -> None:
    assert client.get(address).headers["Cache-Control"] == "no-store"


def test_a_symbols_page_says_what_is_in_force_and_why(client: TestClient) -> None:
    page = client.get("/symbols/DOGEUSDT").text

    assert "taker, prefer taker" in page
    assert re.search(
        r'fallback_ratio</td><td class="number">0\.97</td><td class="number">&gt;= 0\.95</td><td>yes', page
    )
    assert "2025-03-04T00:00:00Z" in page
    assert "only 5 maker starts" in page


def test_a_symbols_page_names_the_override(visit: Visit, small_store: Store) -> None:
    page = visit(small_store, now=NOW + timedelta(minutes=20)).get("/symbols/ETHUSDT").text

    assert "of ann" in page
    assert "fee change" in page
    assert "Computed beneath it: maker first, prefer maker" in page


def test_an_override_is_among_the_changes_where_it_begins_and_where_it_ends(client: TestClient) -> None:
    rows = re.findall(r"<tr data-key=.*?</tr>", client.get("/symbols/BTCUSDT").text)
    cells = [[shown_text(cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]
    by_hand = [row for row in cells if "by hand" in " ".join(row)]

    assert [row[:2] for row in by_hand] == [
        ["2025-03-04T01:30:00Z", "by hand: taker, prefer taker"],
        ["2025-03-04T00:20:00Z", "as computed"],
    ]
    assert [row[2] for row in by_hand] == ["as computed", "by hand: taker, prefer taker"]
    assert "ended by" in by_hand[0][3]


def test_an_override_to_come_is_not_yet_among_the_changes(visit: Visit, small_store: Store) -> None:
    before = visit(small_store, now=NOW).get("/symbols/ETHUSDT").text
    after = visit(small_store, now=NOW + timedelta(minutes=20)).get("/symbols/ETHUSDT").text

    assert ("by hand: " in shown_text(before), "by hand: " in shown_text(after)) == (False, True)


def test_the_page_of_rule_sets_holds_the_live_one_against_its_shadow(visit: Visit, shadowed_store: Store) -> None:
    page = visit(shadowed_store, now=None).get("/rules?days=7").text
    table = re.sub(r"<[^>]*>", "|", page)

    assert "seed decides" in page
    # Of the 12 hours of two symbols' policies they differ in 1 of 6 for BTCUSDT and always for ETHUSDT.
    assert re.search(r"all\|+seed / breaker1\|+58\.3 %\|+8\.3 %\|", table)
    assert "breaker1: BTCUSDT" in page
    assert "2026-04-26T01:00:00Z" in page
    assert "2026-04-26T05:00:00Z" in page
    # The time line is the seven days up to 06:00, in thousandths: open from hour 163 to 167 of 168.
    bars = [element for element in Elements(page).named("rect") if element["class"] == "broken"]
    assert [(element["x"], element["width"]) for element in bars] == [("970", "24")]


def test_without_a_shadow_the_page_says_how_to_get_one(visit: Visit, sqlite_store: Store) -> None:
    publish(sqlite_store, SLOT)

    assert 'shadow = ["breaker"]' in unescape(visit(sqlite_store).get("/rules").text)


def test_the_last_backtest_is_shown_with_its_picture(visit: Visit, small_store: Store, tmp_path: Path) -> None:
    path = tmp_path / "backtest.json"
    client = visit(small_store, backtest=BacktestFiles(path))
    assert "does not exist yet" in client.get("/rules").text
    path.write_text("[1]")
    assert "is not the output of router-policy backtest --json" in client.get("/rules").text

    difference = '{"mean": -0.125, "interval": {"lower": -0.2, "upper": -0.05}}'
    policy = (
        f'{{"name": "breaker", "cost": {difference}, "over_maker": {difference}, "over_taker": {difference}, '
        '"verdict_over_maker": "costs less", "verdict_over_taker": "costs less"}'
    )
    path.write_text(
        '{"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z", "order_count": 7, "day_count": 31, '
        f'"outage_count": 0, "policies": [{policy}], "words": ["breaker: it helps here"]}}'
    )
    path.with_suffix(".svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")

    page = client.get("/rules").text
    assert "-0.125 (-0.200 to -0.050)" in page
    assert "it helps here" in page
    picture = client.get("/rules/backtest")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")


def test_the_runs_page_has_runs_rejects_gaps_failures_overrides_and_the_head(client: TestClient) -> None:
    page = client.get("/runs").text

    for words in (
        "candles: 2 × bad_row, as BTCUSDT.csv:3",
        "missed",
        "the log is locked",
        "no file matches",
        "fee change",
        client.get("/v1/head").json()["digest"],
    ):
        assert words in unescape(page), words


def test_text_from_outside_is_nothing_but_text(visit: Visit, sqlite_store: Store) -> None:
    publish(sqlite_store, SLOT, evidence(EVIL, fallback=0.95))
    publish(sqlite_store, SLOT + QUARTER, evidence(EVIL))
    override: dict[str, Any] = {
        "maker_first": False,
        "taker_bias": TakerBias.PREFER_TAKER,
        "lasting": timedelta(days=1),
    }
    write(sqlite_store, overrides.make_override, "default", EVIL, author=EVIL, reason=f'"{EVIL}', **override)
    client = visit(sqlite_store, now=None)

    others = ("/rules", "/orders", "/activity", "/runs", "/overrides")
    for address in ("/", "/overview", "/symbols/%3Cscript%3Ealert(1)%3C%2Fscript%3E", *others):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert EVIL not in answer.text
        assert "alert(1)" in answer.text or address in {"/rules", "/orders"}
        assert not [element for element in Elements(answer.text).named("script") if "src" not in element]


@pytest.mark.parametrize("address", PAGES)
def test_a_page_needs_nothing_from_outside_and_has_no_script_of_its_own(client: TestClient, address: str) -> None:
    page = client.get(address).text
    elements = Elements(page)

    for tag, attributes in elements.found:
        named = [attributes.get(name) for name in ("src", "href", "action") if attributes.get(name)]
        assert all(str(link).startswith(("/", "#")) and not str(link).startswith("//") for link in named), (tag, named)
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
        assert tag != "style"
    scripts = [str(element["src"]) for element in elements.named("script")]
    sheets = [str(element["href"]) for element in elements.named("link")]
    assert all(client.get(link).status_code == 200 for link in {*scripts, *sheets})


@pytest.mark.parametrize("address", PAGES)
def test_a_page_can_be_read_aloud(client: TestClient, address: str) -> None:
    elements = Elements(client.get(address).text)

    assert elements.named("html") == [{"lang": "en"}]
    assert len(elements.named("h1")) == 1
    assert len(elements.named("main")) == 1
    assert all(element.get("aria-label") or element.get("aria-hidden") for element in elements.named("svg"))
    assert all("scope" in element for element in elements.named("th"))
    ids = [attributes["id"] for _, attributes in elements.found if attributes.get("id")]
    assert len(ids) == len(set(ids))


def test_the_tiles_count_what_a_person_looks_for_first(visit: Visit, small_store: Store) -> None:
    page = visit(small_store, now=NOW + timedelta(minutes=20)).get("/").text
    tiles = dict(re.findall(r'<li data-key="(\w+)".*?<strong>(.*?)</strong>', page))

    # DOGEUSDT is broken and goes to taker; the override of ETHUSDT lasts.
    assert (tiles["broken"], tiles["taker"], tiles["overrides"]) == ("1", "2", "1")


def test_a_row_says_nothing_of_the_age_that_the_strip_shows_for_all(visit: Visit, small_store: Store) -> None:
    stale = visit(small_store, now=NOW + timedelta(hours=3)).get("/").text
    table = stale[stale.index("<tbody>") :]

    assert "Stale since" in shown_text(stale)
    assert "only 5 maker starts" in table
    assert "the policy is stale" not in table


def test_no_word_is_explained_by_a_title_that_only_a_mouse_can_read(client: TestClient) -> None:
    for address in PAGES:
        elements = Elements(client.get(address).text)
        assert not [attributes for _, attributes in elements.found if "title" in attributes]
        texts = {attributes.get("id") for _, attributes in elements.found if attributes.get("role") == "tooltip"}
        tips = [button for button in elements.named("button") if "popovertarget" in button]
        assert all(tip["popovertarget"] in texts and tip["aria-describedby"] in texts for tip in tips), address
