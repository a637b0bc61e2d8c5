"""The demo as people start it: real processes, in a pipe and on a terminal of its own."""

import fcntl
import json
import os
import pty
import socket
import struct
import subprocess
import sys
import termios
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import cast

import pytest
from sqlalchemy import func, select, text

from console import demo
from console.settings.file import load
from console.settings.plan import plan_of
from jobs.after_run.figures_process import FiguresProcess
from jobs.demo.feed import write_until
from jobs.demo.folder import fresh_folder
from jobs.demo.simulation import simulate
from jobs.run.recompute import recompute
from jobs.run.schedule import Schedule
from storage.read import policies
from storage.records import Origin
from storage.schema.tables import policy_run, policy_shadow, policy_slot, policy_snapshot
from storage.store import Store
from tests.support.bots import COMMAND, environment
from tests.support.command import command
from tests.support.store_calls import read
from tests.support.waiting import wait_until

NOW = datetime(2026, 4, 26, 9, 7, 31, tzinfo=UTC)
# What Ctrl-C reaches: the process takes the terminal that it was given as the one that controls it.
ON_A_TERMINAL = """
import fcntl, sys, termios
from datetime import timedelta
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from pathlib import Path
from console import demo
from jobs.demo import simulation
demo._HISTORY_HOURS = int(sys.argv[2])
simulation.LOGGED = timedelta(days=int(sys.argv[3]))
demo.show_demo(Path(sys.argv[1]), None)
"""
# `router-policy`, its demo with a history of so many hours and a log of so many days, the first two arguments.
OF_SO_MANY_HOURS = """
import sys
from datetime import timedelta
from console import demo
from console.main import main
from jobs.demo import simulation
demo._HISTORY_HOURS = int(sys.argv.pop(1))
simulation.LOGGED = timedelta(days=int(sys.argv.pop(1)))
main()
"""
HISTORY_HOURS = 72
SHORT_HOURS = 3
DAYS_OF_HOURS = {2: 2, SHORT_HOURS: 2, HISTORY_HOURS: 10}
# ATOMUSDT, whose last order was 190 hours ago, is known to those runs only whose first saw an order of it.
SYMBOLS_OF_HOURS = {SHORT_HOURS: 23, HISTORY_HOURS: 24}


class Terminal:
    """A demo on a terminal of its own: what it has shown, and its keyboard."""

    def __init__(self, folder: Path, hours: int) -> None:
        self._keyboard, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 150, 0, 0))
        self.shown = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_A_TERMINAL, str(folder), str(hours), str(DAYS_OF_HOURS[hours])],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=self._environment(folder),
            start_new_session=True,
        )
        os.close(terminal)
        self._reader = Thread(target=self._read)
        self._reader.start()

    @staticmethod
    def _environment(folder: Path) -> dict[str, str]:
        """Leave the size of the window to the terminal, and name a real deployment's store, which is not to be used."""
        inherited = {name: value for name, value in environment().items() if name not in ("COLUMNS", "LINES")}
        return inherited | {"TERM": "xterm-256color", "ROUTER_POLICY_STORE__URL": f"sqlite:///{folder}-not.db"}

    def _read(self) -> None:
        try:
            while read := os.read(self._keyboard, 65536):
                self.shown += read.decode(errors="replace")
        except OSError:
            return  # the other side is closed

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.shown or self.process.poll() is not None, f"{text!r} is shown", 60)
        assert text in self.shown, self.shown

    def press_ctrl_c(self) -> int:
        os.write(self._keyboard, b"\x03")
        return self.process.wait(30)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._keyboard)


@contextmanager
def terminal(folder: Path, *, hours: int) -> Iterator[Terminal]:
    opened = Terminal(folder, hours)
    try:
        yield opened
    finally:
        opened.close()


def test_the_cast_shows_every_quality_and_every_regime(tmp_path: Path) -> None:
    with fresh_folder(tmp_path) as folder:
        simulation = simulate(Random(5), NOW)
        write_until(simulation, folder, simulation.start, NOW)

    result = recompute(
        plan_of(load(folder.settings)), NOW, origin=Origin.MANUAL, started_at=NOW, known_symbols=["ATOMUSDT"]
    )

    by_symbol = {evidence.symbol: (evidence, decision) for evidence, decision in result.decisions}
    qualities = {symbol: str(decision.policy.quality) for symbol, (_, decision) in by_symbol.items()}
    regimes = {symbol: str(decision.regime) for symbol, (_, decision) in by_symbol.items()}
    assert len(by_symbol) == 24
    assert {qualities[symbol] for symbol in ("BTCUSDT", "LTCUSDT", "DOGEUSDT", "WIFUSDT", "GMTUSDT")} == {"good"}
    assert {qualities[symbol] for symbol in ("ADAUSDT", "ETCUSDT", "ATOMUSDT")} == {"ok"}
    assert {qualities[symbol] for symbol in ("ARBUSDT", "INJUSDT", "MASKUSDT")} == {"degraded"}
    assert {qualities[symbol] for symbol in ("APTUSDT", "ILVUSDT", "OPUSDT")} == {"broken"}
    expected = {"LTCUSDT": "quiet", "BTCUSDT": "normal", "DOGEUSDT": "hot", "WIFUSDT": "panic", "TIAUSDT": "unknown"}
    assert {symbol: regimes[symbol] for symbol in expected} == expected
    assert by_symbol["ATOMUSDT"][0].effectiveness.outcome_count == 0
    assert by_symbol["INJUSDT"][1].policy.maker_first is False
    assert {reject.reason for reject in result.rejects} == {"not_an_order", "zero_fill", "duplicate_id"}


@pytest.mark.parametrize("hours", [SHORT_HOURS, pytest.param(HISTORY_HOURS, marks=pytest.mark.long)])
def test_a_second_demo_in_a_pipe_replaces_one_that_was_ended_by_ctrl_c_and_ends_by_itself(
    tmp_path: Path, hours: int
) -> None:
    folder = tmp_path / "demo"
    with terminal(folder, hours=hours) as first:
        first.wait_for(f"computing {hours} hourly runs")
        assert first.shown.startswith("the demo's console: http://127.0.0.1:")
        assert first.press_ctrl_c() == 0
        assert "ending the demo after the run that is being computed" in first.shown
        assert "the demo has ended" in first.shown

    shortened = [sys.executable, "-c", OF_SO_MANY_HOURS, str(hours), str(DAYS_OF_HOURS[hours])]
    second = subprocess.run(
        [*([COMMAND] if hours == HISTORY_HOURS else shortened), "demo", "--runs", "1", "--port", "0"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert second.returncode == 0, second.stderr
    assert "failed" not in second.stderr
    assert "refused" not in second.stderr
    assert f"{SYMBOLS_OF_HOURS[hours]} symbols" in second.stdout
    assert "LTCUSDT:" not in second.stdout  # its override is in force before the first scheduled run, and after it
    assert 'sqlite3 demo/router_policy.db "select symbol, quality, maker_first, taker_bias' in second.stdout
    with Store(f"sqlite:///{folder / 'router_policy.db'}") as store, store.reader.connect() as connection:
        runs = connection.execute(select(policy_run.c.slot, policy_run.c.origin).order_by(policy_run.c.run_id)).all()
        run_ids = set(connection.scalars(select(policy_run.c.run_id)))  # the override has a number among them
        symbols = connection.scalars(
            select(func.count()).select_from(policy_snapshot).group_by(policy_snapshot.c.run_id)
        ).all()
        states = Counter(connection.scalars(select(policy_slot.c.state)))
    slots = [slot for slot, _ in runs]
    *hourly, _ = [slot for slot, origin in runs if origin == "backfill"]  # the last one is as of the start
    assert hourly == [hourly[0] + number * timedelta(hours=1) for number in range(hours)]
    assert (hourly[0].minute, hourly[0].second) == (0, 0)
    assert slots == sorted(slots)
    assert Counter(origin for _, origin in runs)["schedule"] == 1
    assert set(symbols) == {SYMBOLS_OF_HOURS[hours]}
    # the schedule goes on where the history ends: hardly one of the hour's 720 slots before it counts as missed
    assert states["published"] == len(runs)
    assert states["missed"] < 20

    assert_every_page_has_something_to_show(folder)
    # the loop is closed: what the bot did last, it did by policies of this very store
    log = (folder / "logs" / "execution" / "order_metrics.jsonl").read_text()
    orders = [row for row in map(json.loads, log.splitlines()) if "event" not in row]
    named = [row for row in orders if row["policy_run_id"] is not None]
    with Store(f"sqlite:///{folder / 'router_policy.db'}") as store:
        taker = {
            (policy.snapshot.run_id, policy.symbol)
            for policy in read(store, policies.latest, "demo")
            if not policy.snapshot.maker_first
        }
    acted_on = [row for row in named if row["policy_status"] in ("fresh", "stale")]
    assert len(named) > 5
    assert {row["policy_run_id"] for row in named} <= run_ids
    assert not [row for row in acted_on if (row["policy_run_id"], row["symbol"]) in taker and row["maker_start"]]

    latest = command(tmp_path, "latest", "--config", "demo/router-policy.toml", "--json")
    shown = {record["symbol"] for record in json.loads(latest.stdout)["items"]}
    assert len(shown) == SYMBOLS_OF_HOURS[hours]
    assert shown >= {"BTCUSDT"} | ({"ATOMUSDT"} if hours == HISTORY_HOURS else set())


def assert_every_page_has_something_to_show(folder: Path) -> None:
    """Fees, a shadow, an override in force, and orders that join the policies of their time."""
    with Store(f"sqlite:///{folder / 'router_policy.db'}") as store:
        overridden = {policy.symbol for policy in read(store, policies.latest, "demo") if policy.override is not None}
        with store.reader.connect() as connection:
            shadows = set(connection.scalars(select(policy_shadow.c.rule_set).distinct()))
            joined = connection.execute(
                text(
                    "select count(*) from orders join policy_history as policy on policy.symbol = orders.symbol "
                    "and valid_from <= ts and (valid_to is null or valid_to > ts)"
                )
            ).scalar_one()
    verified = command(folder, "verify")

    assert overridden == {"LTCUSDT"}
    assert shadows == {"breaker"}
    assert joined > 0
    assert load(folder / "router-policy.toml").fees is not None
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_the_demos_console_has_its_usual_port_unless_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(demo, "_PORT", port)
            assert demo._free_port() == 0
            taken.close()
            assert demo._free_port() == port


def test_on_a_terminal_the_table_is_kept_up_to_date_until_ctrl_c(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with terminal(folder, hours=2) as live:
        live.wait_for("Ctrl-C ends the demo")
        with Store(f"sqlite:///{folder / 'router_policy.db'}") as store:
            wait_until(lambda: scheduled(store) >= 2, "two scheduled runs are published")
            slots = read(store, policies.newest_run, "demo")
            assert slots is not None
            live.wait_for(f"policies of slot {slots.slot:%Y-%m-%dT%H:%M:%S}Z")
        assert live.press_ctrl_c() == 0

    # settings of a real deployment in the environment do not lead the demo to its database
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert "WIFUSDT" in live.shown
    assert "Traceback" not in live.shown
    with Store(f"sqlite:///{folder / 'router_policy.db'}") as store, store.reader.connect() as connection:
        assert set(connection.scalars(select(policy_slot.c.state))) <= {"published", "missed"}


def scheduled(store: Store) -> int:
    with store.reader.connect() as connection:
        return connection.scalar(select(func.count()).where(policy_run.c.origin == "schedule")) or 0


def test_a_demo_whose_runs_do_not_come_gives_up_and_says_how_far_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Idle(Event):
        """A schedule that publishes nothing until it is told to stop."""

        run = Event.wait
        stop = Event.set

    monkeypatch.setattr(demo, "_PATIENCE_PER_RUN_SECONDS", 0.01)
    with Store(f"sqlite:///{tmp_path / 'policy.db'}") as store:
        idle = cast("Schedule", Idle())
        figures = cast("FiguresProcess", None)  # without a run there are none
        watch = demo._Watch(schedule=idle, store=store, show=lambda *_: None, figures=figures, wanted=3)
        with pytest.raises(demo.DemoStalledError, match="0 of 3 runs were published"):
            watch.run()


def test_a_folder_that_is_not_a_demos_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "router_policy.db").write_text("policies of a real bot")

    refused = command(tmp_path, "demo", ".")

    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr == (
        "router-policy: . holds files that are not a demo's; choose another: router-policy demo FOLDER\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["router_policy.db"]
    assert (tmp_path / "router_policy.db").read_text() == "policies of a real bot"
