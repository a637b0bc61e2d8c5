"""The orders behind a run or a change, read from the log for a page."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from console.web.order_log import OrderLog
from jobs.plan import Fees
from jobs.slots import Slots
from storage.store import Store
from tests.support.outcomes import outcome, write_jsonl
from tests.support.small_history import MIDNIGHT
from tests.support.small_runs import canonical
from tests.web.conftest import Visit
from tests.web.test_pages import shown_text

FEES = {"": Fees(maker_bps=2.0, taker_bps=5.0)}
HOUR = timedelta(hours=1)


def log_at(path: Path) -> OrderLog:
    return OrderLog(orders=canonical(path), slots=Slots("0 * * * *"), fees=FEES)


@pytest.fixture
def client(visit: Visit, small_store: Store, tmp_path: Path) -> TestClient:
    rows = [
        outcome(1, symbol="ETHUSDT", at=MIDNIGHT - HOUR, slippage_bps=-0.5, policy_run_id=2),
        outcome(2, symbol="ETHUSDT", at=MIDNIGHT + HOUR, slippage_bps=3.0, maker_filled=False, fallback_used=True),
        outcome(3, symbol="ETHUSDT", at=MIDNIGHT + 2 * HOUR, slippage_bps=None, maker_filled=False),
        outcome(4, symbol="DOGEUSDT", at=MIDNIGHT + HOUR, slippage_bps=1.0),
    ]
    return visit(small_store, order_log=log_at(write_jsonl(tmp_path / "orders.jsonl", rows)))


def rows_of(page: str) -> list[list[str]]:
    rows = re.findall(r"<tr data-key.*?</tr>", page, re.DOTALL)
    return [[shown_text(cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


def test_the_orders_before_a_slot_have_their_route_fill_cost_and_policy(client: TestClient) -> None:
    page = client.get("/orders/log?symbol=ETHUSDT&since=2025-03-03T00:00:00Z&until=2025-03-04T01:00:01Z").text

    assert rows_of(page) == [
        ["2025-03-04T01:00:00Z", "ETHUSDT", "order-ETHUSDT-2", "maker", "taker", "3.00", "5.00", "8.00", "100.00", "–"],
        [
            "2025-03-03T23:00:00Z",
            "ETHUSDT",
            "order-ETHUSDT-1",
            "maker",
            "maker",
            "-0.50",
            "2.00",
            "1.50",
            "100.00",
            "2",
        ],
    ]
    assert 'href="/runs/2"' in page


def test_an_order_that_did_not_fill_has_no_cost(client: TestClient) -> None:
    page = client.get("/orders/log?symbol=ETHUSDT&since=2025-03-04T01:30:00Z&until=2025-03-04T03:00:00Z").text

    assert [row[3:8] for row in rows_of(page)] == [["maker", "not filled", "–", "5.00", "–"]]


def test_a_run_and_its_changes_lead_to_the_orders_that_they_rest_on(client: TestClient) -> None:
    page = client.get("/runs/3").text
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/orders/log[^"]*)"', page)]

    assert links[0] == "/orders/log?since=2025-02-25T00%3A00%3A00Z&until=2025-03-04T00%3A00%3A00Z"
    (of_doge,) = [link for link in links if "DOGEUSDT" in link]
    assert client.get(of_doge).status_code == 200
    assert [row[1] for row in rows_of(client.get(links[0]).text)] == ["ETHUSDT"]


def links_to_orders(page: str) -> list[str]:
    return [link.replace("&amp;", "&") for link in re.findall(r'href="(/orders/log[^"]*)"', page)]


def test_each_change_of_a_symbol_leads_to_its_run_and_to_the_orders_of_the_seven_days_before(
    client: TestClient,
) -> None:
    page = client.get("/symbols/ETHUSDT").text

    # ETHUSDT changed at each slot from 23:00 to 01:00, by its regime, and at 04:00; the override has no orders.
    (newest, older, *oldest) = links_to_orders(page)
    assert len(oldest) == 2
    assert newest == "/orders/log?since=2025-02-25T04%3A00%3A00Z&until=2025-03-04T04%3A00%3A00Z&symbol=ETHUSDT"
    assert older.endswith("&until=2025-03-04T01%3A00%3A00Z&symbol=ETHUSDT")
    assert [row[2] for row in rows_of(client.get(newest).text)] == [f"order-ETHUSDT-{number}" for number in (3, 2, 1)]
    (change,) = [row for row in re.findall(r"<tr data-key.*?</tr>", page, re.DOTALL) if older in links_to_orders(row)]
    assert 'href="/runs/4"' in change


def test_the_timeline_leads_to_the_orders_of_what_a_run_decided(client: TestClient) -> None:
    links = links_to_orders(client.get("/activity?symbol=ETHUSDT").text)

    assert [link for link in links if "until=2025-03-04T01%3A00%3A00Z" in link] == [
        "/orders/log?since=2025-02-25T01%3A00%3A00Z&until=2025-03-04T01%3A00%3A00Z&symbol=ETHUSDT"
    ]


def test_a_log_that_cannot_be_read_or_is_being_read_is_said(visit: Visit, small_store: Store, tmp_path: Path) -> None:
    log = log_at(tmp_path / "nowhere.jsonl")
    client, address = visit(small_store, order_log=log), "/orders/log?since=2025-03-04&until=2025-03-05"

    assert "the log cannot be read" in client.get(address).text
    with log._lock:
        assert "being read for another page" in client.get(address).text
    assert "no order log" in visit(small_store).get(address).text
    assert client.get("/orders/log?since=2025-03-05&until=2025-03-04").status_code == 422
