"""The page of overrides: those that were made, and, if the settings allow it, the form that makes one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.records.override_records import OverrideHistoryRecord, OverrideState, override_records
from console.settings.duration import duration_words
from console.web.writing import Writing
from storage.read.overrides import override_history
from storage.read.pages import PageBounds
from storage.store import Connection
from storage.write.rights import why_no_overrides

_SHOWN = 50
_LENGTHS = tuple(timedelta(minutes=minutes) for minutes in (15, 30, 60, 120, 240, 480, 1440, 4320, 10080))


@dataclass(frozen=True, slots=True, kw_only=True)
class OverridesView:
    """What the page shows; `why_not` says why nobody can override from it, empty if those with a token can."""

    overrides: Sequence[OverrideHistoryRecord]
    has_older: bool
    why_not: str
    lengths: Sequence[tuple[int, str]]

    @property
    def lasting(self) -> list[OverrideHistoryRecord]:
        """The overrides that have not ended: those in force, and those that a later one covers."""
        states = {OverrideState.IN_FORCE, OverrideState.COVERED}
        return [override for override in self.overrides if override.state in states]


def overrides_view(
    connection: Connection, scope: str, writing: Writing | None, now: datetime, symbol: str | None, before: int | None
) -> OverridesView:
    """Return the overrides of a symbol or of all that were made before an entry, the newest first."""
    bounds = PageBounds(limit=_SHOWN + 1)
    made = override_history(connection, scope, bounds, symbol=symbol, before_entry_id=before)
    return OverridesView(
        overrides=override_records(connection, scope, made[:_SHOWN], now),
        has_older=len(made) > _SHOWN,
        why_not=_why_not(connection, writing),
        lengths=_lengths(writing.longest) if writing is not None else (),
    )


def _why_not(connection: Connection, writing: Writing | None) -> str:
    if writing is None:
        return (
            'This console only reads. To override here, give each person a token: [web.write_token] ann = "TOKEN". '
            "From the command line: router-policy override SYMBOL --taker --for 2h --reason WHY"
        )
    message = why_no_overrides(connection)
    return f"Nobody can override from here: {message}." if message is not None else ""


def _lengths(longest: timedelta) -> list[tuple[int, str]]:
    """Return seconds and words of each length on offer, the longest that is allowed last."""
    lengths = [*(length for length in _LENGTHS if length < longest), longest]
    return [(int(length.total_seconds()), duration_words(length)) for length in lengths]
