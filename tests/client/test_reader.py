"""The reader on both databases: what it finds, what it makes of time, and what it outlives."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest

import router_policy_client.reader as reader_module
from policy import TakerBias as ServiceTakerBias
from router_policy_client import PolicyReader, Quality, ReaderSettingsError, Status, TakerBias
from storage.store import Store
from tests.client.upgrade import PROBE_EVERY, make_view_anew
from tests.support.runs import QUARTER, SLOT, evidence, publish
from tests.support.waiting import wait_until


class Clock:
    """A clock that a test sets."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


def override(
    store: Store,
    lasting: timedelta,
    *,
    maker_first: bool = False,
    taker_bias: ServiceTakerBias = ServiceTakerBias.PREFER_TAKER,
) -> None:
    store.make_override(
        "default",
        "BTCUSDT",
        maker_first=maker_first,
        taker_bias=taker_bias,
        lasting=lasting,
        author="ann",
        reason="the venue is down",
    )


@contextmanager
def watching(url: str, **settings: Any) -> Iterator[PolicyReader]:
    """A reader on the clock of this machine that has looked once, its policies as old as the tests' slots are."""
    with PolicyReader(url, interval_seconds=1e9, first_read_seconds=30, **settings) as reader:
        yield reader


def test_a_published_policy_is_read_with_its_status_age_run_and_slot(store: Store, store_url: str) -> None:
    run = publish(store, SLOT, evidence("BTCUSDT"), evidence("BADUSDT", fallback=0.95))

    with PolicyReader(store_url, watch=False, now=Clock(SLOT + QUARTER)) as reader:
        assert reader.refresh() is True
        good, bad = reader.get("BTCUSDT"), reader.get("BADUSDT")

    assert (good.status, good.age_seconds, good.run_id, good.slot) == (Status.FRESH, 900.0, run.run_id, SLOT)
    assert (good.maker_first, good.taker_bias, good.quality) == (True, TakerBias.PREFER_MAKER, Quality.GOOD)
    assert (good.regime, good.maker_offset_bps, good.probe_every) == ("normal", 1.5, None)
    assert (bad.maker_first, bad.taker_bias, bad.quality) == (False, TakerBias.PREFER_TAKER, Quality.BROKEN)
    assert good.policy is not None
    assert good.policy.published_at == run.published_at


def test_a_symbol_without_a_policy_is_the_routers_own_choice(store: Store, store_url: str) -> None:
    publish(store, SLOT)

    with watching(store_url) as reader:
        found = reader.get("NOBODY")
        assert reader.get(["no", "symbol"]).status is Status.MISSING  # type: ignore[arg-type]  # no type checker looks over every router

    assert (found.symbol, found.status, found.age_seconds) == ("NOBODY", Status.MISSING, None)
    assert (found.run_id, found.slot, found.policy) == (None, None, None)
    assert (found.maker_first, found.taker_bias) == (True, TakerBias.BALANCED)


def test_time_alone_makes_a_policy_stale_and_expired(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    clock = Clock(SLOT)
    with PolicyReader(store_url, watch=False, now=clock, interval_seconds=60, expired_after_intervals=4) as reader:
        assert reader.refresh()
        found = []
        for seconds in (120, 121, 240, 241, -6, 0):
            clock.at = SLOT + timedelta(seconds=seconds)
            found.append(reader.get("BTCUSDT").status.value)

    assert found == ["fresh", "stale", "stale", "expired", "clock_skew", "fresh"]


def test_each_publication_and_override_is_seen_by_itself(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    with watching(store_url) as reader:
        assert reader.get("BTCUSDT").slot == SLOT
        publish(store, SLOT + QUARTER)
        wait_until(lambda: reader.get("BTCUSDT").slot == SLOT + QUARTER, "the second run is seen")
        override(store, timedelta(hours=1))
        wait_until(lambda: not reader.get("BTCUSDT").maker_first, "the override is seen")
        assert reader.get("BTCUSDT").taker_bias is TakerBias.PREFER_TAKER
        assert reader.get("ETHUSDT").maker_first is True
        store.end_override("default", "BTCUSDT", author="ann", reason="it is back")
        wait_until(lambda: reader.get("BTCUSDT").maker_first, "the end of the override is seen")


def test_an_override_beneath_another_is_in_force_again_when_that_ends_by_itself(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    override(store, timedelta(hours=1))
    with watching(store_url) as reader:
        override(store, timedelta(seconds=1), maker_first=True, taker_bias=ServiceTakerBias.BALANCED)
        wait_until(lambda: reader.get("BTCUSDT").taker_bias is TakerBias.BALANCED, "the upper override is seen")
        wait_until(lambda: reader.get("BTCUSDT").taker_bias is TakerBias.PREFER_TAKER, "the lower one is seen again")


def test_an_override_ends_at_its_time_while_nothing_can_be_read(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        override(store, timedelta(hours=1))
        clock = Clock(datetime.now(UTC))
        with PolicyReader(str(store.url), interval_seconds=1e9, watch=False, now=clock) as reader:
            assert reader.refresh()
            assert reader.get("BTCUSDT").maker_first is False
            clock.at += timedelta(minutes=61)
            assert reader.get("BTCUSDT").maker_first is True


def test_an_override_beneath_another_is_in_force_again_though_this_clock_is_ahead(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, SLOT)
    override(store, timedelta(hours=1))
    monkeypatch.setattr(reader_module, "time", lambda: time.time() + 0.03)
    with watching(store_url) as reader:
        override(store, timedelta(seconds=1), maker_first=False, taker_bias=ServiceTakerBias.BALANCED)
        wait_until(lambda: reader.get("BTCUSDT").taker_bias is TakerBias.BALANCED, "the upper override is seen")
        told = set()

        def is_the_lower_one() -> bool:
            found = reader.get("BTCUSDT")
            told.add(found.maker_first)
            return found.taker_bias is TakerBias.PREFER_TAKER

        wait_until(is_the_lower_one, "the lower override is seen again")
    assert told == {False}


def test_an_override_is_in_force_as_long_as_the_store_says_so_though_this_clock_is_far_ahead(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, SLOT)
    monkeypatch.setattr(reader_module, "time", lambda: time.time() + 60.0)
    override(store, timedelta(seconds=3))
    with watching(store_url) as reader:
        told = []

        def has_ended_in_the_store() -> bool:
            told.append(reader.get("BTCUSDT").maker_first)
            return not store.overrides_at("default", store.now())

        wait_until(has_ended_in_the_store, "the override ends")
        assert set(told) == {False}
        wait_until(lambda: reader.get("BTCUSDT").maker_first, "its end is seen")


def test_an_override_of_a_row_that_cannot_be_read_any_more_ends_at_its_time(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        override(store, timedelta(seconds=2))
        with watching(str(store.url)) as reader:
            assert reader.get("BTCUSDT").maker_first is False
            with store.writer.begin() as connection:
                (view,) = connection.exec_driver_sql("select sql from sqlite_master where name = 'policy_latest'").one()
                connection.exec_driver_sql("drop view policy_latest")
                spoilt = view.replace("select c.scope,", "select c.scope, 'nothing' as published_at,", 1)
                connection.exec_driver_sql(spoilt)

            wait_until(lambda: "stays as it was" in str(reader.status.last_error), "the row cannot be read")
            wait_until(lambda: reader.get("BTCUSDT").maker_first, "the override ends all the same")


def test_an_override_that_ended_by_this_clock_alone_is_told_when_it_is_in_force_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "policy.db"
    with Store(f"sqlite:///{path}") as store:
        store.set_up()
        publish(store, SLOT)
        override(store, timedelta(seconds=60))
    ahead = 0.0
    monkeypatch.setattr(reader_module, "time", lambda: time.time() + ahead)
    monkeypatch.setattr(reader_module, "monotonic", lambda: time.monotonic() + ahead)
    with PolicyReader(f"sqlite:///{path}", interval_seconds=1e9, watch=False) as reader:
        assert reader.refresh()
        path.rename(tmp_path / "away.db")
        ahead = 120.0
        assert not reader.refresh()
        ended = reader.status.change_count
        assert reader.get("BTCUSDT").maker_first is True
        (tmp_path / "away.db").rename(path)
        assert reader.refresh()

        assert (reader.get("BTCUSDT").maker_first, reader.status.change_count) == (False, ended + 1)


def test_by_a_clock_of_the_callers_own_an_override_ends_at_its_time(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        override(store, timedelta(hours=1))
        clock = Clock(datetime.now(UTC) + timedelta(hours=2))
        with PolicyReader(str(store.url), interval_seconds=1e9, watch=False, now=clock) as reader:
            assert reader.refresh()
            assert reader.get("BTCUSDT").maker_first is True


def test_a_change_is_told_also_where_an_override_ends_while_the_store_is_away(tmp_path: Path) -> None:
    path = tmp_path / "policy.db"
    with Store(f"sqlite:///{path}") as store:
        store.set_up()
        publish(store, SLOT)
        override(store, timedelta(seconds=1.5))

    async def changed_after_it_is_away(reader: PolicyReader) -> int:
        path.rename(tmp_path / "away.db")
        seen = reader.status.change_count
        return await asyncio.wait_for(reader.changed(after=seen), 30) - seen

    with watching(f"sqlite:///{path}") as reader:
        assert reader.get("BTCUSDT").maker_first is False
        assert asyncio.run(changed_after_it_is_away(reader)) == 1
        assert reader.get("BTCUSDT").maker_first is True


def test_the_policies_of_another_scope_are_not_ours(store: Store, store_url: str) -> None:
    publish(store, SLOT, evidence("BTCUSDT"), scope="paper")

    with watching(store_url) as ours, watching(store_url, scope="paper") as theirs:
        assert ours.get("BTCUSDT").status is Status.MISSING
        assert "scope 'default'" in str(ours.status.last_error)
        assert theirs.get("BTCUSDT").status is Status.FRESH


def test_a_symbol_that_the_newest_run_leaves_out_is_missing(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    with watching(store_url) as reader:
        publish(store, SLOT + QUARTER, evidence("ETHUSDT"))
        wait_until(lambda: reader.get("ETHUSDT").slot == SLOT + QUARTER, "the second run is seen")

        assert reader.get("BTCUSDT").status is Status.MISSING
        assert list(reader.readings()) == ["ETHUSDT"]


def test_readings_are_all_of_one_run(store: Store, store_url: str) -> None:
    run = publish(store, SLOT)

    with watching(store_url) as reader:
        assert {one.symbol: one.run_id for one in reader.readings().values()} == {
            "BTCUSDT": run.run_id,
            "ETHUSDT": run.run_id,
        }


def test_a_reader_may_start_before_the_store_is_set_up(store_url: str) -> None:
    with watching(store_url) as reader:
        assert reader.get("BTCUSDT").status is Status.MISSING
        assert reader.refresh() is False
        assert reader.status.is_reachable is False
        with Store(store_url) as store:
            store.set_up()
            publish(store, SLOT)
            wait_until(lambda: reader.get("BTCUSDT").status is Status.FRESH, "the first run is seen")
        assert reader.status.is_reachable is True


def test_a_view_that_gains_columns_is_read_on(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    with watching(store_url) as reader:
        assert reader.get("BTCUSDT").probe_every is None
        make_view_anew(store)
        publish(store, SLOT + QUARTER)
        wait_until(lambda: reader.get("BTCUSDT").probe_every == PROBE_EVERY, "the column is read")


def test_a_router_that_restarts_without_the_store_goes_on_with_what_it_knew(tmp_path: Path) -> None:
    url, kept = f"sqlite:///{tmp_path / 'policy.db'}", tmp_path / "kept.json"
    with Store(url) as store:
        store.set_up()
        publish(store, SLOT)
        with PolicyReader(url, watch=False, last_known_path=kept, now=Clock(SLOT)) as reader:
            assert reader.refresh()
    (tmp_path / "policy.db").rename(tmp_path / "away.db")

    def restarted(at: datetime) -> PolicyReader:
        return PolicyReader(url, last_known_path=kept, now=Clock(at))

    with restarted(SLOT + timedelta(seconds=300)) as reader:
        assert (reader.get("BTCUSDT").status, reader.get("BTCUSDT").age_seconds) == (Status.FRESH, 300.0)
    with restarted(SLOT + timedelta(hours=3)) as reader:
        assert reader.get("BTCUSDT").status is Status.EXPIRED


def test_a_saved_policy_is_at_least_as_old_as_when_it_was_saved(tmp_path: Path) -> None:
    url, kept = f"sqlite:///{tmp_path / 'policy.db'}", tmp_path / "kept.json"
    with Store(url) as store:
        store.set_up()
        publish(store, SLOT)
        with PolicyReader(url, watch=False, last_known_path=kept, now=Clock(SLOT + timedelta(hours=3))) as reader:
            assert reader.refresh()

    with PolicyReader(url, watch=False, last_known_path=kept, now=Clock(SLOT + timedelta(minutes=1))) as reader:
        assert (reader.get("BTCUSDT").status, reader.get("BTCUSDT").age_seconds) == (Status.EXPIRED, 3 * 3600.0)


def test_a_file_that_cannot_be_written_is_reported_and_stops_nothing(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    publish(store, SLOT)

    with watching(store_url, last_known_path=tmp_path / "no folder" / "kept.json") as reader:
        assert reader.get("BTCUSDT").status is Status.FRESH
        assert "could not be saved" in str(reader.status.last_error)


def test_a_wall_clock_that_is_set_back_makes_an_expired_policy_no_fresher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        at = SLOT.timestamp() + 8000
        monkeypatch.setattr(reader_module, "time", lambda: at)
        with PolicyReader(str(store.url), watch=False) as reader:
            assert reader.refresh()
            assert reader.get("BTCUSDT").status is Status.EXPIRED
            at -= 7000
            assert reader.get("BTCUSDT").status is Status.EXPIRED
            assert reader.refresh()
            assert reader.get("BTCUSDT").status is Status.EXPIRED
            at -= 7000
            assert reader.get("BTCUSDT").status is Status.CLOCK_SKEW


def test_the_status_is_that_of_the_moment_though_the_reading_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        publish(store, SLOT)
        at = SLOT.timestamp() + 1799.95
        monkeypatch.setattr(reader_module, "time", lambda: at)
        with PolicyReader(str(store.url), watch=False) as reader:
            assert reader.refresh()
            fresh = reader.get("BTCUSDT")
            at += 0.01
            assert reader.get("BTCUSDT") is fresh
            at += 0.05
            assert reader.get("BTCUSDT").status is Status.STALE
            at += 1.1
            assert reader.get("BTCUSDT").age_seconds == pytest.approx(1801.11)


def test_tasks_are_told_of_each_change(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    with watching(store_url) as reader:
        seen = reader.status.change_count

        async def three_changes() -> list[int]:
            first = asyncio.create_task(reader.changed())
            second = asyncio.create_task(reader.changed())
            await asyncio.sleep(0)
            await asyncio.to_thread(publish, store, SLOT + QUARTER)
            counts = [await asyncio.wait_for(one, 30) for one in (first, second)]
            return [*counts, await asyncio.wait_for(reader.changed(after=seen), 30)]

        assert asyncio.run(three_changes()) == [seen + 1] * 3


def test_tasks_that_wait_go_on_when_the_reader_is_closed_and_may_be_cancelled(tmp_path: Path) -> None:
    async def wait_and_close() -> tuple[int, int]:
        reader = PolicyReader(f"sqlite:///{tmp_path / 'policy.db'}")
        waiting, cancelled = asyncio.create_task(reader.changed()), asyncio.create_task(reader.changed())
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.to_thread(reader.close)
        return await asyncio.wait_for(waiting, 30), await asyncio.wait_for(reader.changed(), 30)

    assert asyncio.run(wait_and_close()) == (0, 0)


def in_time(work: Callable[[], object]) -> object:
    """Return what the work gives, and fail where it does not end, which it may do without ever giving way."""
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(work()), daemon=True)
    thread.start()
    thread.join(30)
    assert found, "it did not end in 30 s"
    return found[0]


def test_a_task_that_asks_a_closed_reader_again_and_again_leaves_others_their_turn(tmp_path: Path) -> None:
    reader = PolicyReader(f"sqlite:///{tmp_path / 'policy.db'}", watch=False)
    reader.close()

    async def follow() -> None:
        while True:
            await reader.changed(0)

    async def cancelled() -> bool:
        following = asyncio.create_task(follow())
        for _ in range(100):
            await asyncio.sleep(0)
        following.cancel()
        await asyncio.wait([following], timeout=30)
        return following.cancelled()

    assert in_time(lambda: asyncio.run(cancelled()))


def test_a_signal_handler_may_close_the_reader_that_a_task_is_about_to_wait_for(tmp_path: Path) -> None:
    reader = PolicyReader(f"sqlite:///{tmp_path / 'policy.db'}", watch=False)

    async def interrupted_while_it_begins_to_wait() -> int:
        with reader._cache.changes._lock:  # as held by the task itself at that moment
            reader.close()
        return await asyncio.wait_for(reader.changed(0), 30)

    assert in_time(lambda: asyncio.run(interrupted_while_it_begins_to_wait())) == 0


def test_closing_ends_the_thread_and_keeps_what_is_known(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    with watching(store_url) as reader:
        assert reader.status.is_watching is True
        thread = reader._watcher

    assert thread is not None
    assert thread.is_alive() is False
    assert reader.status.is_watching is False
    assert reader.get("BTCUSDT").slot == SLOT
    reader.close()


def open_files() -> int:
    """Count this process's open files; 0 where the system does not tell."""
    listed = Path("/proc/self/fd")
    return len(list(listed.iterdir())) if listed.exists() else 0


def test_a_closed_reader_leaves_nothing_behind(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    with watching(store_url) as reader:
        files = open_files()
    dead_owner = weakref.ref(reader)
    del reader
    gc.collect()

    assert dead_owner() is None
    assert open_files() < files or files == 0


def in_child(work: Callable[[], object]) -> Any:
    """Fork as a server does that keeps its workers, and return what the work says in the child."""
    ours, theirs = Pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that threads are running is the subject
        child = os.fork()
    if child == 0:
        try:
            theirs.send(work())
        finally:
            os._exit(0)
    theirs.close()
    try:
        assert ours.poll(60), "the child sent nothing"
        return ours.recv()
    finally:
        os.waitpid(child, 0)


def test_a_forked_child_watches_by_itself_and_the_parent_goes_on(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    with watching(store_url) as reader:

        def child() -> tuple[bool, int | None, bool]:
            known = reader.get("BTCUSDT").slot == SLOT
            watcher = reader._watcher
            assert watcher is not None
            wait_until(lambda: reader.status.refresh_count > 1, "the child looks by itself")
            reader.close()
            return known, reader.get("BTCUSDT").run_id, watcher.is_alive()

        known, run_id, is_alive = in_child(child)

        assert (known, run_id, is_alive) == (True, 1, False)
        failures = reader.status.failure_count
        publish(store, SLOT + QUARTER)
        wait_until(lambda: reader.get("BTCUSDT").slot == SLOT + QUARTER, "the parent sees the second run")
        assert reader.status.failure_count == failures
    assert in_child(lambda: reader.status.is_watching) is False


def test_a_forked_child_counts_changes_on_from_those_of_its_parent(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    with watching(store_url) as reader:
        publish(store, SLOT + QUARTER)
        wait_until(lambda: reader.status.change_count == 2, "the second run is seen")

        assert in_child(lambda: reader.status.change_count) == 2


def test_threads_may_fork_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with Store(url) as store:
        store.set_up()
        publish(store, SLOT)
    program = f"""
import os, threading, warnings
from router_policy_client import PolicyReader
warnings.simplefilter("ignore")
def fork_often():
    for _ in range(50):
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
with PolicyReader({url!r}, interval_seconds=1e9, first_read_seconds=30) as reader:
    threads = [threading.Thread(target=fork_often) for _ in range(3)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert reader.refresh()
    print(reader.get("BTCUSDT").run_id)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)

    assert done.stdout == "1\n"


def refresh_until(reader: PolicyReader, done: threading.Event) -> None:
    while not done.is_set():
        reader.refresh()


def test_a_child_that_is_forked_during_a_look_inherits_no_open_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with Store(url) as store:
        store.set_up()
        publish(store, SLOT)

    def holds_the_file() -> bool:
        found = []
        for one in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # that of this listing itself
                found.append(str(one.readlink()))
        return any(str(tmp_path) in name for name in found)

    done = threading.Event()
    with PolicyReader(url, watch=False) as reader:
        looking = threading.Thread(target=refresh_until, args=(reader, done))
        looking.start()
        try:
            found = [in_child(holds_the_file) for _ in range(20)]
        finally:
            done.set()
            looking.join()
    assert found == [False] * 20


def test_a_forked_child_is_not_deaf_when_its_parent_has_gone(tmp_path: Path) -> None:
    url, done = f"sqlite:///{tmp_path / 'policy.db'}", tmp_path / "seen"
    with Store(url) as store:
        store.set_up()
        publish(store, SLOT)
    daemon = f"""
import os, time
from datetime import timedelta
from pathlib import Path
from router_policy_client import PolicyReader
reader = PolicyReader({url!r}, interval_seconds=1e9, first_read_seconds=30)
if os.fork():
    os._exit(0)
until = time.monotonic() + 60
while (run := reader.get("BTCUSDT").run_id) != 3 and time.monotonic() < until:
    Path({str(done)!r}).write_text(str(run)) if reader.status.refresh_count > 1 else None
    time.sleep(0.02)
Path({str(done)!r}).write_text(str(run))
"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        subprocess.run([sys.executable, "-W", "ignore", "-c", daemon], check=True, timeout=60)
    wait_until(lambda: done.exists() and done.read_text() == "1", "the daemon reads by itself")

    for number in (1, 2):  # a service that is started anew each time, and takes its journal away when it ends
        publish_elsewhere(url, SLOT + number * QUARTER)

    wait_until(lambda: done.read_text() == "3", "the daemon sees what was published since")


def publish_elsewhere(url: str, slot: datetime) -> None:
    """Publish a run from a process of its own, which then ends."""
    program = (
        "import sys; from datetime import datetime; from storage.store import Store\n"
        "from tests.support.runs import publish\n"
        "with Store(sys.argv[1]) as store: publish(store, datetime.fromisoformat(sys.argv[2]))"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program, url, slot.isoformat()], check=True, timeout=60, cwd=root)


def test_a_reader_beside_the_store_in_one_process_takes_no_lock_from_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with Store(url) as store:
        store.set_up()
        publish(store, SLOT)
        with store.writer.begin() as connection:
            connection.exec_driver_sql("select 1")  # it holds the lock of a writer from here on
            with PolicyReader(url, watch=False) as reader:
                assert reader.refresh()
            program = (
                "import sys; from storage.database.engine import sqlite_driver\n"
                "sqlite_driver().connect(sys.argv[1], timeout=0.1, isolation_level=None).execute('begin immediate')"
            )
            other = subprocess.run(
                [sys.executable, "-c", program, str(tmp_path / "policy.db")],
                capture_output=True,
                text=True,
                timeout=60,
                cwd=Path(__file__).parents[2],
                check=False,
            )

    assert "database is locked" in other.stderr


def test_threads_may_share_a_reader(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    wrong: list[object] = []
    done = threading.Event()
    with watching(store_url) as reader:

        def read() -> None:
            newest = 0
            while not done.is_set():
                found = reader.get("BTCUSDT")
                if found.status is not Status.FRESH or found.run_id is None or found.run_id < newest:
                    wrong.append(found)
                newest = found.run_id or 0
                time.sleep(0.0001)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        last = [publish(store, SLOT + number * QUARTER) for number in range(1, 6)][-1]
        wait_until(lambda: reader.get("BTCUSDT").run_id == last.run_id, "the last run is seen")
        for _ in range(5):
            assert reader.refresh()
        done.set()
        for thread in threads:
            thread.join()

    assert wrong == []


@pytest.mark.parametrize(
    ("url", "settings", "message"),
    [
        ("nonsense", {}, "neither SQLite nor Postgres"),
        ("mysql://host/database", {}, "neither SQLite nor Postgres"),
        ("sqlite://", {}, "a file"),
        ("sqlite:///:memory:", {}, "a file"),
        ("postgresql://host/database?password=geheim", {}, "after the question mark"),
        ("sqlite+unheardof:///policy.db", {}, "unheardof"),
        ("sqlite:///policy.db", {"interval_seconds": 0}, "stale before it expires"),
        ("sqlite:///policy.db", {"stale_after_intervals": 9}, "stale before it expires"),
        ("sqlite:///policy.db", {"poll_seconds": 0}, "poll_seconds"),
        ("sqlite:///policy.db", {"now": datetime.now}, "aware"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(url: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ReaderSettingsError, match=message) as refused:
        PolicyReader(url, watch=False, **settings)

    assert "geheim" not in str(refused.value)


def test_no_password_is_ever_printed() -> None:
    with PolicyReader("postgresql://ann:ge%20heim@127.0.0.1:1/policies", watch=False) as reader:
        assert reader.refresh() is False
        message = f"{reader!r} {reader.status}"

    assert "connection" in message
    assert "***" in message
    assert "heim" not in message


def test_a_clock_that_fails_does_not_fail_the_read(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    clock = Clock(SLOT)
    with PolicyReader(store_url, watch=False, now=clock) as reader:
        assert reader.refresh()
        clock.at = None  # type: ignore[assignment]  # so that it fails

        assert reader.get("BTCUSDT").status is Status.MISSING
