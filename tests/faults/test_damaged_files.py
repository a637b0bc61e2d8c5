"""A SQLite file that is damaged from below: by failing system calls, a torn journal, or single bits that flip."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from storage.engine import is_wal_safe, journal_mode, parse_url, read_engine, sqlite_driver
from storage.errors import StoreError
from storage.store import Store
from tests.faults.audit import faults, torn
from tests.faults.processes import forked
from tests.faults.publisher import many_symbols, publish_for_ever, publish_next
from tests.runs import LEASE

CALLS = "pwrite64 fdatasync ftruncate".split()
OUTCOMES = ["error=EIO", "error=ENOSPC", "signal=KILL"]


def set_up(folder: Path) -> str:
    url = f"sqlite:///{folder / 'policy.db'}"
    with Store(url) as store:
        store.set_up()
    return url


def is_traceable() -> bool:
    """Tell whether strace is here and may trace."""
    strace = shutil.which("strace")
    if strace is None:
        return False
    return subprocess.run([strace, "-qq", "-o", os.devnull, "true"], check=False).returncode == 0


@pytest.mark.parametrize(
    "numbers", [[3], pytest.param([1, 2, *range(4, 13)], marks=pytest.mark.long)], ids=["few", "many"]
)
def test_a_system_call_that_fails_tears_nothing(tmp_path: Path, numbers: list[int]) -> None:
    if not is_traceable():
        pytest.skip("strace is not installed, or may not trace here")
    url = set_up(tmp_path)
    for call in CALLS[: 3 if len(numbers) > 2 else 2]:
        for outcome in OUTCOMES:
            for number in numbers:
                acknowledged = publish_under_strace(url, call, outcome, number)
                with Store(url) as store:
                    assert torn(store) == [], f"{outcome} at {call} {number}"
                    run = store.newest_run("default")
                    assert not acknowledged or (run is not None and run.run_id >= acknowledged[-1])
    with Store(url) as store:
        publish_next(store, many_symbols())
        assert faults(store) == []


def publish_under_strace(url: str, call: str, outcome: str, number: int) -> list[int]:
    """Publish until the call's n-th use fails, or two runs are published; return the acknowledged runs."""
    inject = f"inject={call}:{outcome}:when={number}"
    command = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", inject]
    with subprocess.Popen(
        [*command, sys.executable, "-m", "tests.faults.publisher", url],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if len(said) == 3:
                break
        os.killpg(process.pid, signal.SIGKILL)
    return [int(line[1:].partition(",")[0]) for line in said if line.startswith("(")]


@pytest.mark.long
def test_a_journal_with_a_torn_tail_keeps_whole_runs_only(tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    chance, url = random.Random(seed), set_up(tmp_path)
    if journal_mode(sqlite_driver().sqlite_version_info) != "wal":
        pytest.skip("this SQLite is not used with a write-ahead log")
    with Store(url) as store:
        for _ in range(20):
            publish_next(store, many_symbols(20))
        original = (tmp_path / "policy.db").read_bytes(), (tmp_path / "policy.db-wal").read_bytes()
    kept = {check_torn_journal(tmp_path / "copy.db", *original, chance, f"case {n} of {seed}") for n in range(800)}
    assert len(kept) > 5, "the damage never reached the runs"


def check_torn_journal(copy: Path, database: bytes, journal: bytes, chance: random.Random, case: str) -> int:
    """Open a copy whose journal was cut or overwritten somewhere; return how many runs are left."""
    at = chance.randrange(len(journal))
    cut = journal[:at] if chance.random() < 0.5 else journal[:at] + chance.randbytes(512) + journal[at + 512 :]
    for name in ("-shm", "-wal"):
        copy.with_name(copy.name + name).unlink(missing_ok=True)
    copy.write_bytes(database)
    copy.with_name(copy.name + "-wal").write_bytes(cut)
    engine = create_engine(f"sqlite:///{copy}", module=sqlite_driver())
    with engine.connect() as connection:
        assert connection.scalar(text("pragma integrity_check")) == "ok", case
        there = connection.scalar(text("select count(*) from sqlite_master where name = 'policy_run'"))
        found = int(connection.scalar(text("select count(*) from policy_run")) or 0) if there else 0
    engine.dispose()
    if there:
        with Store(f"sqlite:///{copy}") as store:
            assert torn(store) == [], case
    return found


def content(url: str) -> object:
    """Return everything that is published, as a reader's connection gives it, or nothing where it gives none."""
    tables = "policy_run policy_snapshot policy_reject policy_rule_set".split()
    engine = read_engine(parse_url(url))
    try:
        with engine.connect() as connection:
            return [sorted(map(repr, connection.execute(text(f"select * from {name} not indexed")))) for name in tables]
    except (DBAPIError, ValueError, UnicodeError, OverflowError):
        return None
    finally:
        engine.dispose()


def finds(url: str) -> bool:
    try:
        with Store(url) as store:
            for _ in store.verify():
                pass
    except StoreError:
        return True
    return False


@pytest.mark.parametrize("flips", [40, pytest.param(500, marks=pytest.mark.long)])
def test_a_flipped_bit_that_changes_what_is_published_is_found(tmp_path: Path, flips: int) -> None:
    seed = random.randrange(1_000_000)
    chance, url = random.Random(seed), set_up(tmp_path)
    with Store(url) as store:
        for _ in range(5):
            publish_next(store, many_symbols(20))
    original, whole = (tmp_path / "policy.db").read_bytes(), content(url)
    missed, changed = [], 0
    for _ in range(flips):
        at, bit = chance.randrange(100, len(original)), chance.randrange(8)
        damaged = bytearray(original)
        damaged[at] ^= 1 << bit
        (tmp_path / "policy.db").write_bytes(damaged)
        if content(url) != whole:
            changed += 1
            missed += [] if finds(url) else [f"bit {bit} of byte {at}"]

    assert changed > flips // 20, "the flips never reached a row"
    assert missed == [], f"{len(missed)} of {changed} changes, seed {seed}"


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((3, 7, 0), "delete"),
        ((3, 40, 1), "delete"),
        ((3, 44, 5), "delete"),
        ((3, 44, 6), "wal"),
        ((3, 45, 0), "delete"),
        ((3, 50, 6), "delete"),
        ((3, 50, 7), "wal"),
        ((3, 51, 0), "delete"),
        ((3, 51, 2), "delete"),
        ((3, 51, 3), "wal"),
        ((3, 53, 4), "wal"),
        ((4, 0, 0), "wal"),
    ],
)
def test_a_sqlite_with_the_wal_reset_bug_is_not_used_with_a_write_ahead_log(
    version: tuple[int, ...], expected: str
) -> None:
    assert journal_mode(version) == expected
    assert is_wal_safe(version) == (expected == "wal")


def checkpoint_for_ever(pipe: Any, url: str) -> None:
    """Checkpoint again and again, as no reader of ours does; this is what brings the bug out."""
    with Store(url) as store:
        pipe.send("ready")
        while True:
            with store.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.connection.cursor().execute("pragma wal_checkpoint(passive)").fetchall()


@pytest.mark.long
def test_a_writer_beside_endless_checkpoints_keeps_the_file_whole(tmp_path: Path) -> None:
    url = set_up(tmp_path)
    with forked(checkpoint_for_ever, url) as checkpointer, forked(publish_for_ever, url, LEASE) as publisher:
        assert (checkpointer.answer(), publisher.answer()) == ("ready", "ready")
        _for_seconds(60, lambda: checkpointer.process.is_alive() and publisher.process.is_alive())
        publisher.kill()
        assert len(publisher.answers()) > 50
    with Store(url) as store:
        assert faults(store) == []


def _for_seconds(seconds: float, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert holds()
        time.sleep(0.5)
