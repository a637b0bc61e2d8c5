"""Control characters in a source, and a NUL above all, which no text of Postgres takes: they cost no run."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from jobs.plan import Plan
from jobs.run.recompute import recompute
from storage.read import policies
from storage.records import Origin
from storage.schema.tables import policy_run_failure
from storage.store import Store
from storage.write import leases
from tests.support.outcomes import outcome, write_csv, write_jsonl, write_parquet
from tests.support.runs import RULES, claim
from tests.support.small_runs import AS_OF, canonical
from tests.support.store_calls import read, write

GOOD = [outcome(1), outcome(2), outcome(3)]


def a_csv_that_ends_in_zeros(folder: Path) -> Path:
    """What a file system may leave of a file after the power has failed."""
    path = write_csv(folder / "outcomes.csv", GOOD)
    path.write_bytes(path.read_bytes() + b"\x00" * 8 + b"\n")
    return path


def a_csv_row_that_does_not_fit(folder: Path) -> Path:
    path = write_csv(folder / "outcomes.csv", GOOD)
    path.write_bytes(path.read_bytes() + b"torn,\x00\x1b\tlast\n")
    return path


def an_order_id_that_stands_twice(folder: Path) -> Path:
    return write_jsonl(folder / "outcomes.jsonl", [*GOOD, *[outcome(4, order_id="x\x00y")] * 2])


def a_symbol_in_parquet(folder: Path) -> Path:
    return write_parquet(folder / "outcomes.parquet", [*GOOD, outcome(4, symbol="BTC\x00USDT")])


@pytest.mark.parametrize(
    ("write", "sample"),
    [
        (a_csv_that_ends_in_zeros, r":5: \x00\x00\x00\x00\x00\x00\x00\x00"),
        (a_csv_row_that_does_not_fit, r":5: torn,\x00\x1b\tlast"),
        (an_order_id_that_stands_twice, r"order_id x\x00y"),
        (a_symbol_in_parquet, ": row 4: 2026-04-26 00:01:00"),
    ],
)
def test_a_source_with_control_characters_costs_no_run(
    store: Store, tmp_path: Path, write: Callable[[Path], Path], sample: str
) -> None:
    plan = Plan(scope="default", orders=canonical(write(tmp_path)), candles=None, rule_set=RULES)
    result = recompute(plan, AS_OF, origin=Origin.MANUAL, started_at=AS_OF)

    run = store.publish(claim(store, AS_OF), result)

    assert run.symbol_count == 1
    (reject,) = read(store, policies.rejects_of_run, run.run_id)
    assert reject.sample.endswith(sample)


def test_a_failure_whose_error_has_a_nul_is_recorded(store: Store) -> None:
    assert write(store, leases.record_failure, claim(store), "a.csv has no column 'ts'; it has t\0s", timedelta(0))

    with store.reader.connect() as connection:
        errors = connection.scalars(select(policy_run_failure.c.error)).all()
    assert errors == [r"a.csv has no column 'ts'; it has t\x00s"]
