"""The console over small histories: by default that of `tests.support.small_history`, a while after its last slot."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from console.web.app import Access, create_app
from jobs.analysis.health import WatchedScope
from jobs.slots import Slots
from storage.store import Store
from tests.support.postgres import fresh_database
from tests.support.shadowed_history import publish_shadowed_history
from tests.support.small_history import publish_small_history

NOW = datetime(2025, 3, 4, 4, 20, tzinfo=UTC)
Visit = Callable[..., TestClient]


def console(
    store: Store,
    *,
    now: datetime | None = NOW,
    access: Access | None = None,
    symbols: Sequence[str] = (),
    **more: Any,
) -> TestClient:
    """The console over a store as a program on this machine gets it; `now` None is the database's clock."""
    book = WatchedScope(store=store, scope="default", slots=Slots("0 * * * *"), symbols=symbols)
    clock = (lambda: now) if now is not None else None
    app = create_app(book, access=access, now=clock, **more)
    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)


@pytest.fixture
def visit() -> Iterator[Visit]:
    """Open consoles, see `console`; they are closed after the test."""
    with ExitStack() as opened:
        yield lambda *given, **named: opened.enter_context(console(*given, **named))


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The small history on SQLite, only to be read."""
    yield from _published(f"sqlite:///{tmp_path_factory.mktemp('small') / 'policy.db'}", publish_small_history)


@pytest.fixture(scope="session")
def shadowed_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The history with a shadow on SQLite, only to be read."""
    yield from _published(f"sqlite:///{tmp_path_factory.mktemp('shadowed') / 'policy.db'}", publish_shadowed_history)


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def small_console(request: pytest.FixtureRequest) -> Iterator[TestClient]:
    """The console over the small history, first on SQLite, then on Postgres."""
    if request.param == "sqlite":
        with console(request.getfixturevalue("small_store")) as client:
            yield client
        return
    with fresh_database(request.getfixturevalue("postgres_url")) as url:
        for store in _published(url, publish_small_history):
            with console(store) as client:
                yield client


@pytest.fixture(scope="session")
def client(small_store: Store) -> Iterator[TestClient]:
    """The console over the small history on SQLite."""
    with console(small_store) as client:
        yield client


def _published(url: str, publish: Callable[[Store], None]) -> Iterator[Store]:
    with Store(url) as store:
        store.set_up()
        publish(store)
        yield store
