"""Who holds a slot: a process by its host, its id and its start."""

import os
import shutil
import socket
import subprocess
import sys

import psutil
import pytest

from jobs.run.lease_owner import is_dead, owner

HERE = socket.gethostname()
NAMESPACE = owner().partition("/")[2]


def named(process_id: int, started: float, namespace: str = NAMESPACE) -> str:
    """The name of a holder of this host."""
    return f"{HERE}:{process_id}@{started:.0f}" + (f"/{namespace}" if namespace else "")


def test_this_process_is_not_gone() -> None:
    assert owner().startswith(f"{HERE}:{os.getpid()}@")
    assert not is_dead(owner())


def test_a_process_that_ended_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = named(child.pid, psutil.Process(child.pid).create_time())
    assert not is_dead(name)

    child.communicate(b"\n")

    assert is_dead(name)


def test_one_that_had_the_same_process_id_before_is_gone() -> None:
    started = psutil.Process().create_time()

    assert is_dead(named(os.getpid(), started - 60))
    assert not is_dead(named(os.getpid(), started + 1))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces of process ids")
@pytest.mark.parametrize("namespace", ["1", ""], ids=["another", "unsaid"])
def test_of_another_namespace_of_process_ids_nothing_is_told(namespace: str) -> None:
    assert is_dead(named(2**22 + 1, 1.0))
    assert not is_dead(named(2**22 + 1, 1.0, namespace))


def test_holders_of_two_namespaces_do_not_take_each_other_for_dead() -> None:
    unshare = shutil.which("unshare")
    inside = [unshare or "", "--pid", "--fork", "--mount-proc", sys.executable, "-c"]
    if unshare is None or subprocess.run([*inside, ""], capture_output=True, check=False).returncode:
        pytest.skip("this user can make no namespace of process ids")
    say = "import sys; from jobs.run.lease_owner import is_dead, owner; print(owner(), is_dead(sys.argv[1]))"

    output = subprocess.run([*inside, say, owner()], capture_output=True, check=True, text=True).stdout
    theirs, takes_us_for_dead = output.split()

    assert theirs.startswith(f"{HERE}:")
    assert takes_us_for_dead == "False"
    assert not is_dead(theirs)


@pytest.mark.parametrize("holder", ["elsewhere:1@1", f"{HERE}:", f"{HERE}:x@1", f"{HERE}:1", "", "no colon"])
def test_of_another_host_or_an_unknown_name_nothing_is_told(holder: str) -> None:
    assert not is_dead(holder)
