"""Fixtures that every kind of test uses: a store on each database.

They import what they need only when a test asks for them: the tests of pure code run without a database driver.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from storage.store import Store


def pytest_configure() -> None:
    """Let the commands that tests start hear Ctrl-C, also where the tests themselves run in a shell's background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a running Postgres, one for each test process."""
    from tests.support.postgres import memory, postgres_server, short_folder

    with postgres_server(short_folder(memory())) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, first SQLite, then Postgres."""
    from tests.support.postgres import fresh_database

    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'policy.db'}"
        return
    with fresh_database(request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def module_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Store]":
    """A store that is set up and empty, for all tests of a file: one of them fills it, and none changes it then."""
    from tests.support.postgres import fresh_database

    if request.param == "sqlite":
        with _set_up(f"sqlite:///{tmp_path_factory.mktemp('history') / 'policy.db'}") as store:
            yield store
        return
    with fresh_database(request.getfixturevalue("postgres_url")) as url, _set_up(url) as store:
        yield store


@contextmanager
def _set_up(url: str) -> "Iterator[Store]":
    from storage.store import Store

    with Store(url) as store:
        store.set_up()
        yield store


@pytest.fixture
def store(store_url: str) -> "Iterator[Store]":
    """A store that is set up and empty."""
    with _set_up(store_url) as store:
        yield store
