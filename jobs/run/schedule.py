"""The schedule: a short tick asks the database's clock which slot is due, and has it computed once.

A tick, not a timer for the slot itself: a timer sleeps through a clock that jumps, while the next tick sees the new
time. The store knows whether a slot is done, so several schedulers can share it.
"""

import logging
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from threading import Event
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from jobs.plan import Plan
from jobs.run.errors import RunFailedError
from jobs.run.lease_owner import claim
from jobs.run.worker import LEASE_MARGIN, RunTask, compute_slot_in_child
from jobs.slots import Slots
from policy.errors import RouterPolicyError
from policy.time_text import age_words, iso
from storage.errors import StoreUnavailableError
from storage.read.policies import oldest_gap
from storage.records import Origin, PublishedRun
from storage.store import Store
from storage.write import leases
from storage.write.leases import Lease, SlotHeldError, SlotPublishedError

log = logging.getLogger("router_policy.schedule")
_MISSED_SLOTS_AT_ONCE = 1000
_WATCH_SECONDS = 1.0
_STORE_RETRY_SECONDS = 1.0
_WILD_CLOCK = timedelta(days=1)


class ClockError(RouterPolicyError, RuntimeError):
    """The database's clock moved by more than a day more or less than the time that passed."""


class SchedulerDiedError(RouterPolicyError, RuntimeError):
    """The thread that ticks has died; whatever supervises the process should start it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOptions:
    """When slots are due and how long a run may take.

    `deadline` is for one run; `retry_after` is the pause before a failed slot is tried again, while it is the newest.
    With `catch_up`, missed slots are computed once the newest is done, oldest first.
    """

    slots: Slots
    tick: timedelta = timedelta(seconds=5)
    deadline: timedelta = timedelta(seconds=300)
    retry_after: timedelta = timedelta(seconds=60)
    catch_up: bool = False


def _ignore(run: PublishedRun) -> None:
    """Do nothing about a published run."""


@dataclass(slots=True, kw_only=True)
class Schedule:
    """Computes each slot once while it is the newest, until it is stopped.

    `on_published` is called after each run that this process published, from the ticking thread.
    """

    plan: Plan
    store_url: str
    timing: ScheduleOptions
    on_published: Callable[[PublishedRun], None] = _ignore
    _stop: Event = field(default_factory=Event, init=False)
    _abort: Event = field(default_factory=Event, init=False)
    _done: datetime | None = field(default=None, init=False)
    _zero: datetime | None = field(default=None, init=False)
    _announced: datetime | None = field(default=None, init=False)
    _counted_from: datetime | None = field(default=None, init=False)
    # What any thread puts in and the ticking thread takes out, each in one step; the newest pushes an older one out.
    _next: deque[tuple[Plan, ScheduleOptions]] = field(default_factory=lambda: deque(maxlen=1), init=False)

    def run(self) -> None:
        """Tick until `stop` is called or SIGTERM or SIGINT arrives; a run that has begun is finished first.

        A second signal ends that run as well, and nothing of it is published. Call it from the main thread. A Postgres
        that cannot be used yet is waited for, as one that goes away later. Raises StoreError if the store cannot be set
        up, and SchedulerDiedError if the ticking thread has died.
        """
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        log.info("schedule %s (UTC), scope %s", self.timing.slots.cron, self.plan.scope)
        scheduler = _scheduler()
        with Store(self.store_url) as store:
            self._set_up(store)
            ticking = scheduler.add_job(self._tick_safely, _Ticks(lambda: self.timing.tick), args=(store,))
            scheduler.start()
            try:
                self._wait(scheduler, ticking)
            finally:
                scheduler.shutdown(wait=True)

    def _set_up(self, store: Store) -> None:
        """Create the schema in an empty database; wait for a server, but not for the folder of a file."""
        while not self._stop.is_set():
            try:
                return store.ensure_set_up()
            except StoreUnavailableError as error:
                if store.url.get_backend_name() == "sqlite":
                    raise
                log.error("waiting for the store: %s", error)
                self._stop.wait(max(_STORE_RETRY_SECONDS, self.timing.tick.total_seconds()))
        return None

    def stop(self) -> None:
        """Ask `run` to return, after the run that has begun."""
        self._stop.set()

    def replace(self, plan: Plan, timing: ScheduleOptions) -> None:
        """Go on by another plan and other times from the next tick on; a run that has begun is finished as it began.

        By another cron expression, no slot before that tick is due or missed: nobody was to compute it.
        Any thread may call it.
        """
        self._next.append((plan, timing))

    def _take_next(self, now: datetime) -> None:
        if not self._next:
            return
        before = self.timing.slots
        self.plan, self.timing = self._next.pop()
        self._done = self._announced = None
        if self.timing.slots != before:
            self._counted_from, newest = now, self.timing.slots.newest(now)
            self._done = newest if newest != before.newest(now) else None
        log.info("schedule %s (UTC), scope %s", self.timing.slots.cron, self.plan.scope)

    def tick(self, store: Store) -> PublishedRun | None:
        """Compute the newest slot if it is due and no process has it; return the run if this process published one."""
        now = store.now()
        self._take_next(now)
        self._check_clock(now)
        slot = self.timing.slots.newest(now)
        if slot == self._done:
            self._announce_next(now)
            return self._catch_up(store, slot) if self.timing.catch_up else None
        self._note_missed(store, slot)
        claimed = self._claim(store, slot) if not self._stop.is_set() else None
        return self._compute(store, claimed, Origin.SCHEDULE) if claimed is not None else None

    def _announce_next(self, now: datetime) -> None:
        """Log when the next run is due, once for each slot that is done."""
        due = self.timing.slots.next(now)
        if due != self._announced:
            self._announced = due
            log.info("the next run is due at %s", iso(due))

    def _check_clock(self, now: datetime) -> None:
        """Refuse a clock that is days off: a run of a slot far ahead would stay the latest until that day."""
        zero = now - timedelta(seconds=_seconds_passed())
        self._zero = self._zero or zero
        if abs(zero - self._zero) > _WILD_CLOCK:
            raise ClockError(
                f"the database's clock is at {iso(now)}, off by {age_words(zero - self._zero)} since this schedule "
                "began; nothing is computed until it is right again; if it is right now, start the schedule again"
            )

    def _catch_up(self, store: Store, newest: datetime) -> PublishedRun | None:
        """Compute the oldest missed slot, one a tick, so that the newest never waits.

        Its origin is a backfill: no router could follow it at its time.
        """
        with store.reading() as connection:
            gap = oldest_gap(connection, self.plan.scope, newest)
        claimed = self._claim(store, gap) if gap is not None else None
        return self._compute(store, claimed, Origin.BACKFILL) if claimed is not None else None

    def _claim(self, store: Store, slot: datetime) -> Lease | None:
        try:
            return claim(store, self.plan.scope, slot, self.timing.deadline + LEASE_MARGIN)
        except SlotPublishedError:
            self._done = max(slot, self._done or slot)
        except SlotHeldError:
            log.debug("slot %s is held by another process", iso(slot))
        return None

    def _note_missed(self, store: Store, slot: datetime) -> None:
        """Record the slots between the last one that a schedule handled and this one as missed.

        Oldest first and before this slot is claimed: if it is interrupted, the next tick continues from there. What a
        person or a backfill published in between stays as it is, and does not show that a schedule ran before it.
        Before the first slot of any schedule, and by a cron expression that was not in force yet, none was missed.
        """
        with store.reading() as connection:
            last = leases.last_scheduled_before(connection, self.plan.scope, slot)
        if last is None:
            return
        since = max(last, self._counted_from or last)
        missed, count = self.timing.slots.between(since, slot), 0
        while not self._stop.is_set() and (batch := list(islice(missed, _MISSED_SLOTS_AT_ONCE))):
            with store.writing() as connection:
                leases.mark_missed(connection, self.plan.scope, batch)
            count += len(batch)
        if count:
            log.warning("%d slots were missed since %s", count, iso(since))

    def _compute(self, store: Store, claimed: Lease, origin: Origin) -> PublishedRun | None:
        task = RunTask(plan=self.plan, store_url=self.store_url, lease=claimed, origin=origin)
        try:
            run = compute_slot_in_child(task, self.timing.deadline, self._abort)
        except RunFailedError as error:
            log.error("slot %s failed: %s", iso(claimed.slot), error)
            with store.writing() as connection:
                leases.record_failure(connection, claimed, str(error), self.timing.retry_after)
            return None
        self._done = max(claimed.slot, self._done or claimed.slot)
        log.info(
            "slot %s published as run %d: %d symbols, %d orders used, %d rows not used",
            *(iso(claimed.slot), run.run_id, run.symbol_count, run.event_count, run.reject_count),
        )
        if not run.event_count:
            log.warning(
                "run %d found no order in the seven days before its slot; try router-policy check, and for a log that "
                "has ended router-policy once --as-of with a time just after its newest order",
                run.run_id,
            )
        self.on_published(run)
        return run

    def _tick_safely(self, store: Store) -> None:
        """Tick; any error is logged, and the next tick follows."""
        if self._stop.is_set():
            return
        try:
            self.tick(store)
        except RouterPolicyError as error:
            log.error("tick failed: %s", error)
        except Exception:
            log.exception("tick failed")

    def _wait(self, scheduler: BackgroundScheduler, ticking: Job) -> None:
        while not self._stop.wait(_WATCH_SECONDS):
            # APScheduler still reports `running` after an error has ended its thread, so this checks the thread itself.
            if not scheduler._thread.is_alive():
                raise SchedulerDiedError("the ticking thread has died; start router-policy run again")
            now = datetime.now(UTC)
            if ticking.next_run_time - now > self.timing.tick:
                # The host's clock was set back; the next tick would wait until it is where it was.
                ticking.modify(next_run_time=now)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._stop.is_set():
            self._abort.set()
        self._stop.set()


class _Ticks(BaseTrigger):  # type: ignore[misc]  # apscheduler comes without types
    """Fires at once, and then each time an interval from now, which may change.

    APScheduler's own interval trigger lists every time since the last tick; a clock that jumps by years would
    fill the memory.
    """

    def __init__(self, interval: Callable[[], timedelta]) -> None:
        self._interval = interval

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return now if previous_fire_time is None else now + self._interval()


def _seconds_passed() -> float:
    """Return seconds of real time, whatever the clock is set to; on Linux including the time that the host slept."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _scheduler() -> BackgroundScheduler:
    """Keep jobs in memory only, let late ticks coalesce, and never drop one because it is late."""
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    return BackgroundScheduler(
        timezone="UTC",
        jobstores={"default": MemoryJobStore()},
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
