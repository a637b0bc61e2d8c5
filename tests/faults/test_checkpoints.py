"""The bug of older SQLite that corrupts a database in WAL mode: not met, because there the mode is another."""

import time
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType

import pytest

import storage.database.engine
from storage.database.engine import is_wal_safe, journal_mode, sqlite_driver
from storage.store import Store
from tests.faults.audit import faults
from tests.faults.processes import forked
from tests.faults.publisher import publish_for_ever
from tests.support.runs import LEASE

STRESS_SECONDS = 60


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((3, 7, 0), "delete"),
        ((3, 40, 1), "delete"),
        ((3, 44, 5), "delete"),
        ((3, 44, 6), "wal"),
        ((3, 45, 0), "delete"),
        ((3, 50, 6), "delete"),
        ((3, 50, 7), "wal"),
        ((3, 51, 0), "delete"),
        ((3, 51, 2), "delete"),
        ((3, 51, 3), "wal"),
        ((3, 53, 4), "wal"),
        ((4, 0, 0), "wal"),
    ],
)
def test_a_sqlite_with_the_wal_reset_bug_is_not_used_with_a_write_ahead_log(
    version: tuple[int, ...], expected: str
) -> None:
    assert journal_mode(version) == expected
    assert is_wal_safe(version) == (expected == "wal")


@pytest.mark.parametrize(("is_gated", "expected"), [(True, "delete"), (False, "wal")])
def test_a_store_on_such_a_sqlite_writes_no_such_log_unless_the_version_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_gated: bool, expected: str
) -> None:
    old = ModuleType("an old SQLite")
    vars(old).update(vars(sqlite_driver()), sqlite_version_info=(3, 40, 1))
    monkeypatch.setattr(storage.database.engine, "sqlite_driver", lambda: old)
    if not is_gated:
        monkeypatch.setattr(storage.database.engine, "is_wal_safe", lambda _: True)

    with Store(set_up(tmp_path)) as store, store.reader.connect() as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == expected


def checkpoint_for_ever(pipe: Connection, url: str) -> None:
    """Checkpoint again and again, as no reader of ours does; this is what brings the bug out."""
    with Store(url) as store:
        pipe.send("ready")
        while True:
            with store.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.connection.cursor().execute("pragma wal_checkpoint(passive)").fetchall()


def set_up(folder: Path) -> str:
    url = f"sqlite:///{folder / 'policy.db'}"
    with Store(url) as store:
        store.set_up()
    return url


@pytest.mark.long
def test_a_writer_beside_endless_checkpoints_keeps_the_file_whole(tmp_path: Path) -> None:
    url = set_up(tmp_path)
    with forked(checkpoint_for_ever, url) as checkpointer, forked(publish_for_ever, url, LEASE) as publisher:
        assert (checkpointer.answer(), publisher.answer()) == ("ready", "ready")
        end = time.monotonic() + STRESS_SECONDS
        while time.monotonic() < end:
            assert checkpointer.process.is_alive()
            assert publisher.process.is_alive()
            time.sleep(0.5)
        publisher.kill()
        assert len(publisher.answers()) > 50
    with Store(url) as store:
        assert faults(store) == []
