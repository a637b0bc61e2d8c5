"""Messages that nobody reads: the program goes on, and counts what was dropped."""

import fcntl
import logging
import os
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.terminal.unblocked import UnblockedHandler
from storage.read.policies import newest_run
from storage.store import Store
from tests.support.bots import COMMAND, environment, write_bot
from tests.support.waiting import wait_until

PIPE_BYTES = 4096
DROPPED = re.compile(r"(\d+) messages before this one were dropped")


@pytest.fixture
def full_pipe() -> Iterator[tuple[int, int]]:
    """A pipe that is full: its reading end and its writing end."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    os.write(writer, b"." * (PIPE_BYTES - 1) + b"\n")
    yield reader, writer
    os.close(writer)
    os.close(reader)


@pytest.mark.parametrize("count", [10, 999, 5000])
def test_every_message_is_written_or_counted_as_dropped(full_pipe: tuple[int, int], count: int) -> None:
    reader, writer = full_pipe
    handler = UnblockedHandler(writer)
    logger = logging.Logger("unread")
    logger.addHandler(handler)
    for number in range(count):
        logger.warning("message %d", number)
    text = os.read(reader, PIPE_BYTES).decode()
    os.set_blocking(reader, False)

    def all_is_read() -> bool:
        nonlocal text
        try:
            text += os.read(reader, PIPE_BYTES).decode()
        except BlockingIOError:
            return "last" in text
        return False

    wait_until(lambda: not handler._lines.full(), "there is room", seconds=0.1) if count < 1000 else all_is_read()
    wait_until(lambda: all_is_read() or not handler._lines.unfinished_tasks, "the messages are read")
    logger.warning("last")
    wait_until(all_is_read, "the last message is read")

    dropped = sum(int(number) for number in DROPPED.findall(text))
    assert len(re.findall(r"^message \d+$", text, re.MULTILINE)) + dropped == count
    assert (dropped > 0) == (count > 1001)


def test_a_schedule_whose_messages_nobody_reads_goes_on_and_ends_on_a_signal(
    tmp_path: Path, full_pipe: tuple[int, int]
) -> None:
    _, writer = full_pipe
    schedule = '[schedule]\ncron = "* * * * * *"\ntick = "1s"\n'
    write_bot(tmp_path, datetime.now(UTC).replace(microsecond=0), more=schedule)
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        store.set_up()
        process = subprocess.Popen([COMMAND, "run"], cwd=tmp_path, env=environment(), stderr=writer)
        try:
            wait_until(lambda: _run_count(store) >= 3, "three runs are published")
        finally:
            process.terminate()
            code = process.wait(30)

    assert code == 0


def _run_count(store: Store) -> int:
    with store.reading() as connection:
        run = newest_run(connection, "default")
    return run.run_id if run is not None else 0
