"""The replay of one symbol: the state that the rules would have, and what that says of each row."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from jobs.analysis.replay_result import Change, Instruction, Replay, ReplayVerdict, SymbolTotals
from policy import Evidence, TakerBias
from policy.rules import RuleSet, State
from policy.rules.breaker_state import Breaker, OpenPeriod
from policy.rules.routed import DecideOnRoute
from policy.window import OUTCOME_WINDOW
from storage.read.replay_inputs import ReplayInput

_START = State()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedRun:
    """One run of a replay: its number, its slot, until when it was valid, None for the newest, and for how long.

    The evidence covers the orders from `covered_from` on, that of streaks and outages those from `window_start` on.
    """

    number: int
    slot: datetime
    until: datetime | None
    seconds: float
    window_start: datetime
    covered_from: datetime


@dataclass(slots=True, kw_only=True)
class SymbolReplay:
    """The state of the replay of one symbol by rules, whose function `decide_on_route` is."""

    rules: RuleSet
    decide_on_route: DecideOnRoute
    state: State | None
    totals: SymbolTotals
    other_orders_until: datetime | None = None
    other_state_since: datetime | None = None
    last: tuple[int, Instruction, Instruction, ReplayVerdict] | None = None
    change: Change | None = None

    def step(self, replay: Replay, run: ReplayedRun, row: ReplayInput) -> None:
        """Decide one row again."""
        other_state = self._other_state(row.before, run)
        before = self.state
        (maker_first, taker_bias, _), self.state = self.decide_on_route(row.evidence, before)
        live, replayed = _instruction(row.maker_first, row.taker_bias), _instruction(maker_first, taker_bias)
        verdict = self._verdict(live, replayed, run.covered_from, other_state=other_state)
        self._count(run, live, replayed, verdict)
        if live is replayed or not (live.maker_first or replayed.maker_first):
            self.change = None
            return
        if live.maker_first != replayed.maker_first:
            self.other_orders_until = run.until
        if verdict is ReplayVerdict.NEVER_SENT:
            replay.add_never_sent(self.totals.symbol, run.slot, run.until)
        if not self._is_still_changed(run, live, replayed, verdict):
            self.change = self._new_change(run, live, replayed, verdict, row.evidence, before)
            replay.add_change(self.change)

    def _other_state(self, recorded: State | None, run: ReplayedRun) -> bool:
        """Return whether the state differs from the recorded one; after seven days, take that over.

        A breaker that is open here and closed on record gets no probes, as they were never sent, and would stay open.
        Seven days later, none of the evidence for its opening counts any more.
        """
        ours, theirs = self.state or _START, recorded or _START
        if _are_alike(self.rules, ours, theirs, run.window_start):
            self.other_state_since = None
            return False
        self.other_state_since = self.other_state_since or run.slot
        is_closed = theirs.own.opened_at is None and theirs.pool.opened_at is None
        if is_closed and run.slot - self.other_state_since >= OUTCOME_WINDOW:
            self.state, self.other_state_since = recorded, None
            return False
        return True

    def _verdict(
        self, live: Instruction, replayed: Instruction, covered_from: datetime, *, other_state: bool
    ) -> ReplayVerdict:
        """Compare a decision with the live one; the evidence covers the orders from `covered_from` on."""
        if replayed.maker_first and not live.maker_first:
            return ReplayVerdict.NEVER_SENT
        if other_state:
            return ReplayVerdict.OTHER_STATE
        if self.other_orders_until is not None and self.other_orders_until > covered_from:
            return ReplayVerdict.OTHER_ORDERS
        if live.maker_first and not replayed.maker_first:
            return ReplayVerdict.TAKER_INSTEAD
        return ReplayVerdict.OTHER_WAIT if live.maker_first and live is not replayed else ReplayVerdict.SAME

    def _count(self, run: ReplayedRun, live: Instruction, replayed: Instruction, verdict: ReplayVerdict) -> None:
        tally = self.totals.tallies[verdict]
        tally.run_count += 1
        tally.seconds += run.seconds
        if self.last is not None and self.last[0] == run.number - 1:
            _, live_before, replayed_before, verdict_before = self.last
            self.totals.live_flip_count += live_before.maker_first != live.maker_first
            if replayed_before.maker_first != replayed.maker_first:
                self.totals.replayed_flip_count += 1
                self.totals.not_observed_flip_count += not (verdict.is_observed and verdict_before.is_observed)
        self.last = (run.number, live, replayed, verdict)

    def _is_still_changed(
        self, run: ReplayedRun, live: Instruction, replayed: Instruction, verdict: ReplayVerdict
    ) -> bool:
        """Return whether the run continues the stretch of change before it, which then holds the run as well."""
        if self.change is None or not self.change.goes_on(run.slot, live, replayed, verdict):
            return False
        self.change.run_count += 1
        self.change.until = run.until
        return True

    def _new_change(
        self,
        run: ReplayedRun,
        live: Instruction,
        replayed: Instruction,
        verdict: ReplayVerdict,
        evidence: Evidence,
        before: State | None,
    ) -> Change:
        return Change(
            symbol=self.totals.symbol,
            start=run.slot,
            until=run.until,
            live=live,
            replayed=replayed,
            verdict=verdict,
            run_count=1,
            reason=self.rules.decide_with_state(evidence, before).decision.policy.reason,
        )


@lru_cache  # so that equal instructions are one, of few
def _instruction(maker_first: bool, taker_bias: TakerBias) -> Instruction:
    return Instruction(maker_first=maker_first, taker_bias=taker_bias)


def _are_alike(rules: RuleSet, ours: State, theirs: State, window_start: datetime) -> bool:
    """Return whether both states measure the same and, if the rules ask for outages, learn from the same orders."""
    if ours.own == theirs.own and ours.pool == theirs.pool:
        return True
    is_same = agree(ours, theirs, window_start)
    return is_same and (rules.outage_parameters is None or learns_alike(ours, theirs, window_start))


def agree(ours: State, theirs: State, window_start: datetime) -> bool:
    """Return whether two states measure the same: open since the same slot, and counting from the same time on.

    Evidence that restarted before the window of outcomes began counts as all of it. The quality that is shown decides
    nothing, so it is not compared.
    """
    return all(
        left.opened_at == right.opened_at and _counts_from(left, window_start) == _counts_from(right, window_start)
        for left, right in ((ours.own, theirs.own), (ours.pool, theirs.pool))
    )


def learns_alike(ours: State, theirs: State, window_start: datetime) -> bool:
    """Return whether two states also learn from the same orders and close on as many probes, as version 2 does."""
    return all(
        left.relapse_count == right.relapse_count
        and _open_periods(left, window_start) == _open_periods(right, window_start)
        for left, right in ((ours.own, theirs.own), (ours.pool, theirs.pool))
    )


def _counts_from(breaker: Breaker, window_start: datetime) -> datetime:
    return max(breaker.restarted_at or window_start, window_start)


def _open_periods(breaker: Breaker, window_start: datetime) -> tuple[OpenPeriod, ...]:
    return tuple(period for period in breaker.open_periods if period.closed_at > window_start)
