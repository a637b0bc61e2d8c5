"""Fixtures that every kind of test uses: a store on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.store import Store
from tests.postgres import fresh_database, postgres_server, short_folder


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a running Postgres, one for each test process."""
    with postgres_server(short_folder()) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, first SQLite, then Postgres."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'policy.db'}"
        return
    with fresh_database(request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store that is set up and empty."""
    with Store(store_url) as store:
        store.set_up()
        yield store
