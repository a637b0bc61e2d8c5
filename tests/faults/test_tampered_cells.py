"""Any single cell of any published row changed behind the triggers' back: `verify` finds every one."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf, nextafter
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Connection, Table, create_engine, text
from sqlalchemy.exc import DBAPIError

from policy.experiment.experiment import Experiment
from storage.audit.difference import TamperedError
from storage.database.engine import sqlite_driver
from storage.schema.column_types import Flag, UtcTimestamp
from storage.schema.tables import (
    policy_override,
    policy_override_end,
    policy_prune,
    policy_reject,
    policy_rule_set,
    policy_run,
    policy_snapshot,
)
from storage.store import Store
from storage.write import overrides
from tests.faults.broken import trust_every_digest
from tests.support.runs import QUARTER, SLOT, claim, evidence, make_override, publish, result
from tests.support.store_calls import write

pytestmark = pytest.mark.usefixtures("schema_made_once")

TABLES = (
    policy_run,
    policy_snapshot,
    policy_reject,
    policy_rule_set,
    policy_override,
    policy_override_end,
    policy_prune,
)
COLUMNS = [(table, column) for table in TABLES for column in table.columns]
# Words that the checks of a column may let in, so that each such column can be changed at all.
WORDS = "manual backfill balanced prefer_maker prefer_taker good ok degraded broken quiet normal hot panic".split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: where it is, and a condition on the raw key that finds its row again."""

    table: Table
    column: Column[Any]
    key: dict[str, object]


def fill(store: Store) -> None:
    """Publish runs with every kind of figure and with missing ones, overrides, an early end, and a prune."""
    for number in range(3):
        publish(store, SLOT + number * QUARTER)
    list(store.prune(timedelta(0)))
    make_override(store, lasting=timedelta(hours=2))
    publish(
        store,
        SLOT + 3 * QUARTER,
        evidence("BTCUSDT", fallback=0.95),
        evidence("ETHUSDT", fallback=None, atr_ratio=None),
        evidence("SOLUSDT", fallback=0.0, atr_ratio=3.0),
    )
    write(store, overrides.end_override, "default", "BTCUSDT", author="bob", reason="venue is back")
    make_override(store, lasting=timedelta(hours=2))
    shown = result((evidence("BTCUSDT"), evidence("ETHUSDT")))
    held_out = replace(shown, experiment=Experiment(share=0.02, salt="spring", half_width_bps=0.75))
    store.publish(claim(store, SLOT + 4 * QUARTER), held_out)


@contextmanager
def unguarded(store: Store) -> Iterator[Connection]:
    """Give a connection on which foreign keys and checks stop nothing, and on Postgres triggers neither."""
    if store.url.get_backend_name() == "postgresql":
        engine = create_engine(store.url)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("set session_replication_role = replica"))
            yield connection
    else:
        engine = create_engine(store.url, module=sqlite_driver(), connect_args={"isolation_level": None})
        with engine.connect() as connection:
            connection.execute(text("pragma ignore_check_constraints = on"))
            yield connection
    engine.dispose()


@contextmanager
def without_triggers(connection: Connection) -> Iterator[None]:
    """Drop the triggers of SQLite and make them again: `verify` would find that they are missing."""
    if connection.dialect.name != "sqlite":
        yield
        return
    triggers = connection.execute(text("select name, sql from sqlite_master where type = 'trigger'")).all()
    for name, _ in triggers:
        connection.execute(text(f"drop trigger {name}"))
    try:
        yield
    finally:
        for _, definition in triggers:
            connection.exec_driver_sql(definition)


def pick(connection: Connection, chance: random.Random, table: Table, column: Column[Any]) -> Cell:
    keys = [key_column.name for key_column in table.primary_key.columns]
    rows = connection.execute(text(f"select {', '.join(keys)} from {table.name} order by {', '.join(keys)}")).all()
    return Cell(table=table, column=column, key=dict(zip(keys, chance.choice(rows), strict=True)))


def read(connection: Connection, cell: Cell) -> object:
    where = " and ".join(f"{name} = :{name}" for name in cell.key)
    query = text(f"select {cell.column.name} from {cell.table.name} where {where}")
    return connection.execute(query, cell.key).scalar_one()


def tamper(connection: Connection, cell: Cell, value: object) -> None:
    where = " and ".join(f"{name} = :key_{name}" for name in cell.key)
    keys = {f"key_{name}": value for name, value in cell.key.items()}
    update = text(f"update {cell.table.name} set {cell.column.name} = :value where {where}")
    with without_triggers(connection):
        assert connection.execute(update, {"value": value, **keys}).rowcount == 1
    if cell.column.name in cell.key:
        cell.key[cell.column.name] = value


def others(chance: random.Random, column: Column[Any], value: Any) -> list[object]:
    """Return values that a cell could be changed to, in the order in which to try them, the smallest changes first."""
    candidates: list[object] = []
    if value is None:
        return [0.0, chance.random()]
    if isinstance(column.type, Flag | Boolean):
        return [not value] if isinstance(value, bool) else chance.sample([1 - value, 2, -1], 3)
    if isinstance(value, int):
        candidates = [value + 1, value - 1, chance.randrange(10**6), -value - 1]
    if isinstance(value, float):
        candidates = [nextafter(value, 2e9), nextafter(value, -2e9), chance.uniform(-2, 2), -value, inf, 1e301]
    if isinstance(value, datetime):
        candidates = [value + timedelta(microseconds=1), value - timedelta(days=chance.randrange(1, 900))]
    if isinstance(value, str):
        at = chance.randrange(len(value) or 1)
        candidates = [value + " ", value[:at] + "x" + value[at + 1 :], value[:at] + value[at + 1 :], "", value.upper()]
        if isinstance(column.type, UtcTimestamp):
            candidates += [value.replace(" ", "T"), f"{value}.000000", f"{value}Z", value.replace("2026", "2025")]
        candidates += chance.sample(WORDS, len(WORDS))
    chance.shuffle(candidates)
    if column.nullable and chance.random() < 0.3:
        candidates.insert(0, None)
    return [candidate for candidate in candidates if candidate != value]


def change(connection: Connection, chance: random.Random, cell: Cell) -> tuple[object, object]:
    """Put another value into a cell, one that the database's own types and keys let in; return both."""
    before = read(connection, cell)
    for after in others(chance, cell.column, before):
        try:
            tamper(connection, cell, after)
        except DBAPIError:
            continue
        return before, after
    raise AssertionError(f"no other value fits into {cell.table.name}.{cell.column.name}, which is {before!r}")


def is_found(store: Store) -> str:
    """Return what verify says of a changed cell, or nothing."""
    try:
        for _ in store.verify():
            pass
    except TamperedError as error:
        return str(error)
    return ""


def check_picks(store: Store, picks: list[tuple[Table, Column[Any]]], seed: int = 1) -> list[str]:
    """Change one cell after another, each undone before the next; return those that verify does not find."""
    chance, unnoticed = random.Random(seed), []
    with unguarded(store) as connection:
        for table, column in picks:
            cell = pick(connection, chance, table, column)
            at = dict(cell.key)
            before, after = change(connection, chance, cell)
            if not is_found(store):
                unnoticed.append(f"{table.name}.{column.name} of {at}: {before!r} -> {after!r}")
            tamper(connection, cell, before)
    return unnoticed


def test_a_change_of_any_column_is_found(store: Store) -> None:
    seed = random.randrange(1_000_000)
    fill(store)

    unnoticed = check_picks(store, COLUMNS, seed)

    assert unnoticed == [], f"seed {seed}"
    assert is_found(store) == ""


@pytest.mark.long
def test_five_hundred_random_changes_are_found(store: Store) -> None:
    seed = random.randrange(1_000_000)
    fill(store)

    unnoticed = check_picks(store, random.Random(seed).choices(COLUMNS, k=500), seed)

    assert unnoticed == [], f"seed {seed}"
    assert is_found(store) == ""


def test_where_what_is_in_the_row_is_not_digested_the_changes_are_missed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    trust_every_digest(monkeypatch)

    unnoticed = check_picks(store, [(policy_run, policy_run.c.engine), (policy_reject, policy_reject.c.sample)])

    assert len(unnoticed) == 2
