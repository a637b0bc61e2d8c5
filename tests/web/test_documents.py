"""What the API says of itself: the document that is made of it, and that its examples are what it describes."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from docs.generators.api_page import api_page, openapi

ROOT = Path(__file__).parents[2]
PATHS = openapi()["paths"]


def test_the_document_is_what_the_application_says_of_itself() -> None:
    assert (ROOT / "docs" / "api.md").read_text("utf-8") == api_page(), "run: make docs"


def test_the_application_serves_its_own_description(client: TestClient) -> None:
    assert client.get("/v1/openapi.json").json()["paths"].keys() == PATHS.keys()


@pytest.mark.parametrize("path", PATHS)
def test_every_address_is_described_and_answers(client: TestClient, path: str) -> None:
    operation = PATHS[path]["get"]

    answer = client.get(path.replace("{symbol}", "BTCUSDT").replace("{run_id}", "1"))

    assert operation["description"]
    assert all(parameter["description"] for parameter in operation.get("parameters", []))
    assert answer.status_code == 200
    assert answer.headers["content-type"] in operation["responses"]["200"]["content"]
    assert list(PATHS[path]) == ["get"]


def test_every_error_is_described_in_the_one_form() -> None:
    for path, methods in PATHS.items():
        for code, answer in methods["get"]["responses"].items():
            if int(code) >= 400:
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorEnvelope"}, (path, code)
