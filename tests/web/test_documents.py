"""What the API says of itself: the document that is made of it, and that its examples are what it describes."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from docs.generators.api_page import api_page, openapi
from tests.web.test_override_writes import WRITING

ROOT = Path(__file__).parents[2]
Paths = dict[str, dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def described() -> Paths:
    """The operations of each address, of a console that reads only."""
    return dict(openapi()["paths"])


@pytest.fixture(scope="module")
def described_with_writes() -> Paths:
    """The same of a console that writes."""
    return dict(openapi(WRITING)["paths"])


def test_the_document_is_what_the_application_says_of_itself() -> None:
    assert (ROOT / "docs" / "api.md").read_text("utf-8") == api_page(), "run: make docs"


def test_the_application_serves_its_own_description(client: TestClient, described: Paths) -> None:
    assert client.get("/v1/openapi.json").json()["paths"].keys() == described.keys()


def test_every_address_is_described_and_answers(client: TestClient, described: Paths) -> None:
    assert described
    for path, operations in described.items():
        operation = operations["get"]

        answer = client.get(path.replace("{symbol}", "BTCUSDT").replace("{run_id}", "1"))

        assert operation["description"], path
        assert all(parameter["description"] for parameter in operation.get("parameters", [])), path
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] in operation["responses"]["200"]["content"], path
        assert list(operations) == ["get"], path


def test_every_error_is_described_in_the_one_form(described_with_writes: Paths) -> None:
    for path, operations in described_with_writes.items():
        for method, operation in operations.items():
            for code, answer in operation["responses"].items():
                if int(code) >= 400:
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ErrorEnvelope"}, (method, path, code)


def test_only_overrides_can_be_written_and_only_if_the_settings_allow_it(
    described: Paths, described_with_writes: Paths
) -> None:
    def writes(paths: Paths) -> list[tuple[str, str]]:
        return [(method, path) for path, operations in paths.items() for method in operations if method != "get"]

    assert writes(described) == []
    assert writes(described_with_writes) == [("post", "/v1/overrides"), ("post", "/v1/overrides/{override_id}/end")]
