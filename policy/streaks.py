"""Streaks: the outcomes of maker orders in the order of events, by symbol and for the whole scope."""

from dataclasses import dataclass
from datetime import datetime

from policy.outage_evidence import OutageEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """Maker orders since the evidence last restarted, within the window of outcomes.

    `miss_streak` is the number of misses of the last 24 hours after the last fill as maker; `start_count` and
    `miss_count` are those before that streak. `probe_count` counts the maker orders since the breaker opened, and
    `last_probe_at` is the time of the newest of them; 0 and None while it is closed.
    """

    miss_streak: int = 0
    start_count: int = 0
    miss_count: int = 0
    probe_count: int = 0
    probe_filled_count: int = 0
    last_probe_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaks:
    """The streak of one symbol and the one of all symbols of the scope together, as of one slot.

    `reject_streak` is the number of the symbol's last maker orders of 24 hours, in a row, that the venue rejected as
    post-only and that did not fill on a later try; 0 if the log has no such flag. `own_outage` and `pool_outage` are
    the evidence of an outage, None if it was not measured.
    """

    as_of: datetime
    own: Streak = Streak()
    reject_streak: int = 0
    pool: Streak = Streak()
    own_outage: OutageEvidence | None = None
    pool_outage: OutageEvidence | None = None
