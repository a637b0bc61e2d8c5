"""The process of a run: it ends with its schedule or at its deadline, and leaves no temporary files."""

import fcntl
import multiprocessing
import os
import re
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

import jobs.run.child_process
from jobs.engines.temporary_folder import temporary_folder
from jobs.run.child_process import end_with_parent, folder_of_run
from jobs.run.errors import RunFailedError
from tests.support.bots import COMMAND, environment
from tests.support.command import command
from tests.support.waiting import wait_until

ENDLESS = """
[store]
url = "sqlite:///policy.db"
[orders]
kind = "canonical"
url = "sqlite:///endless.db"
query = "with recursive n(i) as (select 1 union all select i + 1 from n) select i as ts, 'BTCUSDT' as symbol, 1 as maker_started, 1 as maker_filled, 0 as fallback_used, 0.5 as slippage_bps from n"
[schedule]
cron = "* * * * * *"
tick = "1s"
deadline = "{deadline}"
"""  # noqa: E501 - a query of one line


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files, of this process too."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def start_endless(folder: Path, scratch: Path, deadline: str) -> subprocess.Popen[bytes]:
    """Start a schedule whose runs write temporary files without end."""
    (folder / "endless.db").touch()
    (folder / "router-policy.toml").write_text(ENDLESS.format(deadline=deadline))
    with (folder / "messages.log").open("ab") as messages:
        return subprocess.Popen(
            [COMMAND, "run"], cwd=folder, env=environment() | {"TMPDIR": str(scratch)}, stdout=messages, stderr=messages
        )


def test_a_run_whose_schedule_is_killed_ends_and_removes_its_temporary_files(tmp_path: Path, scratch: Path) -> None:
    process = start_endless(tmp_path, scratch, "5m")
    try:
        wait_until(lambda: any(scratch.glob("router-policy-run-*/*/*")), "a run writes temporary files")
        children = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.kill()
        process.wait()

    wait_until(lambda: not any(child.is_running() for child in children), "the processes of the run have ended")
    assert list(scratch.iterdir()) == []


def test_a_run_that_is_ended_at_its_deadline_leaves_no_temporary_files(tmp_path: Path, scratch: Path) -> None:
    process = start_endless(tmp_path, scratch, "3s")
    try:
        wait_until(lambda: "longer than its deadline" in (tmp_path / "messages.log").read_text(), "a run is ended")
    finally:
        process.terminate()
        process.wait(30)

    assert list(scratch.iterdir()) == []


def test_folders_of_killed_schedules_are_removed_and_those_in_use_stay(scratch: Path) -> None:
    for name in ("router-policy-run-dead", "router-policy-run-alive", "another-program"):
        (scratch / name).mkdir()
        (scratch / name / "rows.csv").touch()
    descriptor = os.open(scratch / "router-policy-run-alive", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with temporary_folder() as folder:
            names = {path.name for path in scratch.iterdir()}
    finally:
        os.close(descriptor)

    assert names == {"router-policy-run-alive", "another-program", folder.name}


@pytest.mark.parametrize(
    "arguments", [("once",), ("backfill", "--from", "2026-04-25T00:00:00Z", "--to", "2026-04-25T00:00:02Z")]
)
def test_what_a_killed_command_left_is_removed_by_the_next_one(
    tmp_path: Path, scratch: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "endless.db").touch()
    (tmp_path / "router-policy.toml").write_text(ENDLESS.format(deadline="5m"))
    assert command(tmp_path, "init").returncode == 0
    process = subprocess.Popen(
        [COMMAND, *arguments], cwd=tmp_path, env=environment() | {"TMPDIR": str(scratch)}, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: any(scratch.glob("router-policy-run-*/*")), "the command writes temporary files")
    finally:
        process.kill()
        process.wait()
    left = {path.name for path in scratch.iterdir()}

    with temporary_folder() as folder:
        names = {path.name for path in scratch.iterdir()}

    assert len(left) == 1
    assert names == {folder.name}


def test_two_runs_at_once_keep_their_folders(scratch: Path) -> None:
    with temporary_folder() as first, temporary_folder() as second:
        assert first.exists()
        assert second.exists()
    assert not first.exists()


def test_a_run_without_a_folder_for_temporary_files_fails_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")

    with pytest.raises(RunFailedError, match="set TMPDIR to a folder"), folder_of_run():
        pass


def _stuck(folder: Path, deadline: timedelta, *, lets_threads_run: bool) -> None:
    end_with_parent(folder, deadline)
    while lets_threads_run:
        pass
    re.match(r"(a+)+b", "a" * 64)  # longer than anybody waits, and in C, where no thread can run


@pytest.mark.parametrize("lets_threads_run", [True, False])
def test_a_run_that_is_stuck_ends_at_its_deadline_without_its_parent(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, *, lets_threads_run: bool
) -> None:
    monkeypatch.setattr(jobs.run.child_process, "_GRACE_SECONDS", 0.2)
    child = multiprocessing.get_context("fork").Process(
        target=_stuck, args=(scratch, timedelta(seconds=0.2)), kwargs={"lets_threads_run": lets_threads_run}
    )

    child.start()
    try:
        child.join(20)
        assert child.exitcode is not None
    finally:
        child.kill()
        child.join()
