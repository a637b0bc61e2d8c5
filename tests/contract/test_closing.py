"""Closing a store on SQLite: its file by itself holds all that was published, though routers keep it open."""

import shutil
from pathlib import Path

from router_policy_client import PolicyReader
from storage.read import policies
from storage.store import Store
from tests.support.runs import QUARTER, SLOT, publish
from tests.support.store_calls import read


def test_the_file_alone_is_whole_after_the_store_is_closed_though_a_router_has_it_open(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with Store(url) as store:
        store.set_up()
        publish(store, SLOT)
    with PolicyReader(url, interval_seconds=1e9, first_read_seconds=30) as reader:
        assert reader.get("BTCUSDT").slot == SLOT
        with Store(url) as store:
            publish(store, SLOT + QUARTER)
        shutil.copyfile(tmp_path / "policy.db", tmp_path / "copy.db")

    with Store(f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        *_, last = copy.verify()
        assert last.run_count == 2


def test_a_store_that_somebody_reads_is_closed_all_the_same(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with Store(url) as store:
        store.set_up()
    with Store(url) as other, other.reader.connect() as connection:
        connection.exec_driver_sql("select count(*) from policy_run")  # a reading transaction that goes on
        with Store(url) as store:
            publish(store, SLOT)
        assert connection.exec_driver_sql("select count(*) from policy_run").scalar_one() == 0
    with Store(url) as store:
        assert read(store, policies.newest_run, "default") is not None


def test_a_store_whose_file_has_gone_is_closed_all_the_same(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'policy.db'}")
    store.set_up()
    for path in tmp_path.iterdir():
        path.unlink()

    store.close()
