"""A router that reads all the time, while everything happens to the database that can: no read fails, waits or lies.

Whether a read waited for the database is not told by its time alone, for the system may interrupt any: what connects,
asks or takes the reader's lock is written down with its thread, and the reading threads must never be among them.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from sqlalchemy import Engine, event, make_url, text

from router_policy_client import PolicyReader, Reading, Status
from storage.database.engine import sqlite_driver
from storage.store import Store
from tests.client.upgrade import make_view_anew
from tests.faults.outage import PostgresControl, postgres_of_its_own
from tests.support.runs import evidence, publish
from tests.support.waiting import wait_until

INTERVAL, STALE, EXPIRED = 0.3, 0.6, 1.2
THREADS = 4
PAUSE = 0.0001
SYMBOLS = [f"S{number:02}" for number in range(20)]


class Readable(Protocol):
    def get(self, symbol: str) -> Reading: ...


class Load:
    """Threads that read without end, judge each reading by themselves, and write down how long each took."""

    def __init__(self, reader: Readable) -> None:
        self.reader = reader
        self.nanoseconds: list[int] = []
        self.untrue: list[tuple[Reading, float]] = []
        self.raised: list[BaseException] = []
        self.statuses: set[Status] = set()
        self.identities: set[int] = set()
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(number,)) for number in range(THREADS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _read(self, number: int) -> None:
        self.identities.add(threading.get_ident())
        try:
            while not self._done.is_set():
                number += 1
                before, start = time.time(), time.perf_counter_ns()
                reading = self.reader.get(SYMBOLS[number % len(SYMBOLS)])
                self.nanoseconds.append(time.perf_counter_ns() - start)
                self.statuses.add(reading.status)
                if not is_true(reading, before, time.time()):
                    self.untrue.append((reading, before))
                time.sleep(PAUSE)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it would have stopped the bot
            self.raised.append(error)


def is_true(reading: Reading, before: float, after: float) -> bool:
    """Judge a reading by its slot, and by the rule that published it: maker first in the even tenths of a second."""
    if reading.slot is None:
        return reading.status is Status.MISSING and reading.age_seconds is None and reading.policy is None
    slot = reading.slot.timestamp()
    youngest, oldest = before - slot, after - slot
    if reading.policy is None or reading.policy.maker_first is not is_maker_first(reading.slot):
        return False
    if reading.status is Status.EXPIRED and reading.taker_bias != "prefer_taker":
        return False
    # A clock that is being set right runs a little off.
    is_age_true = reading.age_seconds is not None and youngest - 0.02 <= reading.age_seconds <= oldest + 0.02
    return is_age_true and reading.status in {status_at(age) for age in (youngest - 0.02, oldest + 0.02)}


def status_at(age: float) -> Status:
    if age <= STALE:
        return Status.FRESH
    return Status.STALE if age <= EXPIRED else Status.EXPIRED


def is_maker_first(slot: datetime) -> bool:
    return slot.microsecond // 100_000 % 2 == 0


@contextmanager
def touches(reader: PolicyReader) -> Iterator[set[int]]:
    """Collect the threads that connect anywhere, ask any database, or wait for their turn in this reader's memory."""
    threads: set[int] = set()

    def note(*_: object) -> None:
        threads.add(threading.get_ident())

    class NotedLock:
        def __init__(self, lock: threading.Lock) -> None:
            self._lock = lock

        def acquire(self, timeout: float) -> bool:
            note()
            return self._lock.acquire(timeout=timeout)

        def release(self) -> None:
            self._lock.release()

    memory = reader._cache
    memory._turn = NotedLock(memory._turn)  # type: ignore[assignment]  # as much of a lock as the cache uses
    noted = ("do_connect", "before_cursor_execute", "engine_connect")
    for name in noted:
        event.listen(Engine, name, note)
    try:
        yield threads
    finally:
        for name in noted:
            event.remove(Engine, name, note)


def reader_of(url: str) -> PolicyReader:
    return PolicyReader(
        url,
        interval_seconds=INTERVAL,
        stale_after_intervals=STALE / INTERVAL,
        expired_after_intervals=EXPIRED / INTERVAL,
        first_read_seconds=30,
    )


def publish_now(store: Store) -> datetime:
    """Publish a run for this moment, by the rule that `is_true` knows."""
    slot = datetime.now(UTC)
    fallback = 0.1 if is_maker_first(slot) else 0.95
    publish(store, slot, *(evidence(symbol, fallback=fallback) for symbol in SYMBOLS))
    return slot


def see_next_run(reader: PolicyReader, store: Store) -> None:
    slot = publish_now(store)
    wait_until(lambda: reader.get("S00").slot == slot, "what was published is seen")


def grow_old(reader: PolicyReader) -> None:
    wait_until(lambda: reader.get("S00").status is Status.EXPIRED, "what is known expires")


def check(load: Load, touching: set[int], reader: PolicyReader) -> None:
    """Nothing raised, nothing untrue, nothing waited for, and every kind of time was gone through."""
    assert load.raised == []
    assert load.untrue == []
    assert {Status.MISSING, Status.FRESH, Status.STALE, Status.EXPIRED} <= load.statuses
    assert touching
    assert not touching & load.identities
    assert statistics.quantiles(load.nanoseconds, n=100)[98] < 1_000_000
    assert reader.status.is_watching
    assert reader.status.failure_count > 0


ROUNDS = [1, pytest.param(20, marks=pytest.mark.long)]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_router_reads_on_whatever_happens_to_a_sqlite_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    path = tmp_path / "policy.db"
    monkeypatch.setattr(
        "storage.database.engine.journal_mode", lambda _: "delete"
    )  # only there a lock keeps readers out
    with reader_of(f"sqlite:///{path}") as reader, touches(reader) as touching:
        with Load(reader) as load:
            for _ in range(rounds):
                replace_by_fresh_file(reader, path)
                with Store(f"sqlite:///{path}") as store:
                    fill(reader, store)
                    migrate(reader, store)
                    lock_file(reader, path)
                    see_next_run(reader, store)
                take_file_away(reader, path)
                fill_with_garbage(reader, path)
        check(load, touching, reader)


def replace_by_fresh_file(reader: PolicyReader, path: Path) -> None:
    fresh = path.with_suffix(".fresh")
    with Store(f"sqlite:///{fresh}") as store:
        store.set_up()
        slot = publish_now(store)
    fresh.replace(path)
    wait_until(lambda: reader.get("S00").slot == slot, "the fresh file is seen")


def fill(reader: PolicyReader, store: Store) -> None:
    for _ in range(9):
        publish_now(store)
    see_next_run(reader, store)


def migrate(reader: PolicyReader, store: Store) -> None:
    make_view_anew(store)
    see_next_run(reader, store)


def lock_file(reader: PolicyReader, path: Path) -> None:
    connection = sqlite_driver().connect(str(path), isolation_level=None)  # another library would not be kept out here
    connection.execute("begin exclusive")
    wait_until(lambda: "locked" in str(reader.status.last_error), "the reader finds the file locked")
    grow_old(reader)
    connection.execute("rollback")
    connection.close()


def take_file_away(reader: PolicyReader, path: Path) -> None:
    away = path.with_suffix(".away")
    path.replace(away)
    grow_old(reader)
    away.replace(path)
    with Store(f"sqlite:///{path}") as store:
        see_next_run(reader, store)


def fill_with_garbage(reader: PolicyReader, path: Path) -> None:
    garbage = path.with_suffix(".garbage")
    garbage.write_bytes(b"no database " * 1000)
    garbage.replace(path)
    wait_until(lambda: "not a database" in str(reader.status.last_error), "the reader finds garbage")


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_router_reads_on_whatever_happens_to_a_postgres(rounds: int) -> None:
    with postgres_of_its_own() as (server, url), reader_of(url) as reader, touches(reader) as touching:
        with Load(reader) as load:
            for _ in range(rounds):
                with Store(url) as store:
                    store.set_up()
                    see_next_run(reader, store)
                    fill(reader, store)
                    migrate(reader, store)
                    lock_tables(reader, store)
                    restart(reader, store, server, "fast", grow_old)
                    restart(reader, store, server, "immediate", lambda _: None)
                replace_by_fresh_database(url)
        check(load, touching, reader)


def restart(
    reader: PolicyReader, store: Store, server: PostgresControl, mode: str, meanwhile: Callable[[PolicyReader], None]
) -> None:
    server.stop(mode)
    try:
        meanwhile(reader)
    finally:
        server.start()
    see_next_run(reader, store)


def lock_tables(reader: PolicyReader, store: Store) -> None:
    with store.writer.begin() as connection:
        connection.execute(text("lock table policy_run in access exclusive mode"))
        grow_old(reader)
    see_next_run(reader, store)


def replace_by_fresh_database(url: str) -> None:
    address = make_url(url).set(drivername="postgresql")
    name = address.database
    with psycopg.connect(
        address.set(database="postgres").render_as_string(hide_password=False), autocommit=True
    ) as connection:
        connection.execute(f"drop database {name} with (force)".encode())
        connection.execute(f"create database {name}".encode())


def published(folder: Path) -> str:
    with Store(f"sqlite:///{folder / 'policy.db'}") as store:
        store.set_up()
        publish_now(store)
    return f"sqlite:///{folder / 'policy.db'}"


def load_until(reader: Readable, holds: Callable[[Load], bool]) -> Load:
    with Load(reader) as load:
        wait_until(lambda: holds(load), "the load finds what is wrong")
    return load


class Asking:
    """A reader that asks the store when it finds a policy stale."""

    def __init__(self, reader: PolicyReader) -> None:
        self._reader = reader

    def get(self, symbol: str) -> Reading:
        if self._reader.get(symbol).status is not Status.FRESH:
            self._reader.refresh()
        return self._reader.get(symbol)


class Remembering:
    """A reader that hands out what it read first, for ever."""

    def __init__(self, reader: PolicyReader) -> None:
        self._first = {symbol: reader.get(symbol) for symbol in SYMBOLS}

    def get(self, symbol: str) -> Reading:
        return self._first[symbol]


def test_a_reader_that_asks_the_database_would_be_found(tmp_path: Path) -> None:
    with reader_of(published(tmp_path)) as reader, touches(reader) as touching:
        load = load_until(Asking(reader), lambda load: bool(touching & load.identities))

    assert touching & load.identities


def test_a_reader_that_forgets_the_time_would_be_found(tmp_path: Path) -> None:
    with reader_of(published(tmp_path)) as reader:
        load = load_until(Remembering(reader), lambda load: bool(load.untrue))

    assert load.untrue
