"""The replay of one symbol: the state that the rules would have, and what that says of each row."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.analysis.replay_result import Change, Instruction, Replay, ReplayVerdict, SymbolTotals, Tally
from policy.rules import Decision, RuleSet, State
from policy.rules.breaker_state import Breaker, OpenPeriod
from policy.window import OUTCOME_WINDOW
from storage.read.replay_inputs import ReplayableRun, ReplayInput


@dataclass(slots=True, kw_only=True)
class SymbolReplay:
    """The state of the replay of one symbol."""

    state: State | None
    totals: SymbolTotals
    other_orders_until: datetime | None = None
    other_state_since: datetime | None = None
    last: tuple[int, Instruction, Instruction, ReplayVerdict] | None = None
    change: Change | None = None

    def step(self, replay: Replay, run: ReplayableRun, row: ReplayInput) -> None:
        """Decide one row again."""
        other_state = self._other_state(replay.rules, row.before, run.slot) if replay.rules.has_state else False
        judgement = replay.rules.decide_with_state(row.evidence, self.state)
        self.state = judgement.after
        live = Instruction(maker_first=row.maker_first, taker_bias=row.taker_bias)
        replayed = _instruction(judgement.decision)
        covered_from = run.slot - evidence_length(replay.rules)
        verdict = self._verdict(live, replayed, covered_from, other_state=other_state)
        if live.maker_first != replayed.maker_first:
            self.other_orders_until = run.until
        if verdict is ReplayVerdict.NEVER_SENT:
            replay.add_never_sent(self.totals.symbol, run.slot, run.until)
        self._count(replay.run_count, run, live, replayed, verdict)
        self._note_change(replay, run, live, replayed, verdict, judgement.decision.policy.reason)

    def _other_state(self, rules: RuleSet, recorded: State | None, slot: datetime) -> bool:
        """Return whether the state differs from the recorded one; after seven days, take that over.

        A breaker that is open here and closed on record gets no probes, as they were never sent, and would stay open.
        Seven days later, none of the evidence for its opening counts any more.
        """
        theirs = recorded or State()
        ours, window_start = self.state or State(), slot - OUTCOME_WINDOW
        is_same = agree(ours, theirs, window_start)
        if is_same and (rules.outage_parameters is None or learns_alike(ours, theirs, window_start)):
            self.other_state_since = None
            return False
        self.other_state_since = self.other_state_since or slot
        is_closed = theirs.own.opened_at is None and theirs.pool.opened_at is None
        if is_closed and slot - self.other_state_since >= OUTCOME_WINDOW:
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
        return ReplayVerdict.OTHER_WAIT if live.maker_first and live != replayed else ReplayVerdict.SAME

    def _count(
        self, number: int, run: ReplayableRun, live: Instruction, replayed: Instruction, verdict: ReplayVerdict
    ) -> None:
        seconds = (run.until - run.slot).total_seconds() if run.until is not None else 0.0
        self.totals.tallies[verdict].add(Tally(run_count=1, seconds=seconds))
        if self.last is not None and self.last[0] == number - 1:
            _, live_before, replayed_before, verdict_before = self.last
            self.totals.live_flip_count += live_before.maker_first != live.maker_first
            flipped = replayed_before.maker_first != replayed.maker_first
            self.totals.replayed_flip_count += flipped
            observed = verdict.is_observed and verdict_before.is_observed
            self.totals.not_observed_flip_count += flipped and not observed
        self.last = (number, live, replayed, verdict)

    def _note_change(
        self,
        replay: Replay,
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
            symbol=self.totals.symbol,
            start=run.slot,
            until=run.until,
            live=live,
            replayed=replayed,
            verdict=verdict,
            run_count=1,
            reason=reason,
        )
        replay.changes.append(self.change)
        replay.change_count += 1


def _instruction(decision: Decision) -> Instruction:
    return Instruction(maker_first=decision.policy.maker_first, taker_bias=decision.policy.taker_bias)


def evidence_length(rules: RuleSet) -> timedelta:
    """Return how far back the evidence of a rule set reaches."""
    costs = rules.cost_parameters
    return max(OUTCOME_WINDOW, timedelta(days=costs.days)) if costs is not None else OUTCOME_WINDOW


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
