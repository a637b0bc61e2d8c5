"""Several schedules against one store, as real processes that tests kill, stop and let go on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import select

from storage.schema.tables import policy_run, policy_slot
from storage.store import Store
from tests.support.bots import COMMAND, environment, write_bot
from tests.support.waiting import wait_until

SCHEDULE = """
[schedule]
cron = "* * * * * */{seconds}"
tick = "1s"
deadline = "{deadline}"
retry_after = "1s"
"""
BEGUN = "schedule * * * * *"
CAREFUL = (COMMAND,)
CARELESS = (sys.executable, "-m", "tests.faults.without_lease_checks")
UNSHIELDED = (sys.executable, "-m", "tests.faults.without_signal_shield")


@dataclass(slots=True, kw_only=True)
class Schedulers:
    """The processes of one bot's schedule by their ids; what they say is in one file."""

    folder: Path
    store: Store
    command: Sequence[str] = CAREFUL
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def messages(self) -> str:
        path = self.folder / "messages.log"
        return path.read_text() if path.exists() else ""

    def start(self) -> int:
        """Start one more, in a process group of its own, wait until it answers to signals, and return its id."""
        begun = self.messages.count(BEGUN)
        with (self.folder / "messages.log").open("ab") as messages:
            process = subprocess.Popen(
                [*self.command, "run", "--config", str(self.folder / "router-policy.toml")],
                env=environment(),
                stdout=messages,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running[process.pid] = process
        wait_until(lambda: self.messages.count(BEGUN) > begun, "the schedule has begun", 60)
        return process.pid

    def kill(self, process_id: int, *, with_child: bool) -> None:
        """End one as a crash does; the child that computes goes on without it, or ends with it."""
        (os.killpg if with_child else os.kill)(process_id, signal.SIGKILL)
        self.running.pop(process_id).wait(30)

    def signal(self, process_id: int, number: signal.Signals) -> None:
        """Send a signal to one and to its child."""
        os.killpg(process_id, number)

    def is_alive(self, process_id: int) -> bool:
        return self.running[process_id].poll() is None

    def terminate(self) -> list[int]:
        """Ask all to end, once each has begun to listen, and return their exit codes."""
        for process_id in self.running:
            wait_until(partial(listens, process_id), "a schedule is ready to be told to stop")
        for process in self.running.values():
            process.terminate()
        return [process.wait(60) for process in self.running.values()]

    def end(self) -> None:
        """End whatever is left."""
        for process_id, process in self.running.items():
            if process.poll() is None:
                os.killpg(process_id, signal.SIGKILL)
            process.wait()

    def leader(self) -> tuple[int, datetime]:
        """Wait until one of them has claimed a slot and not yet published it; return which, and the slot."""
        held_slots: list[tuple[int, datetime]] = []

        def is_held() -> bool:
            held = select(policy_slot.c.owner, policy_slot.c.slot).where(policy_slot.c.state == "running")
            with self.store.reader.connect() as connection:
                rows = connection.execute(held.order_by(policy_slot.c.slot)).all()
            ours = [(process_id(name), slot) for name, slot in rows]
            held_slots[:] = [(holder, slot) for holder, slot in ours if holder in self.running]
            return bool(held_slots)

        wait_until(is_held, "one of the schedules holds a slot", 60)
        return held_slots[-1]

    def published(self) -> list[tuple[datetime, int]]:
        """Return the published slots, oldest first, each with the id of the process that holds it."""
        runs = select(policy_run.c.slot, policy_run.c.owner).order_by(policy_run.c.slot)
        with self.store.reader.connect() as connection:
            return [(slot, process_id(name)) for slot, name in connection.execute(runs)]

    def wait_for_more(self, count: int = 1, what: str = "another slot is published") -> None:
        """Wait until so many more slots are published than are now."""
        enough = len(self.published()) + count
        wait_until(lambda: len(self.published()) >= enough, what, 90)


@contextmanager
def schedulers(
    folder: Path, store_url: str, *, seconds: int, deadline: str = "30s", command: Sequence[str] = CAREFUL
) -> Iterator[Schedulers]:
    """Set a store and a bot up for a schedule of so many seconds; all processes are ended when the block ends."""
    write_bot(
        folder,
        datetime.now(UTC).replace(microsecond=0),
        store=store_url,
        more=SCHEDULE.format(seconds=seconds, deadline=deadline),
    )
    with Store(store_url) as store:
        store.set_up()
        several = Schedulers(folder=folder, store=store, command=command)
        try:
            yield several
        finally:
            several.end()


def process_id(holder: str) -> int:
    """Return the id of the process that a holder is, as in `host:77@1764000000`."""
    return int(holder.rpartition(":")[2].partition("@")[0])


def listens(process_id: int) -> bool:
    """Tell whether a process would handle SIGTERM, by the mask of signals that it catches."""
    status = Path(f"/proc/{process_id}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
