"""The state of a reader itself, for people and for monitoring."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderStatus:
    """Counters and the last error of a reader since it was made; times are aware, UTC, by the reader's clock.

    `is_reachable` is true if the last read of the store worked, and false before the first. `is_listening` is true if
    the store notifies the reader of a new run; if not, as through a pooler or on SQLite, the reader polls.
    `last_refresh_at` is None before the first read that worked. `last_error` is the newest error, without passwords; it
    stays after recovery and is None if there was none. A read that contains a policy of an unknown form counts as
    working; the cached policy of that symbol stays.
    """

    store: str
    scope: str
    is_watching: bool
    is_reachable: bool
    is_listening: bool
    symbol_count: int
    refresh_count: int
    failure_count: int
    change_count: int
    last_refresh_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None
