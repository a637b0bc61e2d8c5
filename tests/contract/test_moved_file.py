"""A SQLite file that is moved away, replaced or put back while the store is open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database.engine import checkpoint_wal
from storage.errors import SchemaError, StoreFileMovedError
from storage.read.policies import newest_run
from storage.store import Store
from tests.support.runs import QUARTER, SLOT, publish


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Store]:
    """A store with one run, whose connections are all open."""
    with Store(f"sqlite:///{path}") as store:
        store.set_up()
        publish(store, SLOT)
        assert newest_slot(store) == SLOT.isoformat()
        yield store


def newest_slot(store: Store) -> str:
    with store.reading() as connection:
        run = newest_run(connection, "default")
    return run.slot.isoformat() if run is not None else "none"


def test_a_file_that_was_moved_away_is_neither_read_nor_written_and_comes_back(opened: Store, path: Path) -> None:
    aside = path.rename(path.with_name("aside.db"))

    for _ in range(3):
        with pytest.raises(
            StoreFileMovedError, match=r"policy\.db was moved or deleted while it was open; put it back"
        ):
            newest_slot(opened)
        with pytest.raises(StoreFileMovedError, match="moved or deleted"):
            publish(opened, SLOT + QUARTER)
    assert not path.exists()
    aside.rename(path)
    assert newest_slot(opened) == SLOT.isoformat()
    publish(opened, SLOT + QUARTER)
    assert newest_slot(opened) == (SLOT + QUARTER).isoformat()


def test_a_file_beside_the_log_of_the_one_before_is_not_read_until_the_one_before_is_back(
    opened: Store, path: Path
) -> None:
    assert Path(f"{path}-wal").stat().st_size > 0
    aside, later = path.rename(path.with_name("aside.db")), another_store(path.with_name("later.db"))
    later.rename(path)

    for _ in range(3):
        with pytest.raises(StoreFileMovedError, match=r"another file has replaced .*delete policy\.db-wal"):
            newest_slot(opened)
        with pytest.raises(StoreFileMovedError, match="another file has replaced"):
            publish(opened, SLOT + 2 * QUARTER)
    aside.replace(path)
    assert newest_slot(opened) == SLOT.isoformat()


def test_a_file_that_replaces_another_without_a_log_is_read_and_written(opened: Store, path: Path) -> None:
    checkpoint_wal(opened.writer)
    another_store(path.with_name("later.db")).replace(path)

    assert newest_slot(opened) == (SLOT + QUARTER).isoformat()
    publish(opened, SLOT + 2 * QUARTER)
    with Store(f"sqlite:///{path}") as fresh:
        assert newest_slot(fresh) == (SLOT + 2 * QUARTER).isoformat()


def test_an_empty_file_that_replaces_another_is_not_a_store(opened: Store, path: Path) -> None:
    checkpoint_wal(opened.writer)
    path.unlink()
    path.touch()

    with pytest.raises(SchemaError, match="run: router-policy init"):
        newest_slot(opened)


def test_a_store_that_was_closed_opens_whatever_file_is_there(opened: Store, path: Path) -> None:
    opened.close()
    another_store(path.with_name("later.db")).replace(path)

    assert newest_slot(opened) == (SLOT + QUARTER).isoformat()


def another_store(path: Path) -> Path:
    """Return the file of a store whose only run is a quarter later."""
    with Store(f"sqlite:///{path}") as other:
        other.set_up()
        publish(other, SLOT + QUARTER)
    return path


def test_closing_a_store_whose_file_is_gone_raises_nothing(opened: Store, path: Path) -> None:
    path.unlink()

    opened.close()

    assert not path.exists()
