"""The demo: a simulated bot, three days of its policies, and a schedule that keeps them fresh.

It needs the client, which routes the orders of the bot.
"""

import logging
import os
import shlex
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event, Timer

from console.address import address_of
from console.errors import SettingsError
from console.settings.after_run import figures_process_of, figures_task_of
from console.settings.environment import ENVIRONMENT_PREFIX
from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import plan_of, schedule_options_of
from console.terminal.demo_view import Show, shown_as_lines, shown_as_table
from jobs.after_run.day_figures import try_day_figures
from jobs.after_run.figures_process import FiguresProcess
from jobs.demo.demo_symbols import DEMO_SYMBOLS
from jobs.demo.feed import live_feed, write_until
from jobs.demo.folder import DemoFolder, fresh_folder
from jobs.demo.orders_table import write_orders_table
from jobs.demo.simulation import LOGGED, simulate
from jobs.run.backfill import BackfilledSlot, backfill
from jobs.run.lease_owner import owner
from jobs.run.schedule import Schedule
from jobs.run.worker import LEASE_MARGIN
from policy import TakerBias
from policy.errors import RouterPolicyError
from storage.read.policies import latest
from storage.records import PublishedRun
from storage.store import Store
from storage.write.overrides import make_override

_SEED = 20_260_426
_HISTORY_HOURS = 72
_HOST = "127.0.0.1"
_PORT = 8765
_OVERRIDDEN = "LTCUSDT"
_OVERRIDE_LENGTH = timedelta(hours=1)
_TICK = timedelta(seconds=0.5)
_RUNS_WITHOUT_TERMINAL = 3
_PATIENCE_PER_RUN_SECONDS = 60.0


class DemoStalledError(RouterPolicyError, TimeoutError):
    """The demo's schedule does not publish the wanted runs in time."""


def show_demo(folder: Path, runs: int | None, port: int | None = None) -> None:
    """Write the demo's folder, compute its history and run its schedule, until `runs` scheduled runs or Ctrl-C.

    The first line that it prints has the console's address, which is there until the demo ends; without `port` that of
    8765, or of any free port if that one is taken.
    Without `runs` it goes on until Ctrl-C on a terminal, and ends after three runs elsewhere. Raises DemoFolderError if
    the folder cannot be the demo's, DemoStalledError if the wanted runs are not published in time.
    """
    _ignore_environment()
    stop = _stop_on_signals()
    wanted = runs or (None if sys.stdout.isatty() else _RUNS_WITHOUT_TERMINAL)
    now = datetime.now(UTC)
    with _quiet_bot(), fresh_folder(folder) as files:
        settings = load(files.settings)
        with Store(settings.store.url) as store:
            store.set_up()
            with _console(settings, port):
                simulation = simulate(Random(_SEED), now)  # noqa: S311 - a simulation, not cryptography
                write_until(simulation, files, simulation.start, now)
                write_orders_table(files)
                _print(_introduction(files))
                with live_feed(simulation, files, now, lambda: datetime.now(UTC)):
                    _publish_history(settings, store, now, stop)
                    if not stop.is_set():
                        _override(settings, store)
                        _run_schedule(settings, store, _hint(files), wanted)
    _print(f"the demo has ended; {folder} is kept, and the next demo replaces it")


@contextmanager
def _quiet_bot() -> Iterator[None]:
    """Hide the client's warnings: the simulated venue refuses an order now and then on purpose."""
    log = logging.getLogger("router_policy_client")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _ignore_environment() -> None:
    """Forget settings of a real deployment, so that the demo does not write to its database."""
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        del os.environ[name]


def _stop_on_signals() -> Event:
    """End cleanly on Ctrl-C and SIGTERM, until the schedule handles them itself."""
    stop = Event()

    def end_soon(*_: object) -> None:
        if not stop.is_set():
            os.write(2, b"\nending the demo after the run that is being computed\n")  # print may be what is interrupted
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end_soon)
    return stop


def _introduction(files: DemoFolder) -> str:
    command = "router-policy" if shutil.which("router-policy") else sys.argv[0]
    return (
        f"a simulated maker-first bot has logged {LOGGED.days} days of orders "
        f"on {len(DEMO_SYMBOLS)} markets and goes on:\n"
        f"  its log       {files.log}\n"
        f"  candles       {files.candles}/*.parquet\n"
        f"  settings      {files.settings}\n"
        f"  policies      {files.database}\n"
        f"  look further  {command} history DOTUSDT --config {shlex.quote(str(files.settings))}"
    )


def _hint(files: DemoFolder) -> str:
    query = "select symbol, quality, maker_first, taker_bias from policy_latest"
    return f'sqlite3 {shlex.quote(str(files.database))} "{query}"'


def _publish_history(settings: Settings, store: Store, now: datetime, stop: Event) -> None:
    """Publish the past hours, and one slot as of now, from which the schedule goes on without a gap."""
    from rich.progress import track

    began = time.monotonic()
    hours = _past_hours(now)
    past = _backfilled(settings, store, hours)
    if sys.stdout.isatty():
        past = track(past, f"computing {len(hours)} hourly runs", len(hours), transient=True)
    for _ in past:
        if stop.is_set():
            return
    newest = settings.schedule.slots.newest(datetime.now(UTC))
    for _ in _backfilled(settings, store, [newest]):
        try_day_figures(figures_task_of(settings), store)
        _print(f"computed {len(hours)} hourly runs since {hours[0]:%d %B %H:%M}Z in {time.monotonic() - began:.1f} s")


def _past_hours(now: datetime) -> list[datetime]:
    newest = now.replace(minute=0, second=0, microsecond=0)
    return [newest - back * timedelta(hours=1) for back in reversed(range(_HISTORY_HOURS))]


def _backfilled(settings: Settings, store: Store, slots: list[datetime]) -> Iterable[BackfilledSlot]:
    lease = settings.schedule.deadline + LEASE_MARGIN
    return backfill(plan_of(settings), store, settings.store.url, slots, lease)


@dataclass(slots=True, kw_only=True)
class _Watch:
    """Shows each run that the schedule publishes, and stops the schedule after the last wanted run."""

    schedule: Schedule
    store: Store
    show: Show
    figures: FiguresProcess
    wanted: int | None
    count: int = 0
    is_stalled: bool = False

    def run(self) -> None:
        """Run the schedule. Raises DemoStalledError if the wanted runs are not published in time."""
        timer = Timer(_PATIENCE_PER_RUN_SECONDS * (self.wanted or 0), self._give_up)
        timer.daemon = True
        if self.wanted is not None:
            timer.start()
        try:
            self.schedule.run()
        finally:
            timer.cancel()
        if self.is_stalled:
            raise DemoStalledError(
                f"{self.count} of {self.wanted} runs were published; the messages above have the reason"
            )

    def _give_up(self) -> None:
        self.is_stalled = True
        self.schedule.stop()

    def on_published(self, run: PublishedRun) -> None:
        """Show a run, and stop the schedule if it was the last."""
        with self.store.reading() as connection:
            policies = latest(connection, run.scope)  # not those of the run alone: an override may be in force
        self.show(run, [policy.snapshot for policy in policies])
        self.figures.start(run)
        self.count += 1
        if self.count == self.wanted:
            self.schedule.stop()


def _run_schedule(settings: Settings, store: Store, hint: str, wanted: int | None) -> None:
    timing = replace(schedule_options_of(settings), tick=_TICK)
    schedule = Schedule(plan=plan_of(settings), store_url=settings.store.url, timing=timing)
    with store.reading() as connection:
        before = [policy.snapshot for policy in latest(connection, settings.scope)]
    shown = shown_as_table if sys.stdout.isatty() else shown_as_lines
    with shown(before, hint) as show, closing(figures_process_of(settings)) as figures:
        watch = _Watch(schedule=schedule, store=store, show=show, figures=figures, wanted=wanted)
        schedule.on_published = watch.on_published
        watch.run()


def _override(settings: Settings, store: Store) -> None:
    """Send one healthy symbol straight to taker for a while, as a person would before a maintenance."""
    with store.writing() as connection:
        make_override(
            connection,
            settings.scope,
            _OVERRIDDEN,
            maker_first=False,
            taker_bias=TakerBias.PREFER_TAKER,
            lasting=_OVERRIDE_LENGTH,
            author="demo",
            reason="an example of a person's decision: the venue announced a maintenance",
        )


@contextmanager
def _console(settings: Settings, port: int | None) -> Iterator[None]:
    """Serve the console while the block runs, and print its address first, or why it is missing."""
    try:
        address = address_of(_HOST, _free_port() if port is None else port, without_token=False)
    except SettingsError as missing:
        _print(f"without a web console: {missing}")
        yield
        return
    from console.web.server import console_at

    with console_at(settings, address, holder=owner()) as url:
        _print(f"the demo's console: {url}")
        yield


def _free_port() -> int:
    """Return the console's usual port, or 0, which takes any free one, if another program has it."""
    try:
        socket.create_server((_HOST, _PORT)).close()
    except OSError:
        return 0
    return _PORT


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
