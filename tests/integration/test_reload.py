"""SIGHUP: the schedule and the console take new settings, or keep the old ones and say why."""

import json
import logging
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from console.errors import SettingsError
from console.reload import Reloader, reload_or_keep, reloaded_on_sighup
from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import plan_of
from console.web.server import Address, Console, console_at
from jobs.run.schedule import Schedule, ScheduleOptions
from jobs.slots import Slots
from storage.read.pages import PageBounds, gaps
from storage.store import Store
from storage.write import leases
from storage.write.leases import Lease, SlotHeldError
from tests.support.bots import COMMAND, environment, write_bot
from tests.support.runs import SLOT
from tests.support.store_calls import write
from tests.support.waiting import wait_until


def lines(log: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def texts(log: Path) -> str:
    return "\n".join(line["event"] for line in lines(log))


def test_a_schedule_goes_on_by_new_settings_and_keeps_the_old_ones_if_the_new_cannot_be_used(tmp_path: Path) -> None:
    path, log = write_bot(tmp_path, datetime.now(UTC)), tmp_path / "messages.log"
    whole = path.read_text()
    with log.open("wb") as messages:
        process = subprocess.Popen([COMMAND, "run"], cwd=tmp_path, env=environment(), stderr=messages)
    try:
        wait_until(lambda: "the next run is due" in texts(log), "the schedule waits for its next slot", 60)
        path.write_text(whole + '\n[schedule]\ncron = "soon"\n')
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the old ones stay" in texts(log), "the broken settings are refused", 60)
        path.write_text(whole + '\n[schedule]\ncron = "0 0 1 1 *"\n')
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: "schedule 0 0 1 1 * (UTC)" in texts(log), "the new settings are in force", 60)
        wait_until(lambda: "the settings are reloaded: schedule" in texts(log), "the log names what changed", 60)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded: nothing changed" in texts(log), "the log tells that nothing changed", 60)
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(60) == 0

    refused = next(line for line in lines(log) if "the old ones stay" in line["event"])
    assert refused["level"] == "error"
    assert "soon" in refused["event"]


@pytest.mark.parametrize("error", [SettingsError("[orders] is missing"), ZeroDivisionError("division by zero")])
def test_a_reload_that_fails_never_ends_the_program(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> Sequence[str]:
        raise error

    with caplog.at_level(logging.INFO, "router_policy"):
        reload_or_keep(fail)

    (record,) = caplog.records
    assert (record.levelname, "the old ones stay" in record.getMessage()) == ("ERROR", True)
    assert str(error) in record.getMessage() + str(record.exc_info)


def test_a_console_that_begins_after_a_reload_has_the_new_settings(tmp_path: Path) -> None:
    path = write_bot(tmp_path, datetime.now(UTC))
    first = load(path)
    reloader = Reloader(config=path, settings=first)

    def reload_before_it_begins(console: Console) -> None:
        path.write_text(f'{path.read_text()}\n[web]\ntoken = "a token of enough length"\n')
        assert reloader.reload() == ["web"]
        reloader.attach(console)

    with Store(first.store.url) as store:
        store.set_up()
    with console_at(first, Address(port=0), begun=reload_before_it_begins) as url:
        assert httpx.get(f"{url}v1/runs").status_code == 401


def test_settings_that_a_part_refuses_change_no_other_part(tmp_path: Path) -> None:
    path = write_bot(tmp_path, datetime.now(UTC), more='[web]\ntoken = "a token of enough length"\n')
    first = load(path)
    applied: list[Settings] = []
    reloader = Reloader(config=path, settings=first, prepare=lambda new: lambda: applied.append(new))
    with Store(first.store.url) as store:
        store.set_up()
        console = Console(address=Address(host="0.0.0.0"), store=store)
        console.use(first)
        reloader.attach(console)
        path.write_text(path.read_text().partition("[web]")[0])

        with pytest.raises(SettingsError, match="ROUTER_POLICY_WEB__TOKEN"):
            reloader.reload()

    assert (applied, reloader.settings) == ([], first)


def test_nothing_waits_for_the_signal_after_its_block() -> None:
    with reloaded_on_sighup(list):
        assert "reload" in [thread.name for thread in threading.enumerate()]

    assert "reload" not in [thread.name for thread in threading.enumerate()]


def test_new_times_are_in_force_from_the_next_tick_on(tmp_path: Path) -> None:
    settings = load(write_bot(tmp_path, datetime.now(UTC)))
    schedule = Schedule(
        plan=plan_of(settings), store_url=settings.store.url, timing=ScheduleOptions(slots=Slots("0 12 * * *"))
    )
    daily = ScheduleOptions(slots=Slots("0 0 * * *"))
    with Store(settings.store.url) as store:
        store.set_up()
        schedule.stop()  # so that the tick computes nothing
        schedule.replace(schedule.plan, daily)
        assert schedule.timing is not daily
        schedule.tick(store)

    assert schedule.timing is daily


def test_what_is_reloaded_while_a_tick_takes_the_reload_before_is_in_force_from_the_next_on(tmp_path: Path) -> None:
    noon, midnight, six = (ScheduleOptions(slots=Slots(cron)) for cron in ("0 12 * * *", "0 0 * * *", "0 6 * * *"))

    class ReloadedMeanwhile(Schedule):
        """Replaced by another thread in the middle of a tick: just when the tick takes the options before."""

        def __setattr__(self, name: str, value: object) -> None:
            Schedule.__setattr__(self, name, value)
            if value is midnight:
                reload = threading.Thread(target=self.replace, args=(self.plan, six))
                reload.start()
                reload.join()

    settings = load(write_bot(tmp_path, datetime.now(UTC)))
    schedule = ReloadedMeanwhile(plan=plan_of(settings), store_url=settings.store.url, timing=noon)
    with Store(settings.store.url) as store:
        store.set_up()
        schedule.stop()  # so that the ticks compute nothing
        schedule.replace(schedule.plan, midnight)
        schedule.tick(store)
        assert schedule.timing is midnight
        schedule.tick(store)

    assert schedule.timing is six


@dataclass(slots=True, kw_only=True)
class Quarterly:
    """A schedule of every quarter of an hour, after its slot of 00:15; another process holds each it claims."""

    schedule: Schedule
    store: Store
    patches: pytest.MonkeyPatch
    claimed: list[datetime]

    def tick_at(self, minute: int) -> list[datetime]:
        """Tick at a minute of that hour; all slots that were claimed until then."""
        self.patches.setattr(Store, "now", lambda _: SLOT.replace(minute=minute))
        self.patches.setattr("jobs.run.schedule._seconds_passed", lambda: minute * 60.0)
        self.schedule.tick(self.store)
        return self.claimed


@pytest.fixture
def quarterly(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Quarterly]:
    claimed: list[datetime] = []

    def held(store: Store, scope: str, slot: datetime, lease_time: timedelta) -> Lease:
        claimed.append(slot)
        raise SlotHeldError(scope, slot, "another", slot + lease_time)

    monkeypatch.setattr("jobs.run.schedule.claim", held)
    shutil.copy(sqlite_template, tmp_path / "policy.db")
    settings = load(write_bot(tmp_path, SLOT))
    timing = ScheduleOptions(slots=Slots("*/15 * * * *"))
    schedule = Schedule(plan=plan_of(settings), store_url=settings.store.url, timing=timing)
    with Store(settings.store.url) as store:
        write(store, leases.mark_missed, "default", [SLOT])
        yield Quarterly(schedule=schedule, store=store, patches=monkeypatch, claimed=claimed)


def every_five_minutes() -> ScheduleOptions:
    return ScheduleOptions(slots=Slots("*/5 * * * *"))


def test_by_a_new_cron_expression_slots_are_due_and_missed_from_the_reload_on(quarterly: Quarterly) -> None:
    quarterly.schedule.replace(quarterly.schedule.plan, every_five_minutes())

    assert quarterly.tick_at(22) == []  # 00:20 was never due
    quarterly.tick_at(26)  # nor was it missed
    claimed = quarterly.tick_at(36)  # nobody computed 00:25 and 00:30

    assert [slot.minute for slot in claimed] == [25, 35]
    with quarterly.store.reading() as connection:
        missed = [gap.slot.minute for gap in gaps(connection, "default", PageBounds(limit=10))]
    assert sorted(missed) == [15, 25, 30]


def test_a_slot_that_both_cron_expressions_have_is_still_due(quarterly: Quarterly) -> None:
    """As one that failed and is to be tried again."""
    quarterly.schedule.replace(quarterly.schedule.plan, every_five_minutes())

    assert quarterly.tick_at(17) == [SLOT]


def test_a_closed_terminal_ends_the_program(tmp_path: Path) -> None:
    """A terminal that hangs up sends the same signal as who wants the settings reloaded."""
    write_bot(tmp_path, datetime.now(UTC))
    here, there = os.openpty()
    log = tmp_path / "messages.log"
    with log.open("wb") as messages:
        process = subprocess.Popen(
            [COMMAND, "run"],
            cwd=tmp_path,
            env=environment(),
            stdin=there,
            stderr=messages,
            start_new_session=True,
        )
    os.close(there)
    try:
        wait_until(lambda: "the next run is due" in texts(log), "the schedule waits for its next slot", 60)
        os.close(here)
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
