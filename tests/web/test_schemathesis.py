"""Requests drawn from the API's own description, in sequences as well: none breaks it or gets an answer it lacks."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from starlette.testclient import TestClient

from console.web.app import Access
from storage.audit import chain
from storage.store import Store
from tests.support.runs import SLOT, publish
from tests.support.store_calls import read
from tests.web.conftest import Visit
from tests.web.test_override_writes import BY_ANN, WRITING

SEED = 4711
LONG_CASE_COUNT = 5000
# Its `after` holds a time, and no pattern says which times there are: well formed, it may be refused all the same.
_TIMES_WITHIN_TEXTS = {"include-path": "/v1/changes", "checks": {"positive_data_acceptance": {"enabled": False}}}
# What is well formed may still lack the token, name no symbol that there is, or come too late.
_MAY_BE_REFUSED = {"include-path-regex": "^/v1/overrides", "checks": {"positive_data_acceptance": {"enabled": False}}}
ODD_TEXTS = (
    "",
    "-1",
    str(2**63),
    "1e400",
    "9" * 5000,
    "A\0B",
    "A" * 10_000,
    "\U0001f4a9" * 150,
    "\u202eTDSU\ufeff\uffff",
    "../../etc/passwd",
    "' or 1=1 --",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
)
NOT_UTF_8 = "%ff%fe"


@dataclass(slots=True)
class Findings:
    """How many requests were made in each phase, and what was wrong with their answers."""

    case_counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, event: events.EngineEvent) -> None:
        if isinstance(event, (events.NonFatalError, events.FatalError)):
            self.faults.append(repr(event))
        if not isinstance(event, events.ScenarioFinished):
            return
        recorded = event.recorder
        self.case_counts[event.phase.value] += len(recorded.interactions)
        for case_id, checks in recorded.checks.items():
            failed = [f"{check.name}: {check.failure_info}" for check in checks if check.status is Status.FAILURE]
            self.faults += [f"{recorded.interactions[case_id].request.uri}: {fault}" for fault in failed]


def tried(
    client: TestClient,
    examples: int,
    *,
    at_bounds: bool,
    below: str = "/",
    headers: Mapping[str, str] | None = None,
) -> Findings:
    """Try operations with so many drawn requests and sequences, and with the bounds that their description names.

    Those of the addresses that begin with `below`; every request has the `headers`.
    """
    settings = {
        "headers": dict(headers or {}),
        "seed": SEED,
        "generation": {"max-examples": examples, "deterministic": True, "database": "none"},
        "phases": {"coverage": {"enabled": at_bounds}},
        "operations": [_TIMES_WITHIN_TEXTS, _MAY_BE_REFUSED],
    }
    config = SchemathesisConfig.from_dict(settings)
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", client.app, config=config).include(
        path_regex=f"^{below}"
    )
    findings = Findings()
    for event in from_schema(schema).execute():
        findings.add(event)
    return findings


@pytest.fixture
def open_client(visit: Visit, small_store: Store) -> TestClient:
    """The console by any name: schemathesis gives it one of its own."""
    return visit(small_store, access=Access(hosts=["*"]))


def test_no_drawn_request_breaks_the_api_or_gets_an_answer_that_is_not_described(open_client: TestClient) -> None:
    findings = tried(open_client, examples=15, at_bounds=False)

    assert findings.faults == []
    assert findings.case_counts["fuzzing"] > 100
    assert findings.case_counts["stateful"] > 50


@pytest.mark.long
def test_no_request_of_thousands_breaks_the_api(open_client: TestClient) -> None:
    findings = tried(open_client, examples=350, at_bounds=True)

    assert findings.faults == []
    assert findings.case_counts.total() >= LONG_CASE_COUNT


@pytest.mark.parametrize(
    ("has_token", "examples", "at_bounds"),
    [
        (False, 8, False),
        (True, 8, False),
        pytest.param(False, 25, True, marks=pytest.mark.long),
        pytest.param(True, 25, True, marks=pytest.mark.long),
    ],
)
def test_no_drawn_request_breaks_what_writes_and_some_are_written_but_none_without_a_token(
    visit: Visit, sqlite_store: Store, has_token: bool, examples: int, at_bounds: bool
) -> None:
    publish(sqlite_store)
    client = visit(sqlite_store, now=SLOT + timedelta(minutes=5), access=Access(hosts=["*"]), writing=WRITING)
    before = read(sqlite_store, chain.head)

    headers = BY_ANN if has_token else {}
    findings = tried(client, examples=examples, at_bounds=at_bounds, below="/v1/overrides", headers=headers)

    assert findings.faults == []
    assert findings.case_counts.total() > 4 * examples
    assert (read(sqlite_store, chain.head) != before) == has_token
    list(sqlite_store.verify())


def odd_addresses(description: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Every parameter of every operation with every odd text, as path template, name and address."""
    texts = [quote(text, safe="") for text in ODD_TEXTS] + [NOT_UTF_8]
    for path, operations in description["paths"].items():
        whole = path.replace("{symbol}", "BTCUSDT").replace("{run_id}", "1")
        for parameter in operations["get"].get("parameters", ()):
            name = parameter["name"]
            for text in texts:
                if parameter["in"] == "path":
                    yield path, name, path.replace(f"{{{name}}}", text)
                else:
                    yield path, name, f"{whole}?{name}={text}"


def test_no_odd_text_in_any_parameter_breaks_the_api(small_console: TestClient) -> None:
    description = small_console.get("/v1/openapi.json").json()
    tried_names = set()

    for path, name, address in odd_addresses(description):
        answer = small_console.get(address)
        # An empty or dotted path is another operation's, or nobody's.
        described = {*description["paths"][path]["get"]["responses"], "404"}
        assert answer.status_code < 500, address
        assert str(answer.status_code) in described, (address, answer.text)
        if answer.status_code >= 400:
            assert answer.json()["error"]["code"] in {"invalid_request", "not_found"}
        tried_names.add(name)

    assert tried_names >= {"symbol", "at", "since", "until", "limit", "after", "offset", "points", "run_id", "format"}
