"""`router-policy upgrade`: a copy first, then schema and verification, whole or not at all; on both databases."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from storage.audit import safe_upgrade
from storage.errors import StoreError
from storage.schema.upgrade import downgrade, needed_version
from storage.store import Store
from tests.support.bots import write_bot
from tests.support.command import command
from tests.support.runs import QUARTER, SLOT, publish
from tests.support.tampering import behind_the_triggers

_EARLIER = "0006"


@pytest.fixture
def earlier(store: Store) -> Store:
    """A store with two runs in an earlier schema."""
    publish(store, SLOT)
    publish(store, SLOT + QUARTER)
    downgrade(store.writer, _EARLIER)
    return store


@pytest.fixture
def settings(earlier: Store, tmp_path: Path) -> Path:
    """A folder with settings for that store."""
    write_bot(tmp_path, SLOT, store=earlier.url.render_as_string(hide_password=False))
    return tmp_path


def runs_of(store: Store) -> int:
    with store.reading() as connection:
        return int(connection.execute(text("select count(*) from policy_run")).scalar_one())


def test_an_earlier_store_is_copied_upgraded_and_verified(earlier: Store, settings: Path) -> None:
    done = command(settings, "upgrade", "--backup", "before.db", "--json")

    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["schema_before"], record["schema_after"]) == (_EARLIER, needed_version())
    assert (record["run_count"], record["file"], record["is_changed"]) == (2, "before.db", True)
    assert earlier.schema_version() == needed_version()
    with Store(f"sqlite:///{settings / 'before.db'}") as copy:
        assert (copy.schema_version(), runs_of(copy)) == (_EARLIER, 2)


def test_people_are_told_where_the_copy_is_and_how_to_go_back(settings: Path) -> None:
    done = command(settings, "upgrade", "--backup", "before.db")

    assert done.stdout.startswith(f"schema {_EARLIER} is now {needed_version()}: 2 runs, ")
    assert "before.db is the store as it was. To go back: stop all that use it" in done.stdout


def test_a_second_upgrade_changes_nothing_and_makes_no_copy(settings: Path) -> None:
    command(settings, "upgrade", "--backup", "before.db")
    again = command(settings, "upgrade", "--backup", "again.db")

    assert (again.returncode, again.stdout) == (
        0,
        f"the store is at schema {needed_version()} already, as this program needs; nothing was changed\n",
    )
    assert not (settings / "again.db").exists()


def test_a_history_that_was_changed_is_not_upgraded(earlier: Store, settings: Path) -> None:
    with behind_the_triggers(earlier) as connection:
        connection.execute(text("update policy_run set event_count = event_count + 1"))

    failed = command(settings, "upgrade", "--backup", "before.db")

    assert failed.returncode == 1
    assert re.fullmatch(r"router-policy: run 1: digest is '\w+', derived '\w+'\n", failed.stderr)
    assert earlier.schema_version() == _EARLIER
    assert not (settings / "before.db").exists()


def test_an_upgrade_that_fails_leaves_the_store_as_it_was_and_names_the_copy(
    earlier: Store, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schema has changed already when the verification fails: both are one transaction."""

    def fail(*_: object) -> Iterator[object]:
        raise StoreError("the disk is full")
        yield

    monkeypatch.setattr(safe_upgrade, "verify", fail)
    failed = command(settings, "upgrade", "--backup", "before.db")

    assert failed.returncode == 1
    assert failed.stderr == (
        "router-policy: the disk is full; the store was not changed, and before.db is a copy of it\n"
    )
    assert (earlier.schema_version(), runs_of(earlier)) == (_EARLIER, 2)
    assert "probe_share" not in {column["name"] for column in inspect(earlier.writer).get_columns("policy_snapshot")}
    assert (settings / "before.db").exists()


def test_an_earlier_schema_is_refused_by_other_commands_with_this_one(settings: Path) -> None:
    failed = command(settings, "once")

    assert failed.returncode == 1
    assert f"is at schema version {_EARLIER} and this program needs {needed_version()}" in failed.stderr
    assert failed.stderr.endswith("run router-policy upgrade\n")


def test_an_empty_store_has_nothing_to_upgrade(tmp_path: Path) -> None:
    write_bot(tmp_path, SLOT)

    failed = command(tmp_path, "upgrade")

    assert failed.returncode == 1
    assert "run router-policy init" in failed.stderr
