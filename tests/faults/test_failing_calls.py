"""System calls that fail under a SQLite store, or end the process at that call: nothing is torn, nothing is lost."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.read import policies
from storage.store import Store
from tests.faults.audit import faults, torn
from tests.faults.publisher import many_symbols, publish_next
from tests.support.store_calls import read

CALLS = "pwrite64 fdatasync ftruncate".split()
OUTCOMES = ["error=EIO", "error=ENOSPC", "signal=KILL"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An empty store whose processes can be traced; skips if they cannot."""
    strace = shutil.which("strace")
    tried = [strace, "-qq", "-o", os.devnull, "true"] if strace else ["false"]
    if subprocess.run(tried, check=False).returncode:
        pytest.skip("strace is not installed, or may not trace here")
    url = f"sqlite:///{tmp_path / 'policy.db'}"
    with Store(url) as store:
        store.set_up()
    return url


def publish_under_strace(url: str, call: str, outcome: str, number: int, *options: str) -> list[int]:
    """Publish until the call's n-th use fails, or two runs are published; return the acknowledged runs."""
    inject = f"inject={call}:{outcome}:when={number}"
    command = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", inject]
    with subprocess.Popen(
        [*command, sys.executable, "-m", "tests.faults.publisher", url, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if len(lines) == 3:
                break
        os.killpg(process.pid, signal.SIGKILL)
    return [int(line[1:].partition(",")[0]) for line in lines if line.startswith("(")]


def check_failing_calls(url: str, calls: list[str], numbers: list[int]) -> None:
    for call in calls:
        for outcome in OUTCOMES:
            for number in numbers:
                acknowledged = publish_under_strace(url, call, outcome, number)
                with Store(url) as store:
                    assert torn(store) == [], f"{outcome} at {call} {number}"
                    run = read(store, policies.newest_run, "default")
                    assert not acknowledged or (run is not None and run.run_id >= acknowledged[-1])
    with Store(url) as store:
        publish_next(store, many_symbols())
        assert faults(store) == []


def test_a_system_call_that_fails_tears_nothing(url: str) -> None:
    check_failing_calls(url, ["pwrite64"], [3])


@pytest.mark.long
def test_whichever_of_the_first_twelve_calls_fails_nothing_is_torn(url: str) -> None:
    check_failing_calls(url, CALLS, list(range(1, 13)))


@pytest.mark.long
def test_without_transactions_a_process_that_ends_at_a_write_tears_a_run(url: str) -> None:
    for number in range(1, 100):
        publish_under_strace(url, "pwrite64", "signal=KILL", number, "--torn")
        with Store(url) as store:
            if torn(store):
                return
    raise AssertionError("no end at any of a hundred writes tore a run")
