"""What one address is still to be told: notices wait until they are delivered, and longer after each failure."""

from collections.abc import Iterable, Sequence
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


@dataclass(slots=True, kw_only=True)
class Mailbox:
    """The notices for one address. Times are seconds of a clock that only goes on.

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
        surplus = max(0, len(self.waiting) - _MOST_WAITING)
        del self.waiting[:surplus]
        self.dropped_count += surplus

    def is_due(self, now_seconds: float) -> bool:
        """Return whether there is something to tell, and the pause after a failure is over."""
        return bool(self.waiting) and now_seconds >= self.retry_at_seconds

    def delivered(self, told: Iterable[Notice]) -> None:
        """Let these notices wait no more; others may have come meanwhile."""
        done = set(map(id, told))
        self.waiting = [notice for notice in self.waiting if id(notice) not in done]
        self.dropped_count, self.pause_seconds = 0, _FIRST_PAUSE_SECONDS

    def failed(self, now_seconds: float) -> None:
        """Wait for a while, twice as long as the last time, and an hour at most."""
        self.retry_at_seconds = now_seconds + self.pause_seconds
        self.pause_seconds = min(self.pause_seconds * 2, _LONGEST_PAUSE_SECONDS)


def title(scope: str, waiting: Sequence[Notice]) -> str:
    """Return a message's title: the scope, and how often each kind of thing happened."""
    counts: dict[str, int] = {}
    for notice in waiting:
        counts[notice.kind] = counts.get(notice.kind, 0) + max(1, len(notice.symbols))
    words = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items())
    return f"router-policy {scope}: {words}"


def urgency(waiting: Iterable[Notice]) -> Urgency:
    """Return how urgent a message is: as its most urgent notice."""
    kinds = {notice.kind for notice in waiting}
    if kinds & FAILURES:
        return Urgency.FAILURE
    return Urgency.WARNING if kinds & WARNINGS else Urgency.INFO


def body(mailbox: Mailbox) -> str:
    """Return a message's lines, one for each notice; beyond 30 they are counted."""
    lines = [notice.message for notice in mailbox.waiting[:_LINES_SHOWN]]
    more = len(mailbox.waiting) - len(lines)
    lines += [f"... and {more} more; router-policy latest has what is in force"] if more else []
    dropped = mailbox.dropped_count
    return "\n".join([*lines, *([f"{dropped} earlier ones were not delivered"] if dropped else [])])
