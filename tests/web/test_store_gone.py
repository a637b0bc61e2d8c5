"""A database that goes away under a running console: every page and probe says so in one line, and recovers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from storage.store import Store
from tests.faults.outage import postgres_of_its_own
from tests.support.runs import SLOT, evidence, publish
from tests.web.conftest import Visit
from tests.web.test_pages import Elements, shown_text

PAGES = ("/", "/symbols/BTCUSDT", "/rules", "/orders", "/runs")
PROGRAMS = ("/readyz", "/v1/policies", "/v1/health")


@contextmanager
def published(url: str) -> Iterator[Store]:
    with Store(url) as store:
        store.set_up()
        publish(store, SLOT, evidence("BTCUSDT"))
        yield store


def told(client: TestClient, addresses: Sequence[str]) -> set[str]:
    """What each address says of a store that cannot be used; every one answers 503."""
    texts = set()
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 503, address
        if address in PROGRAMS:
            texts.add(answer.json()["error"]["message"])
        else:
            assert [element["id"] for element in Elements(answer.text).named("p") if element.get("role")] == [
                "contact",
                "error",
            ]
            texts.add(shown_text(answer.text.partition('id="error"')[2].partition(">")[2].partition("</p>")[0]))
    return texts


def check_recovery(client: TestClient) -> None:
    assert [client.get(address).status_code for address in (*PAGES, *PROGRAMS)] == [200] * 8


def test_a_file_that_was_moved_away_is_told_everywhere_until_it_is_back(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "policy.db"
    with published(f"sqlite:///{path}") as store:
        client = visit(store, now=SLOT)
        check_recovery(client)

        aside = path.rename(tmp_path / "aside.db")
        for _ in range(2):  # also once the pool has given its connections up
            assert told(client, (*PAGES, *PROGRAMS)) == {
                f"{path} was moved or deleted while it was open; put it back, or restore a backup"
            }
        aside.rename(path)

        check_recovery(client)


def test_a_postgres_that_was_stopped_is_told_everywhere_until_it_is_back(visit: Visit) -> None:
    with postgres_of_its_own() as (server, url), published(url) as store:
        client = visit(store, now=SLOT)
        check_recovery(client)

        server.stop()
        try:
            (text,) = told(client, (*PAGES, *PROGRAMS))
        finally:
            server.start()

        assert "cannot be used now" in text
        assert "\n" not in text
        check_recovery(client)


@pytest.mark.parametrize("address", PAGES)
def test_a_page_that_was_asked_for_without_a_store_asks_again_by_itself(
    visit: Visit, tmp_path: Path, address: str
) -> None:
    with Store(f"sqlite:///{tmp_path / 'none.db'}") as store:
        page = visit(store).get(address).text

    (live,) = [element for element in Elements(page).named("div") if element.get("id") == "live"]
    assert (live["data-address"], live["data-error"]) == ("/banner", "503")
    assert "/static/live.js" in [element["src"] for element in Elements(page).named("script")]
