"""What the console refuses, and how it says so."""

import logging
import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection
from starlette.testclient import TestClient

from console.web.app import LOCAL_HOSTS, Access
from docs.generators.api_page import openapi
from storage.audit import chain
from storage.audit.chain import Head
from storage.errors import StoreError
from storage.store import Store
from tests.support.runs import SLOT, claim, evidence, publish, result
from tests.web.conftest import Visit

TOKEN = "a token of enough length"
MOST = "9" * 30


@pytest.mark.parametrize(
    "address",
    [
        "/v1/policies?limit=0",
        "/v1/policies?limit=1001",
        f"/v1/policies?limit={2**63}",
        f"/v1/health?offset={2**63}",
        f"/v1/runs/{2**63}",
        f"/v1/runs/{MOST}",
        "/v1/runs/0",
        "/v1/runs/one",
        "/v1/policies?quality=fine",
        "/v1/policies?maker_first=perhaps",
        "/v1/policies?at=yesterday",
        "/v1/policies?at=1745625600",
        "/v1/policies?at=2026-02-30T00:00:00Z",
        "/v1/policies?at=2026-02-20T24:61:00Z",
        "/v1/policies?at=%00",
        "/v1/policies?after=%00",
        "/v1/policies/A%00B",
        "/v1/policies/" + "A" * 201,
        "/v1/policies/A%00B/history",
        "/v1/policies/BTCUSDT/history?format=xml",
        "/v1/policies/BTCUSDT/series?points=1",
        "/v1/changes?after=%00",
        "/v1/changes?symbol=%00",
    ],
)
def test_a_request_out_of_bounds_is_refused_with_what_is_wrong(client: TestClient, address: str) -> None:
    answer = client.get(address)

    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert error["code"] == "invalid_request"
    assert error["problems"]
    assert error["message"]


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/v1/policies/NOSUCH", 404, "not_found"),
        ("/v1/policies/BTCUSDT?at=2000-01-01", 404, "not_found"),
        ("/v1/policies/NOSUCH/history", 404, "not_found"),
        ("/v1/policies/NOSUCH/explain", 404, "not_found"),
        ("/v1/policies/NOSUCH/series", 404, "not_found"),
        ("/v1/changes?after=BTCUSDT", 404, "not_found"),
        ("/v1/changes?after=2026-99-99T00:00:00Z%20BTCUSDT", 404, "not_found"),
        ("/v1/health/NOSUCH", 404, "not_found"),
        ("/v1/runs/4711", 404, "not_found"),
        ("/v1/nothing", 404, "not_found"),
    ],
)
def test_what_is_not_there_is_said_in_the_one_form(client: TestClient, address: str, status: int, code: str) -> None:
    answer = client.get(address)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_the_console_only_reads(client: TestClient) -> None:
    for address in ("/v1/policies", "/v1/policies/BTCUSDT", "/metrics"):
        answer = client.post(address)
        assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
        assert answer.headers["allow"] == "GET"


def test_a_page_that_is_not_there_leads_back(client: TestClient) -> None:
    answer = client.get("/symbols/NOSUCH")

    assert answer.status_code == 404
    assert "Back to the overview" in answer.text


@pytest.mark.parametrize("address", ["/v1/policies", "/v1/health/BTCUSDT", "/metrics", "/", "/runs", "/overview"])
def test_with_a_token_nothing_is_told_without_it(visit: Visit, small_store: Store, address: str) -> None:
    client = visit(small_store, access=Access(token=TOKEN))

    refused = client.get(address)

    assert refused.status_code == 401
    assert "BTCUSDT" not in refused.text
    assert refused.headers["www-authenticate"].startswith("Bearer" if address.startswith(("/v1", "/m")) else "Basic")
    assert client.get(address, headers={"Authorization": f"Bearer {TOKEN}x"}).status_code == 401
    assert client.get(address, auth=("ann", "another password")).status_code == 401
    assert client.get(address, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get(address, auth=("ann", TOKEN)).status_code == 200


def test_who_watches_needs_no_token(visit: Visit, small_store: Store) -> None:
    client = visit(small_store, access=Access(token=TOKEN))

    assert client.get("/healthz").json() == {"is_alive": True}
    assert client.get("/readyz").status_code == 200


def test_a_page_of_another_site_cannot_ask_by_another_name(visit: Visit, small_store: Store) -> None:
    client = visit(small_store, access=Access(hosts=[*LOCAL_HOSTS, "desk.example"]))

    assert client.get("/v1/head", headers={"Host": "evil.example"}).status_code == 400
    for name in ("localhost:8765", "127.0.0.1", "[::1]:8765", "desk.example"):
        assert client.get("/v1/head", headers={"Host": name}).status_code == 200


SECRET_STORE = "postgresql+psycopg://botuser:secret@127.0.0.1:1/prod_trading"
PAGES = ("/", "/overview", "/symbols/BTCUSDT", "/rules", "/runs", "/v1/openapi.json")
WRONG: tuple[dict[str, str], ...] = (
    {},
    {"Authorization": f"Bearer {TOKEN}x"},
    {"Authorization": "Basic !!!"},
    {"Authorization": "Bearer"},
)


@pytest.mark.parametrize("headers", WRONG)
def test_without_the_token_nobody_learns_why_the_console_is_not_ready(visit: Visit, headers: dict[str, str]) -> None:
    with Store(SECRET_STORE) as store:
        client = visit(store, access=Access(token=TOKEN))
        refused = client.get("/readyz", headers=headers)
        authorized = client.get("/readyz", headers={"Authorization": f"Bearer {TOKEN}"})

    assert (refused.status_code, authorized.status_code) == (503, 503)
    assert refused.json()["error"]["message"] == "not ready"
    assert "prod_trading cannot be used now" in authorized.json()["error"]["message"]


@pytest.mark.parametrize("headers", WRONG)
def test_no_address_names_the_store_or_the_scope_without_the_token(
    visit: Visit, small_store: Store, headers: dict[str, str]
) -> None:
    with Store(SECRET_STORE) as unreachable:
        for store in (unreachable, small_store):
            client = visit(store, access=Access(token=TOKEN))
            for path in (*openapi()["paths"], *PAGES):
                address = re.sub(r"\{\w+\}", "1", path)
                for method in ("GET", "HEAD", "POST"):
                    response = client.request(method, address, headers=headers)
                    assert not re.search("botuser|prod_trading|127.0.0.1:1|policy.db|default", response.text), address
                    if address not in {"/healthz", "/readyz"}:
                        assert response.status_code in {401, 405}, address


@pytest.mark.parametrize("name", ["evil.example", "evil.example:8765", "[::2]", "", "a b"])
def test_by_an_unknown_name_nobody_learns_why_the_console_is_not_ready(visit: Visit, name: str) -> None:
    with Store(SECRET_STORE) as store:
        client = visit(store, access=Access(hosts=[*LOCAL_HOSTS, "*.desk.example"]))
        strange = client.get("/readyz", headers={"Host": name})
        known = [
            client.get("/readyz", headers={"Host": host}) for host in ("[::1]:8765", "a.desk.example", "localhost")
        ]

    assert strange.json()["error"]["message"] == "not ready"
    assert all("prod_trading" in response.json()["error"]["message"] for response in known)


@pytest.mark.parametrize("name", ["10.1.2.3:8765", "evil.example", "router-policy.bots.svc", ""])
def test_probes_are_answered_by_any_name(visit: Visit, small_store: Store, name: str) -> None:
    client = visit(small_store, access=Access(hosts=["desk.example"]))

    for address in ("/healthz", "/readyz"):
        assert client.get(address, headers={"Host": name}).status_code == 200
    assert client.get("/metrics", headers={"Host": name}).status_code == 400


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/runs",
        "/v1/policies",
        "/v1/policies/NONE",
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/openapi.json",
        "/static/style.css",
        "/v1/policies/BTCUSDT/history?format=csv",
        "/nothing",
    ],
)
def test_head_is_answered_as_get_without_the_body(client: TestClient, address: str) -> None:
    got, headed = client.get(address), client.head(address)

    assert (headed.status_code, headed.content) == (got.status_code, b"")
    if address != "/metrics":  # the figures of the process differ from one answer to the next
        assert headed.headers == got.headers


@pytest.mark.parametrize("address", ["/", "/v1/policies", "/healthz", "/v1/nothing", "/static/style.css"])
def test_every_answer_keeps_to_itself(client: TestClient, address: str) -> None:
    headers = client.get(address).headers

    assert "default-src 'none'; script-src 'self'; style-src 'self';" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("address", ["/", "/v1/policies", "/metrics", "/v1/nothing", "/readyz", "/v1/openapi.json"])
@pytest.mark.parametrize("has_token", [True, False])
def test_behind_a_token_nothing_is_kept_by_browsers_and_proxies(
    small_store: Store, visit: Visit, address: str, has_token: bool
) -> None:
    client = visit(small_store, access=Access(token=TOKEN) if has_token else None)
    shown = {"Authorization": f"Bearer {TOKEN}"}

    kept = {client.get(address, headers=headers).headers["cache-control"] for headers in (shown, {})}

    is_page = address == "/"  # one that is shown again later would take an old time for now
    assert kept == ({"no-store"} if has_token or is_page else {"no-cache"})
    assert client.get("/static/style.css").headers["cache-control"] == "no-cache"


def test_without_a_database_the_console_lives_but_is_not_ready(visit: Visit, tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'none.db'}") as store:
        client = visit(store)

        assert client.get("/healthz").status_code == 200
        for address in ("/readyz", "/v1/policies", "/v1/health/BTCUSDT"):
            answer = client.get(address)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        page = client.get("/")
        assert page.status_code == 503
        assert "router-policy check" in page.text
        assert "router_policy_store_up{" in client.get("/metrics").text


def test_an_empty_database_is_ready_for_its_first_run_and_says_what_to_do(visit: Visit, sqlite_store: Store) -> None:
    client = visit(sqlite_store)

    assert client.get("/v1/policies").json() == {"items": [], "next": None}
    assert client.get("/readyz").json()["error"]["message"].startswith("No run yet")
    assert "router-policy once" in client.get("/").text
    for page in ("/rules", "/runs"):
        assert client.get(page).status_code == 200


def test_a_run_that_found_no_order_is_named_with_what_to_do(visit: Visit, sqlite_store: Store) -> None:
    sqlite_store.publish(claim(sqlite_store), replace(result(()), event_count=0))
    client = visit(sqlite_store)

    message = client.get("/readyz").json()["error"]["message"]

    assert message.startswith("No policy: run 1 of slot 2026-04-26T00:15:00Z found no order in the seven days before")
    assert "router-policy check shows what the sources have" in client.get("/").text


def test_a_fault_shows_nothing_of_the_inside(
    visit: Visit, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr(chain, "head", fail)
    answer = visit(sqlite_store).get("/v1/head")

    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


def test_what_the_store_refuses_is_said_in_the_one_form(
    visit: Visit, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("the database refused")

    monkeypatch.setattr(chain, "head", refuse)
    with caplog.at_level(logging.WARNING):
        answer = visit(sqlite_store).get("/v1/head")

    assert (answer.status_code, answer.json()["error"]["message"]) == (500, "the database refused")
    assert "/v1/head was answered with 500" in caplog.text


def test_an_answer_that_takes_too_long_is_given_up(
    visit: Visit, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    released, ended = threading.Event(), threading.Event()
    publish(sqlite_store, SLOT, evidence("BTCUSDT"))
    head = chain.head

    def late_head(connection: Connection) -> Head:
        released.wait(30)
        try:
            return head(connection)
        finally:
            ended.set()

    monkeypatch.setattr(chain, "head", late_head)
    client = visit(sqlite_store, timeout_seconds=0.2)

    answer = client.get("/v1/head")
    alive = client.get("/healthz")
    released.set()

    assert ended.wait(30)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")
    assert alive.status_code == 200
