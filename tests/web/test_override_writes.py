"""Overrides made and ended through the console: by whom, once, and never by a page of another site."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url, select, text
from starlette.testclient import TestClient

from console.web.app import Access
from console.web.server import Address, console_at, writing_of
from console.web.writing import TOKEN_HEADER, Writing
from policy import TakerBias
from storage.audit import chain
from storage.read.overrides import override_history
from storage.read.pages import PageBounds
from storage.schema.roles import ANALYST, WRITER
from storage.schema.tables import policy_override, policy_override_end
from storage.store import Store
from storage.write import overrides
from tests.support.postgres import fresh_database
from tests.support.runs import SLOT, publish
from tests.support.store_calls import read, write
from tests.web.conftest import Visit
from tests.web.test_server import settings

ANNS, BOBS, READERS = "anns token, long enough", "bobs token, long enough", "a token that only reads"
WRITING = Writing(tokens={"ann": ANNS, "bob": BOBS}, longest=timedelta(days=7))
BY_ANN = {TOKEN_HEADER: ANNS}
WANTED: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "maker_first": False,
    "lasting_seconds": 7200,
    "reason": "venue maintenance",
    "newest_entry_id": 0,
}


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    publish(sqlite_store, SLOT)
    return sqlite_store


@pytest.fixture
def desk(visit: Visit, store: Store) -> TestClient:
    """A console from which ann and bob may override, by the database's own clock."""
    return visit(store, now=None, writing=WRITING)


@pytest.fixture
def unchanged(store: Store) -> Iterator[None]:
    """Whatever the test does, nothing is written."""
    before = read(store, chain.head)
    yield
    assert read(store, chain.head) == before


def rows(store: Store) -> list[dict[str, Any]]:
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(select(policy_override)).mappings()]


def test_an_override_from_the_console_is_the_entry_that_the_command_line_writes(desk: TestClient, store: Store) -> None:
    answer = desk.post("/v1/overrides", json=WANTED, headers=BY_ANN)
    write(
        store,
        overrides.make_override,
        "default",
        "BTCUSDT",
        maker_first=False,
        taker_bias=TakerBias.PREFER_TAKER,
        lasting=timedelta(hours=2),
        author="ann",
        reason="venue maintenance",
    )

    assert answer.status_code == 201, answer.text
    console, command_line = rows(store)
    same = ("scope", "symbol", "maker_first", "taker_bias", "author", "reason", "digest_form")
    assert [console[name] for name in same] == [command_line[name] for name in same]
    assert console["until_at"] - console["from_at"] == timedelta(hours=2)
    assert command_line["previous_digest"] == console["digest"]
    list(store.verify())
    made = answer.json()
    assert (made["override_id"], made["state"], made["author"]) == (console["entry_id"], "in_force", "ann")
    assert desk.get("/v1/policies/BTCUSDT").json()["taker_bias"] == "prefer_taker"


REFUSED: list[dict[str, str]] = [
    {},
    {TOKEN_HEADER: ""},
    {TOKEN_HEADER: f"{ANNS}x"},
    {TOKEN_HEADER: READERS},
    {"Cookie": f"{TOKEN_HEADER}={ANNS}"},
    {"Authorization": f"Bearer {ANNS}"},
    {**BY_ANN, "Origin": "https://evil.example"},
    {**BY_ANN, "Origin": "http://127.0.0.1:4444"},
    {**BY_ANN, "Origin": "null"},
    {**BY_ANN, "Sec-Fetch-Site": "cross-site"},
    {**BY_ANN, "Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", REFUSED)
@pytest.mark.usefixtures("unchanged")
def test_without_a_token_or_from_another_origin_nothing_is_written(desk: TestClient, headers: dict[str, str]) -> None:
    made = desk.post("/v1/overrides", json=WANTED, headers=headers)
    ended = desk.post("/v1/overrides/1/end", json={"reason": "none"}, headers=headers)

    for answer in (made, ended):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert "nothing was written" in answer.json()["error"]["message"]


def test_the_consoles_own_pages_are_of_its_origin(desk: TestClient) -> None:
    own = {**BY_ANN, "Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}

    assert desk.post("/v1/overrides", json=WANTED, headers=own).status_code == 201


def test_a_browser_asks_before_it_sends_the_header_from_another_site_and_is_not_allowed(desk: TestClient) -> None:
    asked = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": f"content-type,{TOKEN_HEADER}",
    }

    answer = desk.options("/v1/overrides", headers=asked)

    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_request_that_is_sent_again_is_written_once(desk: TestClient, store: Store) -> None:
    first = desk.post("/v1/overrides", json=WANTED, headers=BY_ANN)
    head = read(store, chain.head)
    again = desk.post("/v1/overrides", json=WANTED, headers=BY_ANN)
    ended = desk.post(f"/v1/overrides/{first.json()['override_id']}/end", json={"reason": "over"}, headers=BY_ANN)
    head_after_end = read(store, chain.head)
    end_again = desk.post(f"/v1/overrides/{first.json()['override_id']}/end", json={"reason": "over"}, headers=BY_ANN)
    once_more = desk.post("/v1/overrides", json=WANTED, headers=BY_ANN)

    assert (first.status_code, ended.status_code) == (201, 200)
    assert (again.status_code, again.json()["error"]["code"]) == (412, "outdated")
    assert (end_again.status_code, once_more.status_code) == (412, 412)
    assert head_after_end.entry_id == head.entry_id + 1
    assert read(store, chain.head) == head_after_end
    assert ended.json()["state"] == "ended"
    assert (ended.json()["end_author"], ended.json()["end_reason"]) == ("ann", "over")


def test_of_requests_at_the_same_time_one_is_written(desk: TestClient, store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: desk.post("/v1/overrides", json=WANTED, headers=BY_ANN), range(8)))

    assert sorted(answer.status_code for answer in answers) == [201] + [412] * 7
    assert len(rows(store)) == 1


def test_an_override_that_another_one_covers_cannot_be_ended_by_mistake(desk: TestClient, store: Store) -> None:
    first = desk.post("/v1/overrides", json=WANTED, headers=BY_ANN).json()["override_id"]
    wanted = {**WANTED, "maker_first": True, "newest_entry_id": first}
    second = desk.post("/v1/overrides", json=wanted, headers={TOKEN_HEADER: BOBS}).json()

    refused = desk.post(f"/v1/overrides/{first}/end", json={"reason": "mistake"}, headers=BY_ANN)

    assert (second["author"], second["taker_bias"]) == ("bob", "balanced")
    assert refused.status_code == 412
    assert f"override {first} of 'BTCUSDT' is not in force now" in refused.json()["error"]["message"]
    states = [(item["override_id"], item["state"]) for item in desk.get("/v1/overrides").json()["items"]]
    assert states == [(second["override_id"], "in_force"), (first, "covered")]
    desk.post(f"/v1/overrides/{second['override_id']}/end", json={"reason": "over"}, headers=BY_ANN)
    states = [(item["override_id"], item["state"]) for item in desk.get("/v1/overrides").json()["items"]]
    assert states == [(second["override_id"], "ended"), (first, "in_force")]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"symbol": "NOSUCH"}, 404, "has no policy"),
        ({"lasting_seconds": 7 * 86400 + 1}, 422, "longer than overrides.longest, which is 7d"),
        ({"lasting_seconds": 0}, 422, "lasting_seconds"),
        ({"reason": "  "}, 422, "reason"),
        ({"reason": "one\nline"}, 422, "reason"),
        ({"reason": "x" * 501}, 422, "reason"),
        ({"author": "eve"}, 422, "author"),
        ({"taker_bias": "patient"}, 422, "taker_bias"),
        ({"newest_entry_id": 4711}, 412, "look again"),
        ({"newest_entry_id": None}, 422, "newest_entry_id"),
        ({"newest_entry_id": False}, 422, "newest_entry_id"),
        ({"maker_first": "no"}, 422, "maker_first"),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_what_cannot_be_is_refused_with_what_is_wrong(
    desk: TestClient, change: dict[str, Any], status: int, words: str
) -> None:
    answer = desk.post("/v1/overrides", json={**WANTED, **change}, headers=BY_ANN)

    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


@pytest.mark.usefixtures("unchanged")
def test_a_form_of_another_site_cannot_send_what_the_console_reads(desk: TestClient) -> None:
    """A form sends no JSON and needs no leave of the browser: it is refused even with a token."""
    as_form = desk.post("/v1/overrides", data={"symbol": "BTCUSDT"}, headers=BY_ANN)
    as_text = desk.post("/v1/overrides", content=b"{}", headers={**BY_ANN, "Content-Type": "text/plain"})

    assert (as_form.status_code, as_text.status_code) == (422, 422)
    for answer in (as_form, as_text):
        assert answer.json()["error"]["message"] == "body: send Content-Type: application/json"


@pytest.mark.usefixtures("unchanged")
def test_a_preview_says_what_would_change_and_writes_nothing(desk: TestClient) -> None:
    asked = "symbol=BTCUSDT&maker_first=true&lasting_seconds=3600"

    shown = desk.get(f"/v1/overrides/preview?{asked}").json()

    assert (shown["maker_first"], shown["taker_bias"]) == (True, "balanced")
    assert (shown["maker_first_now"], shown["taker_bias_now"], shown["quality"]) == (True, "prefer_maker", "good")
    assert (shown["override_id_now"], shown["newest_entry_id"]) == (None, 0)
    assert desk.get(f"/v1/overrides/preview?{asked}".replace("BTC", "XYZ")).status_code == 404
    assert desk.get(f"/v1/overrides/preview?{asked}00000".replace("3600", "36")).status_code == 422


def test_the_preview_has_the_number_with_which_the_next_one_is_made(desk: TestClient) -> None:
    address = "/v1/overrides/preview?symbol=BTCUSDT&maker_first=true&lasting_seconds=3600"
    made = desk.post("/v1/overrides", json=WANTED, headers=BY_ANN).json()
    shown = desk.get(address).json()

    assert (shown["newest_entry_id"], shown["override_id_now"]) == (made["override_id"], made["override_id"])
    assert (shown["maker_first_now"], shown["taker_bias_now"]) == (False, "prefer_taker")
    desk.post(f"/v1/overrides/{made['override_id']}/end", json={"reason": "over"}, headers=BY_ANN)
    assert desk.get(address).json()["newest_entry_id"] == made["override_id"] + 1


def test_without_a_write_token_in_the_settings_the_console_only_reads(visit: Visit, store: Store) -> None:
    client = visit(store, now=None)

    assert writing_of(settings(store)) is None
    assert client.post("/v1/overrides", json=WANTED, headers=BY_ANN).status_code == 405
    assert client.post("/v1/overrides/1/end", json={"reason": "x"}, headers=BY_ANN).status_code == 404
    page = client.get("/overrides").text
    assert "This console only reads" in page
    assert 'class="override-form" data-own autocomplete="off" hidden' in page


def test_a_method_that_an_address_lacks_is_answered_with_those_that_it_has(desk: TestClient) -> None:
    for address, methods in (("/v1/overrides", "GET, POST"), ("/v1/overrides/1/end", "POST"), ("/v1/policies", "GET")):
        assert desk.delete(address).headers["allow"] == methods


def test_who_may_only_read_needs_the_other_token_to_write(visit: Visit, store: Store) -> None:
    client = visit(store, now=None, writing=WRITING, access=Access(token=READERS))

    assert client.post("/v1/overrides", json=WANTED, headers=BY_ANN).status_code == 401
    reader = {"Authorization": f"Bearer {READERS}"}
    assert client.post("/v1/overrides", json=WANTED, headers=reader).status_code == 403
    assert client.post("/v1/overrides", json=WANTED, headers={**reader, **BY_ANN}).status_code == 201


def test_no_message_and_no_text_of_an_object_has_a_token(desk: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    desk.post("/v1/overrides", json=WANTED, headers={TOKEN_HEADER: "a wrong token of a person"})
    desk.post("/v1/overrides", json=WANTED, headers=BY_ANN)
    given = settings(write_token={"ann": ANNS})

    assert "no valid write token" in caplog.text
    assert "of BTCUSDT was made by ann" in caplog.text
    for shown in (caplog.text, repr(WRITING), repr(given), given.model_dump_json()):
        assert "a wrong token" not in shown
        assert ANNS not in shown


@pytest.mark.parametrize(
    ("web", "words"),
    [
        ({"write_token": ANNS}, "name who has the token"),
        ({"write_token": {"ann": "short"}}, "must have 16 ASCII characters or more"),
        ({"write_token": {" ann": ANNS}}, "printable characters"),
        ({"write_token": {"ann": ANNS, "bob": ANNS}}, "web.write_token.bob is the same token as web.write_token.ann"),
        ({"token": ANNS, "write_token": {"ann": ANNS}}, "web.write_token.ann is the same token as web.token"),
    ],
)
def test_tokens_that_would_not_tell_people_apart_are_refused(web: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        settings(**web)


def test_the_list_is_read_a_page_at_a_time_and_of_one_symbol(desk: TestClient, store: Store) -> None:
    numbers = [0]
    for _ in range(3):
        wanted = {**WANTED, "newest_entry_id": numbers[-1]}
        numbers.append(desk.post("/v1/overrides", json=wanted, headers=BY_ANN).json()["override_id"])
    eth = desk.post("/v1/overrides", json={**WANTED, "symbol": "ETHUSDT"}, headers=BY_ANN).json()["override_id"]

    first = desk.get("/v1/overrides?symbol=BTCUSDT&limit=2").json()
    second = desk.get(first["next"]).json()

    assert [item["override_id"] for item in first["items"]] == numbers[:1:-1]
    assert ([item["override_id"] for item in second["items"]], second["next"]) == ([numbers[1]], None)
    assert desk.get("/v1/overrides").json()["items"][0]["override_id"] == eth
    page = desk.get("/overrides?symbol=ETHUSDT").text
    assert f'data-key="{eth}"' in page
    assert f'data-key="{numbers[1]}"' not in page


def login(url: str, name: str, role: str) -> str:
    """Make a login role that is in a role, and return the store's address for it."""
    with Store(url) as owner, owner.writing() as connection:
        connection.execute(text(f"drop role if exists {name}"))
        connection.execute(text(f"create role {name} login in role {role}"))
    return make_url(url).set(username=name).render_as_string(hide_password=False)


def test_a_database_user_who_only_reads_is_named_by_the_page_the_answer_and_the_log(
    visit: Visit, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with fresh_database(postgres_url) as url:
        with Store(url) as owner:
            owner.set_up()
            publish(owner, SLOT)
            owner.apply_roles()
        with Store(login(url, "desk_reader", ANALYST)) as store:
            client = visit(store, now=None, writing=WRITING)
            remedy = f"the database user desk_reader only reads; to let it override, run: grant {WRITER} to desk_reader"

            assert remedy in client.get("/overrides").text
            answer = client.post("/v1/overrides", json=WANTED, headers=BY_ANN)
            assert (answer.status_code, answer.json()["error"]["message"]) == (403, f"nothing was written: {remedy}")
            with console_at(settings(store, write_token={"ann": ANNS}), Address(port=0)) as address:
                assert httpx.get(f"{address}v1/overrides").json() == {"items": [], "next": None}
            assert f"overrides cannot be made from the console: {remedy}" in caplog.text
        with Store(login(url, "desk_writer", WRITER)) as store:
            client = visit(store, now=None, writing=WRITING)
            made = client.post("/v1/overrides", json=WANTED, headers=BY_ANN)
            ended = client.post(f"/v1/overrides/{made.json()['override_id']}/end", json={"reason": "x"}, headers=BY_ANN)
            assert (made.status_code, ended.status_code) == (201, 200)
            (period,) = read(store, override_history, "default", PageBounds(limit=5))
            assert (period.author, period.end_author) == ("ann", "ann")
        with Store(url) as owner, owner.writing() as connection:
            assert connection.execute(select(policy_override_end.c.author)).scalars().all() == ["ann"]
            for name in ("desk_reader", "desk_writer"):
                connection.execute(text(f"drop role {name}"))


def test_a_file_that_may_only_be_read_is_named(desk: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.write.rights.os.access", lambda *_: False)

    answer = desk.post("/v1/overrides", json=WANTED, headers=BY_ANN)

    assert answer.status_code == 403
    assert f"this user may only read {store.url.database}" in answer.json()["error"]["message"]
