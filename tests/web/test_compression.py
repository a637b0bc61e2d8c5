"""Responses over the line: packed if the client takes it and there is something to gain, and the same either way."""

import gzip

import pytest
from starlette.testclient import TestClient

from console.web.static_files import STATIC
from storage.store import Store
from tests.support.runs import SLOT, evidence, publish
from tests.web.conftest import Visit

PACKED, PLAIN = {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}


def raw_bytes(client: TestClient, address: str, headers: dict[str, str]) -> bytes:
    """The body as it goes over the line."""
    with client.stream("GET", address, headers=headers) as answer:
        return b"".join(answer.iter_raw())


def test_the_overview_of_many_symbols_is_packed_and_reads_the_same(visit: Visit, sqlite_store: Store) -> None:
    publish(sqlite_store, SLOT, *(evidence(f"S{number:03}USDT") for number in range(100)))
    client = visit(sqlite_store)

    packed, plain = (raw_bytes(client, "/", headers) for headers in (PACKED, PLAIN))

    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 10
    assert client.get("/", headers=PACKED).headers["content-length"] == str(len(packed))


@pytest.mark.parametrize("address", ["/healthz", "/v1/head"])
def test_a_small_answer_stays_as_it_is(client: TestClient, address: str) -> None:
    assert "content-encoding" not in client.get(address, headers=PACKED).headers


def test_answers_that_may_be_packed_vary_by_what_the_client_takes(client: TestClient) -> None:
    for headers in (PACKED, PLAIN):
        assert "Accept-Encoding" in client.get("/v1/policies", headers=headers).headers["vary"]


def test_a_client_that_has_the_policies_gets_304_whether_packed_or_not(client: TestClient) -> None:
    tag = client.get("/v1/policies", headers=PACKED).headers["ETag"]

    for headers in (PACKED, PLAIN):
        answer = client.get("/v1/policies", headers={**headers, "If-None-Match": tag})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == tag
        assert "content-encoding" not in answer.headers


def test_a_script_has_a_weak_tag_and_is_not_sent_twice(client: TestClient) -> None:
    answers = [client.get("/static/symbol.js", headers=headers) for headers in (PACKED, PLAIN)]
    tags = {answer.headers["ETag"] for answer in answers}

    assert answers[0].text == answers[1].text == (STATIC / "symbol.js").read_text()
    assert answers[0].headers["content-encoding"] == "gzip"
    (tag,) = tags
    assert tag.startswith('W/"')
    assert client.get("/static/symbol.js", headers={**PACKED, "If-None-Match": tag}).status_code == 304


def test_a_part_of_a_script_is_a_part_of_what_it_is_unpacked(client: TestClient) -> None:
    answer = client.get("/static/symbol.js", headers={**PACKED, "Range": "bytes=0-9"})

    assert answer.status_code == 206
    assert answer.content == (STATIC / "symbol.js").read_bytes()[:10]
    assert "content-encoding" not in answer.headers


def test_head_has_the_headers_of_get(client: TestClient) -> None:
    head, got = (client.request(method, "/v1/policies", headers=PACKED) for method in ("HEAD", "GET"))

    assert head.content == b""
    for name in ("content-encoding", "content-length", "vary", "etag"):
        assert head.headers[name] == got.headers[name]


def test_the_chart_library_is_small_and_comes_with_its_licence(client: TestClient) -> None:
    assert len(raw_bytes(client, "/static/uPlot.iife.min.js", PACKED)) < 25_000
    assert "The MIT License" in client.get("/static/uPlot.LICENSE.txt").text
