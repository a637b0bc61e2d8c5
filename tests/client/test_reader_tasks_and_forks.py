"""A reader between tasks, threads and forked processes, and how it ends."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from router_policy_client import PolicyReader, Status
from storage.store import Store
from tests.client.reading import watching
from tests.support.runs import QUARTER, SLOT, publish
from tests.support.waiting import wait_until


def test_tasks_are_told_of_each_change(store: Store, store_url: str) -> None:
    publish(store, SLOT)
    with watching(store_url) as reader:
        seen = reader.status.change_count

        async def three_changes() -> list[int]:
            first = asyncio.create_task(reader.changed())
            second = asyncio.create_task(reader.changed())
            await asyncio.sleep(0)
            await asyncio.to_thread(publish, store, SLOT + QUARTER)
            counts = [await asyncio.wait_for(task, 30) for task in (first, second)]
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
    """Return what the work gives; fail if it does not end, even if it never gives way."""
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    thread.join(30)
    assert results, "it did not end in 30 s"
    return results[0]


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
    """Count this process's open files; 0 if the system does not list them."""
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
        open_paths = []
        for descriptor in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # that of this listing itself
                open_paths.append(str(descriptor.readlink()))
        return any(str(tmp_path) in name for name in open_paths)

    done = threading.Event()
    with PolicyReader(url, watch=False) as reader:
        looking = threading.Thread(target=refresh_until, args=(reader, done))
        looking.start()
        try:
            inherited = [in_child(holds_the_file) for _ in range(20)]
        finally:
            done.set()
            looking.join()
    assert inherited == [False] * 20


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
                reading = reader.get("BTCUSDT")
                if reading.status is not Status.FRESH or reading.run_id is None or reading.run_id < newest:
                    wrong.append(reading)
                newest = reading.run_id or 0
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
