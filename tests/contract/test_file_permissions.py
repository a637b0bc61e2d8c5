"""Files that hold policies: others than their owner and its group may not read them, whatever the umask allows."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from router_policy_client import PolicyReader
from storage.database.engine import is_wal_safe, sqlite_driver
from storage.store import Store
from tests.support.runs import SLOT, publish
from tests.support.waiting import wait_until


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(("mask", "mode"), [(0o000, "0o640"), (0o022, "0o640"), (0o027, "0o640"), (0o077, "0o600")])
def test_the_store_its_journal_its_backup_and_what_a_router_keeps(tmp_path: Path, mask: int, mode: str) -> None:
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with umask(mask), Store(url) as store:
        store.set_up()
        publish(store, SLOT)
        with store.writing() as connection:
            connection.execute(text("update policy_head set digest = digest"))
            during = modes(tmp_path)
        list(store.back_up(tmp_path / "copy.db"))
        with PolicyReader(url, interval_seconds=1e9, last_known_path=tmp_path / "known.json") as reader:
            wait_until(lambda: reader.get("BTCUSDT").slot == SLOT, "the reader has read the store")
            wait_until((tmp_path / "known.json").exists, "the reader has written what it knows")
        after = modes(tmp_path)

    beside = {"policy.db-wal", "policy.db-shm"} if is_wal_safe(sqlite_driver().sqlite_version_info) else set()
    assert {"policy.db", *beside} <= during.keys()
    assert {"policy.db", "copy.db", "known.json"} <= after.keys()
    assert set(during.values()) | set(after.values()) == {mode}


def test_permissions_that_somebody_gave_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "policy.db"
    file.touch(0o660)
    file.chmod(0o660)
    with Store(f"sqlite:///{file}") as store:
        store.set_up()
        publish(store, SLOT)

    assert set(modes(tmp_path).values()) == {"0o660"}


def test_a_backup_of_postgres_is_private_too(postgres_url: str, postgres_template: str, tmp_path: Path) -> None:
    from tests.support.postgres import fresh_database

    with umask(0o000), fresh_database(postgres_url, postgres_template) as url, Store(url) as store:
        publish(store, SLOT)
        list(store.back_up(tmp_path / "copy.db"))

    assert modes(tmp_path) == {"copy.db": "0o640"}
