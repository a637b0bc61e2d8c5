"""The watcher beside a schedule: it looks at the store, logs what happened, and has it told.

Two threads, apart from the one that computes: one looks, and never waits for an address; one tells. A run is published
before either sees it, so neither can delay or fail it.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Lock, Thread

from jobs.notify.mailbox import FAILURES, WARNINGS, Batch, Mailbox, body, title, urgency
from jobs.notify.notices import Notice, notices
from jobs.notify.observation import Observation, observe
from jobs.notify.quiet import QuietHours
from jobs.notify.sending import Delivery, Message, masked, send
from jobs.slots import Slots
from policy.event_kind import EventKind
from policy.time_text import iso
from storage.errors import StoreError
from storage.store import Store

log = logging.getLogger("router_policy.events")
_LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyPlan:
    """Who is told what of a scope: the addresses, the kinds, the hours of quiet, and how long a message may take."""

    scope: str
    slots: Slots
    urls: Sequence[str] = ()
    kinds: frozenset[EventKind] = frozenset(EventKind)
    quiet: QuietHours | None = None
    deadline: timedelta = timedelta(seconds=30)


@dataclass(slots=True, kw_only=True)
class Watcher:
    """Looks at a store every two seconds. What happened before the first look is never told."""

    plan: NotifyPlan
    store_url: str
    _mailboxes: list[Mailbox] = field(default_factory=list, init=False)
    _last: Observation | None = field(default=None, init=False)
    _counted_from: datetime | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _ended: Event = field(default_factory=Event, init=False)

    def __post_init__(self) -> None:
        self._mailboxes = [Mailbox(url=url) for url in self.plan.urls]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while the block runs; what waits to be told at its end is not waited for."""
        for work, name in ((self._look_again, "watcher"), (self._tell_again, "notifier")):
            Thread(target=work, name=name, daemon=True).start()
        try:
            yield
        finally:
            self._ended.set()

    def replace_plan(self, plan: NotifyPlan) -> None:
        """Go on by another plan: what waits for an address that it has too is still told.

        By other slots policies age from the last look on: slots before it were never due.
        """
        with self._lock:
            known = {mailbox.url: mailbox for mailbox in self._mailboxes}
            self._mailboxes = [known.pop(url) if url in known else Mailbox(url=url) for url in plan.urls]
            if plan.slots != self.plan.slots and self._last is not None:
                self._counted_from = self._last.at
            if plan.scope != self.plan.scope:
                self._last = None
            self.plan = plan

    def look(self, store: Store) -> list[Notice]:
        """Look once, log what happened since the last look, and let it wait to be told."""
        plan, last = self.plan, self._last
        seen = observe(store, plan.scope, plan.slots, self._counted_from, last)
        with self._lock:
            if plan is not self.plan:
                return []
            self._last = seen
            happened = notices(last, seen) if last is not None else []
            wanted = [notice for notice in happened if notice.kind in plan.kinds]
            for mailbox in self._mailboxes:
                mailbox.add(wanted)
        for notice in happened:
            log_notice(notice)
        return happened

    def tell(self, now_seconds: float) -> None:
        """Send what waits and is due, one message to each address; a failure is logged, and tried again later."""
        with self._lock:
            quiet, last, plan = self.plan.quiet, self._last, self.plan
            if quiet is not None and last is not None and quiet.holds(last.at):
                return
            due = {
                number: (mailbox, mailbox.take())
                for number, mailbox in enumerate(self._mailboxes, 1)
                if mailbox.is_due(now_seconds)
            }
        for delivery in self._delivered(due, plan, now_seconds) if due else ():
            mailbox, batch = due[delivery.number]
            with self._lock:
                if not delivery.failure:
                    mailbox.delivered()
                    continue
                mailbox.failed(batch, now_seconds)
            address = f"address {delivery.number} of [notify] urls, {masked(mailbox.url)}"
            pause = f"it is tried again in {mailbox.retry_at_seconds - now_seconds:.0f} s"
            log.warning("%s did not get %d notices: %s; %s", address, len(batch.notices), delivery.failure, pause)

    def _delivered(
        self, due: Mapping[int, tuple[Mailbox, Batch]], plan: NotifyPlan, now_seconds: float
    ) -> Sequence[Delivery]:
        """Send a message of each batch; if that cannot even be tried, every batch waits again."""
        try:
            messages = [_message(plan.scope, number, mailbox.url, batch) for number, (mailbox, batch) in due.items()]
            return send(messages, plan.deadline)
        except Exception:
            with self._lock:
                for mailbox, batch in due.values():
                    mailbox.failed(batch, now_seconds)
            raise

    def _look_again(self) -> None:
        with Store(self.store_url) as store:
            while not self._ended.wait(_LOOK_SECONDS):
                try:
                    self.look(store)
                except StoreError as error:  # the schedule logs it as well, and goes on
                    log.debug("the store cannot be watched: %s", error)
                except Exception:
                    log.exception("the store cannot be watched")

    def _tell_again(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            try:
                self.tell(time.monotonic())
            except Exception:
                log.exception("nobody can be told")


def _message(scope: str, number: int, url: str, batch: Batch) -> Message:
    return Message(number=number, url=url, title=title(scope, batch), body=body(batch), urgency=urgency(batch))


def log_notice(notice: Notice) -> None:
    """Log a notice; as JSON the line has `event`, `run_id`, `slot` and `symbols` as keys of their own."""
    level = logging.WARNING if notice.kind in WARNINGS | FAILURES else logging.INFO
    fields = {
        "event": notice.kind.value,
        "run_id": notice.run_id,
        "slot": iso(notice.slot),
        "symbols": list(notice.symbols),
        "message": notice.message,
    }
    log.log(level, "%s: %s", notice.kind, notice.message, extra={"fields": fields})
