"""Who holds a slot: a process by its host, its id and its start."""

import os
import socket
import subprocess
import sys

import psutil
import pytest

from jobs.holder import is_gone, owner

HERE = socket.gethostname()


def test_this_process_is_not_gone() -> None:
    assert owner().startswith(f"{HERE}:{os.getpid()}@")
    assert not is_gone(owner())


def test_a_process_that_ended_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = f"{HERE}:{child.pid}@{psutil.Process(child.pid).create_time():.0f}"
    assert not is_gone(name)

    child.communicate(b"\n")

    assert is_gone(name)


def test_one_that_had_the_same_process_id_before_is_gone() -> None:
    started = int(owner().rpartition("@")[2])

    assert is_gone(f"{HERE}:{os.getpid()}@{started - 60}")
    assert not is_gone(f"{HERE}:{os.getpid()}@{started + 1}")


@pytest.mark.parametrize("holder", ["elsewhere:1@1", f"{HERE}:", f"{HERE}:x@1", f"{HERE}:1", "", "no colon"])
def test_of_another_host_or_an_unknown_name_nothing_is_told(holder: str) -> None:
    assert not is_gone(holder)
