"""A store that schema 0002 wrote, whose digests had another text: it verifies, and its backup can be restored.

tests/data/store_of_schema_0002.sql was dumped from such a store: two runs, the first with a rejected row, and an
override with its early end.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.audit.difference import TamperedError
from storage.store import Store
from tests.support.runs import QUARTER, SLOT, publish
from tests.support.tampering import behind_the_triggers

_DUMP = Path(__file__).parents[1] / "data" / "store_of_schema_0002.sql"
_HEAD = "4d5abf5a037933ddaf1172ea97960ac51bbbcb2c92cc797252f9bcf69a0ab71e"  # as `router-policy head` of that day said


@pytest.fixture
def dumped(tmp_path: Path) -> Path:
    path = tmp_path / "earlier.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_DUMP.read_text("utf-8"))
    return path


@pytest.fixture
def upgraded(dumped: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{dumped}") as store:
        store.set_up()
        yield store


def test_an_upgraded_store_verifies_and_goes_on_with_digests_of_today(upgraded: Store) -> None:
    *_, last = upgraded.verify(_HEAD)
    publish(upgraded, SLOT + 100 * QUARTER)
    *_, longer = upgraded.verify(_HEAD)

    assert (last.run_count, last.snapshot_count, last.digest) == (2, 4, _HEAD)
    assert longer.run_count == 3


def test_a_backup_of_that_schema_is_restored_into_either_database(store_url: str, dumped: Path) -> None:
    with Store(store_url) as restored:
        *_, last = restored.restore(dumped)

    assert last.digest == _HEAD


@pytest.mark.parametrize(
    "change",
    [
        "update policy_snapshot set probe_every = 5",
        "update policy_snapshot set expectancy = 1 where symbol = 'BTCUSDT'",
        "update policy_snapshot set slip_q75 = 9 where symbol = 'BTCUSDT'",
        "update policy_run set shadows = '{}'",
        "update policy_run set engine = 'another'",
        "update policy_override set reason = 'another'",
        "update policy_override_end set author = 'bob'",
        "update policy_run set digest_form = 3",
        "update policy_override_end set digest_form = 2",
        "delete from policy_reject",
        "insert into policy_reject select 4, source, reason, reject_count, sample from policy_reject",
    ],
)
def test_a_change_of_that_history_is_found(upgraded: Store, change: str) -> None:
    with behind_the_triggers(upgraded) as connection:
        connection.execute(text(change))

    with pytest.raises(TamperedError):
        list(upgraded.verify())
