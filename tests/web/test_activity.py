"""What happened, on the page of activity, for programs and for spreadsheets."""

import csv
import re
from datetime import datetime, timedelta
from io import StringIO
from urllib.parse import parse_qs, urlsplit

from starlette.testclient import TestClient

from storage.store import Store
from tests.web.conftest import NOW, Visit
from tests.web.test_pages import Elements, shown_text


def kinds_of(page: str) -> list[str]:
    rows = re.findall(r"<tr data-key.*?</tr>", page, re.DOTALL)
    return [shown_text(re.findall(r"<td.*?</td>", row)[0]).strip() for row in rows]


def test_the_page_lists_what_happened_and_links_to_symbols_and_runs(client: TestClient) -> None:
    page = client.get("/activity").text

    for words in ("override made", "ann", "venue maintenance", "rule set changed", "slot missed", "run failed"):
        assert words in shown_text(page), words
    assert 'href="/symbols/DOGEUSDT"' in page
    assert 'href="/runs/3"' in page


def test_the_form_narrows_the_page_by_kind_symbol_and_time(client: TestClient) -> None:
    assert kinds_of(client.get("/activity?kind=to_taker").text) == ["to taker"] * 2
    assert kinds_of(client.get("/activity?kind=override_made&symbol=ETHUSDT&since=").text) == ["override made"]
    assert kinds_of(client.get("/activity?kind=override_made&since=2025-03-04T04:00:00Z").text) == ["override made"]
    assert "Nothing of the kind" in client.get("/activity?kind=pruned").text
    refused = client.get("/activity?kind=nonsense")
    assert (refused.status_code, "to_taker" in refused.text) == (422, True)


def test_since_yesterday_is_the_midnight_before_last(visit: Visit, small_store: Store) -> None:
    page = visit(small_store, now=NOW + timedelta(days=1)).get("/activity?kind=slot_missed").text
    (link,) = [element for element in Elements(page).named("a") if element.get("id") == "since-yesterday"]

    asked = parse_qs(urlsplit(str(link["href"])).query)
    assert asked == {"kind": ["slot_missed"], "since": ["2025-03-04T00:00:00Z"]}


def test_programs_get_events_page_by_page_without_a_gap(client: TestClient) -> None:
    whole = client.get("/v1/events").json()
    pieces, address = [], "/v1/events?limit=2"
    while address:
        page = client.get(address).json()
        pieces += page["items"]
        address = page["next"]

    assert pieces == whole["items"]
    assert whole["next"] is None
    assert len(pieces) > 8


def test_a_spreadsheet_gets_the_same_and_no_formula(client: TestClient) -> None:
    answer = client.get("/v1/events?kind=override_ended&format=csv")
    (row,) = csv.DictReader(StringIO(answer.text))

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert row == {
        "at": "2025-03-04T01:30:00Z",
        "kind": "override_ended",
        "symbol": "BTCUSDT",
        "run_id": "",
        "what": "override 101: taker, prefer taker",
        "author": "bob",
        "reason": "venue is back",
    }


def test_the_chart_of_a_symbol_is_told_where_its_marks_are(client: TestClient) -> None:
    page = client.get("/symbols/BTCUSDT").text
    (address,) = re.findall(r'data-events="([^"]*)"', page)

    items = client.get(address).json()["items"]

    assert {item["symbol"] for item in items} == {"BTCUSDT", None}
    assert "override_made" in {item["kind"] for item in items}


def test_a_run_has_a_page_with_its_changes_rejects_and_times(client: TestClient) -> None:
    page = client.get("/runs/3").text
    text = shown_text(page)

    assert "Run 3" in text
    assert "2025-03-04T00:00:00Z" in text
    assert kinds_of(page)[0] == "to taker"
    assert 'href="/runs/3"' in client.get("/runs").text
    assert client.get("/runs/999").status_code == 404
    assert client.get("/runs/0").status_code == 422


def test_times_of_events_are_those_of_the_story(client: TestClient) -> None:
    items = client.get("/v1/events?kind=slot_missed").json()["items"]

    assert [datetime.fromisoformat(item["at"]).hour for item in items] == [2]
