"""What one address is still to be told: notices wait until they are delivered, and longer after each failure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from jobs.notify.notices import Notice
from policy.event_kind import EventKind

_FIRST_PAUSE_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 3600.0
_MOST_WAITING = 200
_LINES_SHOWN = 30


WARNINGS = frozenset({EventKind.BROKEN, EventKind.STALE, EventKind.SLOT_MISSED})
FAILURES = frozenset({EventKind.EXPIRED, EventKind.RUN_FAILED})


class Urgency(StrEnum):
    """How urgent a message is, in apprise's words for the type of a notification."""

    INFO = "info"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The notices of one message, and how many earlier ones were dropped because too many waited."""

    notices: tuple[Notice, ...]
    dropped_count: int = 0


@dataclass(slots=True, kw_only=True)
class Mailbox:
    """The notices for one address that are not being sent. Times are seconds of a clock that only goes on.

    At most 200 notices wait: the oldest are dropped and counted in the next message.
    """

    url: str
    waiting: list[Notice] = field(default_factory=list)
    dropped_count: int = 0
    retry_at_seconds: float = 0.0
    pause_seconds: float = _FIRST_PAUSE_SECONDS

    def add(self, notices: Iterable[Notice]) -> None:
        """Let notices wait for the next message."""
        self.waiting += notices
        self._drop_surplus()

    def is_due(self, now_seconds: float) -> bool:
        """Return whether there is something to tell, and the pause after a failure is over."""
        return bool(self.waiting) and now_seconds >= self.retry_at_seconds

    def take(self) -> Batch:
        """Take out all that waits, to be sent in one message; what comes meanwhile waits for the next."""
        batch = Batch(notices=tuple(self.waiting), dropped_count=self.dropped_count)
        self.waiting, self.dropped_count = [], 0
        return batch

    def delivered(self) -> None:
        """Begin again with the shortest pause: what was taken has arrived."""
        self.pause_seconds = _FIRST_PAUSE_SECONDS

    def failed(self, batch: Batch, now_seconds: float) -> None:
        """Let what was taken wait again, before what came meanwhile.

        It waits for a while, twice as long as the last time, and an hour at most.
        """
        self.waiting[:0] = batch.notices
        self.dropped_count += batch.dropped_count
        self._drop_surplus()
        self.retry_at_seconds = now_seconds + self.pause_seconds
        self.pause_seconds = min(self.pause_seconds * 2, _LONGEST_PAUSE_SECONDS)

    def _drop_surplus(self) -> None:
        surplus = max(0, len(self.waiting) - _MOST_WAITING)
        del self.waiting[:surplus]
        self.dropped_count += surplus


def title(scope: str, batch: Batch) -> str:
    """Return a message's title: the scope, and how often each kind of thing happened."""
    counts: dict[str, int] = {}
    for notice in batch.notices:
        counts[notice.kind] = counts.get(notice.kind, 0) + max(1, len(notice.symbols))
    words = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items())
    return f"router-policy {scope}: {words}"


def urgency(batch: Batch) -> Urgency:
    """Return how urgent a message is: as its most urgent notice."""
    kinds = {notice.kind for notice in batch.notices}
    if kinds & FAILURES:
        return Urgency.FAILURE
    return Urgency.WARNING if kinds & WARNINGS else Urgency.INFO


def body(batch: Batch) -> str:
    """Return a message's lines, one for each notice; beyond 30 they are counted."""
    lines = [notice.message for notice in batch.notices[:_LINES_SHOWN]]
    more = len(batch.notices) - len(lines)
    lines += [f"... and {more} more; router-policy latest has what is in force"] if more else []
    dropped = batch.dropped_count
    return "\n".join([*lines, *([f"{dropped} earlier ones were not delivered"] if dropped else [])])
