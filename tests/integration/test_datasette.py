"""The explorer: Datasette opens the store with the file that comes with the program, and its ready queries answer."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import pytest

from console.commands.files import FOLDER
from storage.store import Store
from tests.support.command import command
from tests.support.small_history import publish_small_history
from tests.support.small_history_answers import ANSWERS
from tests.support.waiting import wait_until

METADATA = FOLDER / "datasette.yml"
STRAIGHT = build_opener(ProxyHandler({}))  # whatever proxy this machine has, the address is its own
pytestmark = pytest.mark.xdist_group("explorer")
ADDRESS = re.compile(r"running on (http://127\.0\.0\.1:\d+)")


@pytest.fixture(scope="module")
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Datasette over the small history, on a free port of this machine."""
    folder = tmp_path_factory.mktemp("explorer")
    with Store(f"sqlite:///{folder / 'router_policy.db'}") as store:
        store.set_up()
        publish_small_history(store)
    with started(folder) as address:
        yield address


@contextmanager
def started(folder: Path) -> Iterator[str]:
    log = folder / "datasette.log"
    command = [sys.executable, "-m", "datasette", "router_policy.db", "-m", str(METADATA), "--port", "0"]
    with log.open("wb") as output, subprocess.Popen(command, cwd=folder, stdout=output, stderr=output) as process:
        try:
            wait_until(lambda: bool(ADDRESS.search(log.read_text())) or process.poll() is not None, "Datasette's start")
            match = ADDRESS.search(log.read_text())
            assert match, f"Datasette did not start: {log.read_text()}"
            yield match[1]
        finally:
            process.terminate()


def test_the_command_prints_where_the_file_lies(tmp_path: Path) -> None:
    assert command(tmp_path, "files", "datasette.yml").stdout == f"{METADATA}\n"
    assert f"{METADATA}\n" in command(tmp_path, "files").stdout
    refused = command(tmp_path, "files", "nothing.yml")
    assert (refused.returncode, "no file 'nothing.yml' comes with the program; there are" in refused.stderr) == (
        2,
        True,
    )


def page(address: str, path: str) -> str:
    with STRAIGHT.open(f"{address}/router_policy{path}", timeout=30) as response:
        text: str = response.read().decode()
    return text


def test_the_explorer_lists_the_views_and_the_questions(explorer: str) -> None:
    shown = page(explorer, "")

    assert all(f"/router_policy/{name}" in shown for name in ("policy_latest", "policy_history", *ANSWERS))
    assert "What was in force for a symbol at a time?" in shown


@pytest.mark.parametrize("name", ANSWERS)
def test_a_ready_query_answers_as_the_page_says(explorer: str, name: str) -> None:
    for parameters, rows in ANSWERS[name]:
        answer = json.loads(page(explorer, f"/{name}.json?{urlencode(parameters)}"))

        assert [tuple(row) for row in answer["rows"]] == rows
