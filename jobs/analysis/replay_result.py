"""The result of a replay: each row's verdict, the totals by symbol, and the stretches in which decisions change."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from policy.rules import RuleSet

CHANGES_KEPT = 1000


class ReplayVerdict(StrEnum):
    """How a row's replayed decision compares with the live one; the last three are not observed.

    NEVER_SENT: it decides maker first and the live one taker, so the maker orders were never sent. OTHER_STATE: its
    breaker would not be in the recorded state, for which the streak of misses and the probes were measured.
    OTHER_ORDERS: in the days before, which the evidence covers, it disagreed on maker first, so the evidence would
    differ.
    """

    SAME = "same"
    OTHER_WAIT = "other_wait"
    TAKER_INSTEAD = "taker_instead"
    NEVER_SENT = "never_sent"
    OTHER_STATE = "other_state"
    OTHER_ORDERS = "other_orders"

    @property
    def is_observed(self) -> bool:
        """Whether the replayed rule set would have had the same evidence."""
        return self in (ReplayVerdict.SAME, ReplayVerdict.OTHER_WAIT, ReplayVerdict.TAKER_INSTEAD)


@dataclass(slots=True, kw_only=True)
class Tally:
    """How many runs and seconds; a run is valid until the next, the newest for 0 seconds."""

    run_count: int = 0
    seconds: float = 0.0

    def add(self, other: "Tally") -> None:
        """Count another's as well."""
        self.run_count += other.run_count
        self.seconds += other.seconds


def _tallies() -> dict[ReplayVerdict, Tally]:
    return {verdict: Tally() for verdict in ReplayVerdict}


@dataclass(slots=True, kw_only=True)
class SymbolTotals:
    """One symbol's rows by verdict, and the changes between maker and taker.

    `not_observed_flip_count` are those of the replayed that begin or end in a row which is not observed.
    """

    symbol: str
    tallies: dict[ReplayVerdict, Tally] = field(default_factory=_tallies)
    live_flip_count: int = 0
    replayed_flip_count: int = 0
    not_observed_flip_count: int = 0

    @property
    def whole(self) -> Tally:
        """All rows."""
        return _sum(self.tallies.values())

    @property
    def not_observed(self) -> Tally:
        """The rows that are not observed."""
        return _sum(tally for verdict, tally in self.tallies.items() if not verdict.is_observed)

    def add(self, other: "SymbolTotals") -> None:
        """Count another symbol's as well."""
        for verdict, tally in other.tallies.items():
            self.tallies[verdict].add(tally)
        self.live_flip_count += other.live_flip_count
        self.replayed_flip_count += other.replayed_flip_count
        self.not_observed_flip_count += other.not_observed_flip_count


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """A decision as the router reads it."""

    maker_first: bool
    taker_bias: str


@dataclass(slots=True, kw_only=True)
class Change:
    """A stretch of runs in which the replayed rule set differs from the live one, always in the same way.

    `until` is exclusive, None if it lasts through the newest run. `reason` is the replayed one's in the first run.
    """

    symbol: str
    start: datetime
    until: datetime | None
    live: Instruction
    replayed: Instruction
    verdict: ReplayVerdict
    run_count: int
    reason: str

    def goes_on(self, slot: datetime, live: Instruction, replayed: Instruction, verdict: ReplayVerdict) -> bool:
        """Return whether a run at this slot with these decisions continues the stretch."""
        return (self.until, self.live, self.replayed, self.verdict) == (slot, live, replayed, verdict)


@dataclass(slots=True, kw_only=True)
class Replay:
    """What changes, by symbol and in all, and the newest stretches of change, oldest first, out of `change_count`.

    `recorded_by` names the breaker whose order of events was used, None if the rule set needs none; runs without it are
    skipped and counted. `never_sent` has by symbol the times of the verdict NEVER_SENT, oldest first, each with its
    start, inclusive, and its end, exclusive, None if it lasts through the newest run.
    """

    rules: RuleSet
    recorded_by: str | None
    first_slot: datetime
    last_slot: datetime
    run_count: int
    skipped_run_count: int
    symbols: dict[str, SymbolTotals] = field(default_factory=dict)
    never_sent: dict[str, list[tuple[datetime, datetime | None]]] = field(default_factory=dict)
    changes: deque[Change] = field(default_factory=lambda: deque(maxlen=CHANGES_KEPT))
    change_count: int = 0

    def add_never_sent(self, symbol: str, start: datetime, until: datetime | None) -> None:
        """Note a run whose maker orders were never sent; it goes on from the one before if that ends at its start."""
        stretches = self.never_sent.setdefault(symbol, [])
        if stretches and stretches[-1][1] == start:
            start, _ = stretches.pop()
        stretches.append((start, until))

    def add_change(self, change: Change) -> None:
        """Note a stretch of change that begins; of many, the newest are kept."""
        self.changes.append(change)
        self.change_count += 1

    @property
    def total(self) -> SymbolTotals:
        """All symbols together."""
        total = SymbolTotals(symbol="")
        for totals in self.symbols.values():
            total.add(totals)
        return total
