"""How a reader itself is doing, for people and for whoever watches it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderStatus:
    """What a reader has done since it was made; times are aware, UTC, by the reader's clock.

    `is_reachable` tells whether the last look at the store worked, and is false before the first. `last_refresh_at`
    is None before the first look that worked. `last_error` says what went wrong last, without passwords, and stays
    when it is over; None where nothing has. A look that found a policy of a form that is not known here worked, and
    left that symbol's policy as it was.
    """

    store: str
    scope: str
    is_watching: bool
    is_reachable: bool
    symbol_count: int
    refresh_count: int
    failure_count: int
    change_count: int
    last_refresh_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None
