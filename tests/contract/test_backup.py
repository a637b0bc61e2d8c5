"""Backup and restore: a copy that is whole and verified, on either database, taken while runs go on."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import text

import storage.audit.backup as backup_module
from storage.audit import chain
from storage.audit.backup import BackupError
from storage.audit.difference import TamperedError
from storage.read import policies
from storage.store import Store
from tests.support.runs import QUARTER, SLOT, publish
from tests.support.store_calls import read
from tests.support.tampering import behind_the_triggers

EARLIER = Path(__file__).parents[1] / "data" / "store_before_0.1.0.sql"


def test_a_backup_has_the_same_head_and_the_same_policies(store: Store, tmp_path: Path) -> None:
    publish(store, SLOT)
    publish(store, SLOT + QUARTER)

    *_, last = store.back_up(tmp_path / "copy.db")

    with Store(f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        assert read(copy, chain.head) == read(store, chain.head)
        assert read(copy, policies.latest, "default") == read(store, policies.latest, "default")
    assert (last.run_count, last.snapshot_count, last.digest) == (2, 4, read(store, chain.head).digest)
    assert [path.name for path in tmp_path.glob("copy.db*")] == ["copy.db"]


def test_a_backup_restored_into_an_empty_store_goes_on_where_it_was(store: Store, tmp_path: Path) -> None:
    publish(store, SLOT)
    list(store.back_up(tmp_path / "copy.db"))

    with Store(f"sqlite:///{tmp_path / 'restored.db'}") as restored:
        *_, last = restored.restore(tmp_path / "copy.db")
        following = publish(restored, SLOT + QUARTER)

        assert last.digest == read(store, chain.head).digest
        assert following.previous_digest == last.digest
        assert read(restored, policies.latest, "default")[0].snapshot.run_id == 2


def test_a_file_backup_is_restored_into_either_database(store: Store, tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'origin.db'}") as origin:
        origin.set_up()
        publish(origin, SLOT)
        list(origin.back_up(tmp_path / "copy.db"))
        wanted = read(origin, policies.latest, "default")

    list(store.restore(tmp_path / "copy.db"))

    assert read(store, policies.latest, "default") == wanted


def test_a_restore_refuses_a_store_that_has_a_history(store: Store, tmp_path: Path) -> None:
    publish(store, SLOT)
    list(store.back_up(tmp_path / "copy.db"))

    with pytest.raises(BackupError, match="already has a history"):
        list(store.restore(tmp_path / "copy.db"))


def test_a_backup_never_overwrites_a_file(store: Store, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")

    with pytest.raises(BackupError, match="exists already"):
        list(store.back_up(tmp_path / "copy.db"))

    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_backup_that_cannot_be_written_is_refused_in_words(store: Store, tmp_path: Path) -> None:
    publish(store, SLOT)

    with pytest.raises(BackupError, match=r"the folder .*nowhere for the backup copy\.db does not exist"):
        list(store.back_up(tmp_path / "nowhere" / "copy.db"))
    with pytest.raises(BackupError, match=r"backup to .* failed: .* name a file that can be written"):
        list(store.back_up(tmp_path / ("long" * 100)))


def test_a_backup_of_a_changed_history_is_refused_and_leaves_no_file(store: Store, tmp_path: Path) -> None:
    publish(store, SLOT)
    with behind_the_triggers(store) as connection:
        connection.execute(text("update policy_snapshot set slip_q75 = 9 where symbol = 'BTCUSDT'"))

    with pytest.raises(TamperedError):
        list(store.back_up(tmp_path / "copy.db"))

    assert list(tmp_path.glob("copy.db*")) == []


def test_a_backup_is_of_one_moment_while_runs_go_on(store: Store, tmp_path: Path) -> None:
    publish(store, SLOT)

    def publish_on() -> None:
        with Store(store.url.render_as_string(hide_password=False)) as other:
            for number in range(1, 20):
                publish(other, SLOT + number * QUARTER)

    writer = Thread(target=publish_on)
    writer.start()
    try:
        for number in range(3):
            *_, last = store.back_up(tmp_path / f"copy{number}.db")
            assert last.snapshot_count == 2 * last.run_count
    finally:
        writer.join()
    assert len(read(store, policies.history, "default", "BTCUSDT")) == 20


@pytest.mark.parametrize(
    "name", ["copy?v=1.db", "a%41.db", "a#b.db", "file:copy.db", "über die Maßen.db", "a b;c&d.db"]
)
def test_a_backup_is_the_file_that_was_named_whatever_its_name(store: Store, tmp_path: Path, name: str) -> None:
    publish(store, SLOT)

    *_, last = store.back_up(tmp_path / name)
    with Store(f"sqlite:///{tmp_path / 'restored.db'}") as restored:
        *_, again = restored.restore(tmp_path / name)

    with closing(sqlite3.connect(shutil.copy(tmp_path / name, tmp_path / "plain.db"))) as plain:
        assert plain.execute("select count(*) from policy_snapshot").fetchone() == (2,)
    assert again.digest == last.digest == read(store, chain.head).digest
    assert {path.name for path in tmp_path.glob("*unfinished*")} == set()


@pytest.mark.parametrize(
    "change",
    [
        "update policy_snapshot set maker_first = 1 - maker_first, taker_bias = 'prefer_taker'",
        "update policy_run set digest = 'x'",
        "delete from policy_snapshot where symbol = 'BTCUSDT'",
        "update policy_head set digest = 'x'",
    ],
)
def test_nothing_of_a_changed_backup_is_in_force_and_the_good_one_can_be_restored(
    store: Store, tmp_path: Path, change: str
) -> None:
    with Store(f"sqlite:///{tmp_path / 'origin.db'}") as origin:
        origin.set_up()
        publish(origin, SLOT)
        list(origin.back_up(tmp_path / "good.db"))
    shutil.copy(tmp_path / "good.db", tmp_path / "changed.db")
    with Store(f"sqlite:///{tmp_path / 'changed.db'}") as changed, behind_the_triggers(changed) as connection:
        connection.execute(text(change))

    with pytest.raises(TamperedError):
        list(store.restore(tmp_path / "changed.db"))
    assert read(store, policies.latest, "default") == []
    assert read(store, chain.head).entry_id == 0

    *_, last = store.restore(tmp_path / "good.db")
    assert last.run_count == 1


def test_a_backup_of_an_earlier_schema_is_restored_and_stays_as_it_was(store: Store, tmp_path: Path) -> None:
    backup = tmp_path / "earlier.db"
    with closing(sqlite3.connect(backup)) as connection:
        connection.executescript(EARLIER.read_text("utf-8"))
    before = backup.read_bytes()

    *_, last = store.restore(backup)

    assert (last.run_count, last.snapshot_count) == (11, 22)
    assert backup.read_bytes() == before


def test_nothing_is_left_beside_a_backup_that_failed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk: the copy has a write-ahead log when it fails."""
    publish(store, SLOT)

    def fail(path: Path) -> None:
        for suffix in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).write_bytes(b"left")
        raise OSError("No space left on device")

    monkeypatch.setattr(backup_module, "_settle", fail)
    with pytest.raises(BackupError, match="No space left on device"):
        list(store.back_up(tmp_path / "copy.db"))

    assert list(tmp_path.glob("copy.db*")) == []
