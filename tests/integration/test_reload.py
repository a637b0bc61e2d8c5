"""SIGHUP: the schedule and the console take new settings, or keep the old ones and say why."""

import json
import logging
import os
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.errors import SettingsError
from console.reload import reload_or_keep
from console.settings.file import load
from console.settings.plan import plan_of
from jobs.run.schedule import Schedule, ScheduleOptions
from jobs.slots import Slots
from storage.store import Store
from tests.support.bots import COMMAND, environment, write_bot
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
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(60) == 0

    refused = next(line for line in lines(log) if "the old ones stay" in line["event"])
    assert refused["level"] == "error"
    assert "soon" in refused["event"]


@pytest.mark.parametrize("error", [SettingsError("[orders] is missing"), ZeroDivisionError("division by zero")])
def test_a_reload_that_fails_never_ends_the_program(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise error

    with caplog.at_level(logging.INFO, "router_policy"):
        reload_or_keep(fail)

    (record,) = caplog.records
    assert (record.levelname, "the old ones stay" in record.getMessage()) == ("ERROR", True)
    assert str(error) in record.getMessage() + str(record.exc_info)


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
