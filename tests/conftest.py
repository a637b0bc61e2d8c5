"""Fixtures that every kind of test uses: a store on each database.

They import what they need only when a test asks for them: the tests of pure code run without a database driver.
"""

import shutil
import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from jobs.cycle_collector import without_collector
from tests.support import processor_times

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from storage.audit.schema_objects import Objects
    from storage.store import Store


# How long an example takes depends on what else the machine does.
settings.register_profile("any-load", deadline=None)
settings.load_profile("any-load")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the number of tests to list by their processor time."""
    text = "list the N files and the N tests that took the most processor time"
    parser.addoption(processor_times.OPTION, type=int, metavar="N", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Let the commands that tests start hear Ctrl-C, even if the tests themselves run in a shell's background."""
    if (listed := config.getoption(processor_times.OPTION)) is not None:
        config.pluginmanager.register(processor_times.ProcessorTimes(listed))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep Python's collector of cycles off while tests are collected: a fifth of the time went into it."""
    with without_collector():
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A folder for caches of the tests' own, also for the processes that they start."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CACHE_DIRECTORY", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a running Postgres, one for each test process."""
    from tests.support.postgres import memory, postgres_server, short_folder

    with postgres_server(short_folder(memory())) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store that is set up and empty, to be copied: the migrations run once for each test process."""
    from storage.store import Store

    path = tmp_path_factory.mktemp("template") / "policy.db"
    with Store(f"sqlite:///{path}") as store:
        store.set_up()
    return path


@pytest.fixture
def sqlite_store(tmp_path: Path, sqlite_template: Path) -> "Iterator[Store]":
    """A store that is set up and empty, in the file `policy.db`: for what does not depend on the database."""
    from storage.store import Store

    with Store(f"sqlite:///{shutil.copy(sqlite_template, tmp_path)}") as store:
        yield store


@pytest.fixture(scope="session")
def published_bot(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """The folder of the bot of `tests.support.bots` with one run, of 2026-04-26T00:15:00Z: to be copied."""
    from tests.support.bots import write_bot
    from tests.support.command import command

    folder, as_of = tmp_path_factory.mktemp("published"), datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
    write_bot(folder, as_of)
    shutil.copy(sqlite_template, folder)
    done = command(folder, "once", "--as-of", as_of.isoformat())
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Iterator[str]:
    """The name of a database that is set up and empty, to be copied."""
    from storage.store import Store
    from tests.support.postgres import fresh_database, name_of

    with fresh_database(postgres_url) as url:
        with Store(url) as store:
            store.set_up()
        yield name_of(url)


@pytest.fixture(scope="session")
def _expected_objects() -> "dict[str, Objects | None]":
    return {}


@pytest.fixture
def schema_made_once(monkeypatch: pytest.MonkeyPatch, _expected_objects: "dict[str, Objects | None]") -> None:
    """Let `verify` compare the schema with one that was made once for each kind of database.

    Otherwise each verification on Postgres runs the migrations. For tests that verify many times and whose databases
    have the settings of their server.
    """
    from storage.audit import schema_objects

    make = schema_objects.expected_objects

    def expected_objects(engine: "Engine") -> "Objects | None":
        if engine.dialect.name not in _expected_objects:
            _expected_objects[engine.dialect.name] = make(engine)
        return _expected_objects[engine.dialect.name]

    monkeypatch.setattr(schema_objects, "expected_objects", expected_objects)


@contextmanager
def _database(request: pytest.FixtureRequest, folder: Path, *, is_set_up: bool) -> Iterator[str]:
    """Give the URL of a new database of the kind that the fixture's parameter names, empty or with the schema in it."""
    from tests.support.postgres import fresh_database

    if request.param == "sqlite":
        path = folder / "policy.db"
        if is_set_up:
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("postgres_template") if is_set_up else None
    with fresh_database(request.getfixturevalue("postgres_url"), template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, first SQLite, then Postgres; set up if the test uses `store` as well."""
    with _database(request, tmp_path, is_set_up="store" in request.fixturenames) as url:
        yield url


@pytest.fixture
def store(store_url: str) -> "Iterator[Store]":
    """A store that is set up and empty."""
    from storage.store import Store

    with Store(store_url) as store:
        yield store


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def module_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Store]":
    """A store that is set up and empty, for all tests of a file: one of them fills it, and none changes it then."""
    from storage.store import Store

    with _database(request, tmp_path_factory.mktemp("history"), is_set_up=True) as url, Store(url) as store:
        yield store
