"""Replay: what another rule set would have decided on the stored evidence, and where that evidence would not do.

Nothing is written. Had the other rule set been live, the bot would have sent other orders wherever the two disagree on
maker first; what those would have met was never measured. `ReplayVerdict` says of each row whether it can be known.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from policy.errors import RouterPolicyError
from policy.rules import Decision, RuleSet, State
from policy.rules.breaker_state import Breaker
from policy.window import OUTCOME_WINDOW
from storage.read.replay_inputs import ReplayableRun, ReplayInput, batches, replay_inputs, replayable_runs
from storage.store import Store

CHANGES_KEPT = 1000


class NotReplayableError(RouterPolicyError, LookupError):
    """The store does not hold what the rule set would decide on."""


class ReplayVerdict(StrEnum):
    """What a row says of the replayed rule set against the live one; the last three are not observed.

    NEVER_SENT: it says maker first where the live one said taker, so the maker orders were never sent. OTHER_STATE: its
    breaker would not be in the recorded state, for which the run of misses and the probes were measured. OTHER_ORDERS:
    in the seven days before, which the evidence covers, it disagreed on maker first, so the evidence would be another.
    """

    SAME = "same"
    OTHER_WAIT = "other_wait"
    TAKER_INSTEAD = "taker_instead"
    NEVER_SENT = "never_sent"
    OTHER_STATE = "other_state"
    OTHER_ORDERS = "other_orders"

    @property
    def is_observed(self) -> bool:
        """Whether the row rests on evidence that the replayed rule set would have had as well."""
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
    """What a router is told."""

    maker_first: bool
    taker_bias: str


@dataclass(slots=True, kw_only=True)
class Change:
    """A stretch of runs in which the replayed rule set decides otherwise than the live one, always in the same way.

    `until` is exclusive, None where it lasts through the newest run. `reason` is the replayed one's in the first run.
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
        """Tell whether a run at this slot, which says this, belongs to the stretch."""
        return (self.until, self.live, self.replayed, self.verdict) == (slot, live, replayed, verdict)


@dataclass(slots=True, kw_only=True)
class Replay:
    """What changes, by symbol and in all, and the newest stretches of change, oldest first, out of `change_count`.

    `recorded_by` names the breaker whose order of events was used, None where the rule set asks for none; runs without
    it are not replayed, and counted.
    """

    rules: RuleSet
    recorded_by: str | None
    first_slot: datetime
    last_slot: datetime
    run_count: int
    skipped_run_count: int
    symbols: dict[str, SymbolTotals] = field(default_factory=dict)
    changes: deque[Change] = field(default_factory=lambda: deque(maxlen=CHANGES_KEPT))
    change_count: int = 0

    @property
    def total(self) -> SymbolTotals:
        """All symbols together."""
        total = SymbolTotals(symbol="")
        for sums in self.symbols.values():
            total.add(sums)
        return total


def replay(store: Store, scope: str, rules: RuleSet, since: datetime | None = None) -> Iterator[Replay]:
    """Decide again by other rules on the evidence of the slots from `since` on: see `replay_runs`."""
    with store.reading() as connection:
        runs = replayable_runs(connection, scope, since)

    def read_inputs(batch: Sequence[ReplayableRun], breaker: str | None) -> dict[int, list[ReplayInput]]:
        with store.reading() as connection:
            return replay_inputs(connection, batch, breaker)

    yield from replay_runs(scope, rules, runs, read_inputs)


ReadInputs = Callable[[Sequence[ReplayableRun], str | None], Mapping[int, Sequence[ReplayInput]]]


def replay_runs(scope: str, rules: RuleSet, runs: Sequence[ReplayableRun], read_inputs: ReadInputs) -> Iterator[Replay]:
    """Decide these runs again by other rules; yield the result so far after each batch, then the whole.

    The same object is yielded each time, its `run_count` being the runs so far. Memory does not grow with the history.
    Raises NotReplayableError if there is no run, or none that holds what the rules decide on.
    """
    name, replayable = _replayable(runs, scope, rules)
    result = Replay(
        rules=rules,
        recorded_by=name,
        first_slot=replayable[0].slot,
        last_slot=replayable[-1].slot,
        run_count=0,
        skipped_run_count=len(runs) - len(replayable),
    )
    symbols: dict[str, SymbolReplay] = {}
    for batch in batches(replayable):
        inputs = read_inputs(batch, name)
        for run in batch:
            _replay_run(result, symbols, run, inputs[run.run_id])
        yield result


def _replayable(
    runs: Sequence[ReplayableRun], scope: str, rules: RuleSet
) -> tuple[str | None, Sequence[ReplayableRun]]:
    """Return the breaker whose record is used, and the runs that can be replayed with it."""
    if not runs:
        raise NotReplayableError(f"scope {scope!r} has no run then; router-policy history SYMBOL shows what there is")
    if not rules.has_state:
        return None, runs
    kind = rules.name.partition(":")[0]
    counts: dict[str, int] = {}
    for run in runs:
        for name in run.rule_sets:
            if name.partition(":")[0] == kind:
                counts[name] = counts.get(name, 0) + 1
    if not counts:
        raise NotReplayableError(
            f"{rules.name} cannot be replayed over this history: no run of scope {scope!r} then measured the order of "
            f'events, which it decides on. Set [rules] shadow = ["{kind}"], and it can be replayed from the next run '
            "on; or, with that setting and an empty store, compute the past again by router-policy backfill"
        )
    name = rules.name if rules.name in counts else max(sorted(counts), key=counts.__getitem__)
    return name, [run for run in runs if name in run.rule_sets]


def _replay_run(
    found: Replay, symbols: dict[str, "SymbolReplay"], run: ReplayableRun, rows: Iterable[ReplayInput]
) -> None:
    newcomer = found.rules.newcomer(one.state for one in symbols.values() if one.state is not None)
    for row in rows:
        name = row.evidence.symbol
        symbol = symbols.get(name)
        if symbol is None:
            state = newcomer if symbols and found.run_count else row.before
            symbol = symbols[name] = SymbolReplay(
                state=state, sums=found.symbols.setdefault(name, SymbolTotals(symbol=name))
            )
        symbol.step(found, run, row)
    found.run_count += 1


@dataclass(slots=True, kw_only=True)
class SymbolReplay:
    """Where the replay of one symbol stands."""

    state: State | None
    sums: SymbolTotals
    other_orders_until: datetime | None = None
    other_state_since: datetime | None = None
    last: tuple[int, Instruction, Instruction, ReplayVerdict] | None = None
    change: Change | None = None

    def step(self, found: Replay, run: ReplayableRun, row: ReplayInput) -> None:
        """Decide one row again."""
        other_state = self._other_state(row.before, run.slot) if found.rules.has_state else False
        judged = found.rules.decide_with_state(row.evidence, self.state)
        self.state = judged.after
        live = Instruction(maker_first=row.maker_first, taker_bias=row.taker_bias)
        replayed = _told(judged.decision)
        verdict = self._verdict(live, replayed, run.slot, other_state=other_state)
        if live.maker_first != replayed.maker_first:
            self.other_orders_until = run.until
        self._count(found.run_count, run, live, replayed, verdict)
        self._note_change(found, run, live, replayed, verdict, judged.decision.policy.reason)

    def _other_state(self, recorded: State | None, slot: datetime) -> bool:
        """Tell whether the state is another than the recorded one; take that up where nothing else can end it.

        A breaker that is open here and closed on record sees no probes, which were never sent. Seven days later nothing
        of its opening would count any more.
        """
        theirs = recorded or State()
        if agree(self.state or State(), theirs, slot - OUTCOME_WINDOW):
            self.other_state_since = None
            return False
        self.other_state_since = self.other_state_since or slot
        is_closed = theirs.own.opened_at is None and theirs.pool.opened_at is None
        if is_closed and slot - self.other_state_since >= OUTCOME_WINDOW:
            self.state, self.other_state_since = recorded, None
            return False
        return True

    def _verdict(self, live: Instruction, replayed: Instruction, slot: datetime, *, other_state: bool) -> ReplayVerdict:
        if replayed.maker_first and not live.maker_first:
            return ReplayVerdict.NEVER_SENT
        if other_state:
            return ReplayVerdict.OTHER_STATE
        if self.other_orders_until is not None and self.other_orders_until > slot - OUTCOME_WINDOW:
            return ReplayVerdict.OTHER_ORDERS
        if live.maker_first and not replayed.maker_first:
            return ReplayVerdict.TAKER_INSTEAD
        return ReplayVerdict.OTHER_WAIT if live.maker_first and live != replayed else ReplayVerdict.SAME

    def _count(
        self, number: int, run: ReplayableRun, live: Instruction, replayed: Instruction, verdict: ReplayVerdict
    ) -> None:
        seconds = (run.until - run.slot).total_seconds() if run.until is not None else 0.0
        self.sums.tallies[verdict].add(Tally(run_count=1, seconds=seconds))
        if self.last is not None and self.last[0] == number - 1:
            _, live_before, replayed_before, verdict_before = self.last
            self.sums.live_flip_count += live_before.maker_first != live.maker_first
            flipped = replayed_before.maker_first != replayed.maker_first
            self.sums.replayed_flip_count += flipped
            observed = verdict.is_observed and verdict_before.is_observed
            self.sums.not_observed_flip_count += flipped and not observed
        self.last = (number, live, replayed, verdict)

    def _note_change(
        self,
        found: Replay,
        run: ReplayableRun,
        live: Instruction,
        replayed: Instruction,
        verdict: ReplayVerdict,
        reason: str,
    ) -> None:
        before, self.change = self.change, None
        if live == replayed or not (live.maker_first or replayed.maker_first):
            return
        if before is not None and before.goes_on(run.slot, live, replayed, verdict):
            before.run_count += 1
            before.until = run.until
            self.change = before
            return
        self.change = Change(
            symbol=self.sums.symbol,
            start=run.slot,
            until=run.until,
            live=live,
            replayed=replayed,
            verdict=verdict,
            run_count=1,
            reason=reason,
        )
        found.changes.append(self.change)
        found.change_count += 1


def _told(decision: Decision) -> Instruction:
    return Instruction(maker_first=decision.policy.maker_first, taker_bias=decision.policy.taker_bias)


def agree(ours: State, theirs: State, window_start: datetime) -> bool:
    """Tell whether two states measure the same: open since the same slot, and counting from the same time on.

    Evidence that restarted before the window of outcomes began counts as all of it. Labels act on nothing.
    """
    return all(
        one.opened_at == other.opened_at and _counts_from(one, window_start) == _counts_from(other, window_start)
        for one, other in ((ours.own, theirs.own), (ours.pool, theirs.pool))
    )


def _counts_from(breaker: Breaker, window_start: datetime) -> datetime:
    return max(breaker.restarted_at or window_start, window_start)
