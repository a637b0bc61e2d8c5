"""The same fault on the command line and in the API: one code, with the exit code and the status that belong to it."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from console.web.writing import TOKEN_HEADER, Writing
from storage.audit import chain
from storage.errors import StoreError
from storage.store import Store
from tests.support.bots import write_bot
from tests.support.command import command
from tests.support.runs import SLOT, publish
from tests.web.conftest import Visit

TOKEN = "a token, long enough"
WANTED: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "maker_first": False,
    "lasting_seconds": 7200,
    "reason": "venue maintenance",
    "newest_entry_id": 0,
}
Desk = Callable[[Store], TestClient]


@pytest.fixture
def desk(visit: Visit) -> Desk:
    """Open a console from which overrides may be made."""
    writing = Writing(tokens={"ann": TOKEN}, longest=timedelta(days=7))
    return lambda store: visit(store, now=None, writing=writing)


@pytest.fixture
def store(sqlite_store: Store, tmp_path: Path) -> Store:
    """A store with a run, and beside it the settings of a bot that name it."""
    publish(sqlite_store, SLOT)
    write_bot(tmp_path, SLOT)
    return sqlite_store


def of_command(folder: Path, *arguments: str) -> tuple[int, str]:
    """The exit code of a command, and the code of its error."""
    failed = command(folder, *arguments, "--json")
    assert failed.stdout == ""
    return failed.returncode, json.loads(failed.stderr)["error"]["code"]


def of_address(client: TestClient, address: str, **changes: object) -> tuple[int, str]:
    """The status of an answer, and the code of its error; with changes an override is asked for."""
    headers = {TOKEN_HEADER: TOKEN}
    answer = client.post(address, json=WANTED | changes, headers=headers) if changes else client.get(address)
    return answer.status_code, answer.json()["error"]["code"]


OVERRIDE = ("override", "BTCUSDT", "--taker", "--author", "ann", "--for")
UNKNOWN = ("override", "NOPE", "--taker", "--for", "2h", "--reason", "a test")
FAULTS: list[tuple[tuple[str, ...], str, dict[str, object], int, int, str]] = [
    (("latest", "NOPE"), "/v1/policies/NOPE", {}, 1, 404, "not_found"),
    (("history", "NOPE"), "/v1/policies/NOPE/history", {}, 1, 404, "not_found"),
    (("explain", "NOPE"), "/v1/policies/NOPE/explain", {}, 1, 404, "not_found"),
    (("health", "NOPE"), "/v1/health/NOPE", {}, 1, 404, "not_found"),
    (UNKNOWN, "/v1/overrides", {"symbol": "NOPE"}, 1, 404, "not_found"),
    ((*OVERRIDE, "2h", "--reason", " "), "/v1/overrides", {"reason": " "}, 2, 422, "invalid_request"),
    ((*OVERRIDE, "9d", "--reason", "x"), "/v1/overrides", {"lasting_seconds": 777600}, 2, 422, "invalid_request"),
    (("history", "BTCUSDT", "--since", "soon"), "/v1/changes?since=soon", {}, 2, 422, "invalid_request"),
]


@pytest.mark.parametrize(("arguments", "address", "changes", "exit_code", "status", "code"), FAULTS)
def test_a_fault_has_one_code_on_both_surfaces(
    tmp_path: Path,
    store: Store,
    desk: Desk,
    arguments: tuple[str, ...],
    address: str,
    changes: dict[str, object],
    exit_code: int,
    status: int,
    code: str,
) -> None:
    assert of_command(tmp_path, *arguments) == (exit_code, code)
    assert of_address(desk(store), address, **changes) == (status, code)


def test_an_override_that_is_not_there_cannot_be_ended_on_either(tmp_path: Path, store: Store, desk: Desk) -> None:
    ended = desk(store).post("/v1/overrides/1/end", json={"reason": "a test"}, headers={TOKEN_HEADER: TOKEN})

    assert (ended.status_code, ended.json()["error"]["code"]) == (404, "not_found")
    assert of_command(tmp_path, "override", "BTCUSDT", "--end", "--reason", "a test") == (1, "not_found")


def test_what_the_store_refuses_has_failed_on_both(
    tmp_path: Path, store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("the database refused")

    monkeypatch.setattr(chain, "head", refuse)

    assert of_command(tmp_path, "head") == (1, "failed")
    assert of_address(desk(store), "/v1/head") == (500, "failed")


def test_a_store_that_was_never_set_up_is_unavailable_on_both(tmp_path: Path, desk: Desk) -> None:
    write_bot(tmp_path, SLOT)

    assert of_command(tmp_path, "latest") == (1, "unavailable")
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        assert of_address(desk(store), "/v1/policies") == (503, "unavailable")
