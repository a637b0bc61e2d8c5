"""`router-policy explain`: why a symbol's policy is what it is, or was at some time."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Annotated

import typer

from console.not_found import NoPolicyError, did_you_mean, last_policies, store_to_read
from console.options import AsJson, Config, SymbolArgument, parse_time
from console.outage_words import outage_lines
from console.settings.file import load
from console.settings.model import Settings
from console.terminal.rejects import reject_text
from console.terminal.routes import policy_words
from console.terminal.text import exact_figure, print_lines, print_record
from jobs.analysis.explain import Explanation, explain_policy
from jobs.analysis.findings import counted
from jobs.analysis.health import limits_at
from policy.reject import Reject
from policy.rules import Check, State, seed
from policy.rules.breaker_state import Breaker
from policy.rules.hysteresis import StableQuality
from policy.snapshot import Snapshot
from policy.streaks import Streak
from policy.time_text import iso
from storage.read.explanation import BreakerDecision, ShadowDecision
from storage.records import PolicyChange, PolicyPeriod

_RULE_WIDTH = 13
_FIRST_DECIDES = "rules; the first that holds decides (broken, degraded: any line; good: all lines):"
_NOT_MEASURED = "not measured"
_INPUTS = (
    ("maker_fill_ratio", "maker_started_count", "orders that started as maker"),
    ("fallback_ratio", "maker_started_count", "orders that started as maker"),
    ("slip_q25", "slippage_count", "orders with a slippage"),
    ("slip_q50", "slippage_count", "orders with a slippage"),
    ("slip_q75", "slippage_count", "orders with a slippage"),
    ("atr_ratio", "bar_count", "closed candles"),
    ("expectancy", "expectancy_count", "orders that closed something in this hour of the day"),
)


_At = Annotated[datetime | None, typer.Option(parser=parse_time, metavar="TIME", help="The time; by default now.")]


def command(symbol: SymbolArgument, at: _At = None, config: Config = None, as_json: AsJson = False) -> None:
    """Explain a policy: each rule with its figure and threshold, the counts, and the change before it."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        moment = at or store.now()
        explanation = explain_policy(store, settings.scope, symbol, moment)
        if explanation is None:
            message = f"no policy was in force for {symbol!r} in scope {settings.scope!r} at {iso(moment)}"
            hint = did_you_mean(store, settings.scope, symbol) or last_policies(store, settings.scope)
            raise NoPolicyError(message + hint)
    if as_json:
        from console.records.explanation_records import ExplanationRecord

        print_record(ExplanationRecord.of(explanation))
        return
    print_lines(explanation_lines(explanation, _expired_at(settings, explanation.period, moment)))


def _expired_at(settings: Settings, period: PolicyPeriod, moment: datetime) -> datetime | None:
    """Return until when a policy could be used if that is over, although no other has replaced it.

    An override has no such time: it holds until its own end.
    """
    if period.policy.override is not None:
        return None
    slot = period.policy.snapshot.slot
    _, expired_at = limits_at(settings.schedule.slots, slot).bounds(slot)
    return expired_at if period.valid_to is None and moment > expired_at else None


def explanation_lines(explanation: Explanation, expired_at: datetime | None = None) -> Iterator[str]:
    """Yield an explanation for people, line by line; `expired_at` if the policy has expired."""
    snapshot = explanation.period.policy.snapshot
    yield from _decision(explanation.period, expired_at)
    if explanation.breaker is not None:
        yield from _breaker(explanation.breaker, snapshot.slot)
    yield from outage_lines(explanation.outages)
    yield from _rules(explanation.checks, snapshot.rule_set)
    yield from _counts(snapshot)
    yield from _rejected(explanation.rejects)
    yield from _shadows(explanation.shadows, snapshot.slot)
    yield from _changed(explanation.last_change)


def _decision(period: PolicyPeriod, expired_at: datetime | None) -> Iterator[str]:
    policy, snapshot = period.policy, period.policy.snapshot
    words = policy_words(snapshot.maker_first, snapshot.taker_bias)
    yield f"{snapshot.symbol}: {words}; in force from {iso(period.valid_from)}{_until(period, expired_at)}"
    if (override := policy.override) is not None:
        reason = f"{override.author} until {iso(override.until_at)}: {override.reason}"
        yield f"  override {override.override_id} by {reason}"
        yield f"  computed beneath it: {policy_words(override.computed_maker_first, override.computed_taker_bias)}"
    yield f"  {snapshot.reason}"
    if snapshot.holdout_share is not None:
        yield f"  held out: {exact_figure(snapshot.holdout_share)} of all orders, which go the other way; see drift"
    run = f"run {snapshot.run_id} of slot {iso(snapshot.slot)}"
    yield f"  {run}, published {iso(policy.published_at)}, rule set {snapshot.rule_set}"


def _until(period: PolicyPeriod, expired_at: datetime | None) -> str:
    """Return until when a policy was in force; after an override it may begin when it has already expired."""
    if period.valid_to is not None:
        return f" until {iso(period.valid_to)}"
    if expired_at is None:
        return " and still"
    if expired_at < period.valid_from:
        return f", but it had expired at {iso(expired_at)}"
    return f" until it expired at {iso(expired_at)}"


def _breaker(breaker: BreakerDecision, slot: datetime) -> Iterator[str]:
    """Yield each breaker's state before and after, why it opened if that was earlier, and the quality shown."""
    streaks, before = breaker.evidence.streaks, breaker.before or State()
    sides = (
        ("the symbol's breaker", before.own, breaker.after.own, streaks.own if streaks is not None else Streak()),
        ("the scope's breaker", before.pool, breaker.after.pool, streaks.pool if streaks is not None else Streak()),
    )
    for name, earlier, later, streak in sides:
        yield f"{name}: {_state_words(earlier)} before, {_state_words(later)} after{_probes(earlier, streak)}"
    yield from _openings(breaker, slot)
    if breaker.evidence.cost is not None:
        yield f"the way that costs less: {_route_words(before)} before, {_route_words(breaker.after)} after"
    if (stable := breaker.after.stable_quality) is not None:
        yield f"quality: {stable.quality}, shown only{_pending(stable)}"


def _pending(stable: StableQuality) -> str:
    """Return which other quality the last runs measured, to end a sentence with; empty if they agree."""
    if not stable.candidate_count:
        return ""
    runs = "run" if stable.candidate_count == 1 else f"{stable.candidate_count} runs"
    return f"; the last {runs} measured {stable.candidate}"


def _route_words(state: State) -> str:
    return state.cost_route.value if state.cost_route is not None else "not known"


def _state_words(breaker: Breaker) -> str:
    if breaker.opened_at is not None:
        return f"open since {iso(breaker.opened_at)}"
    return "closed" if breaker.restarted_at is None else f"closed since {iso(breaker.restarted_at)}"


def _probes(before: Breaker, streak: Streak) -> str:
    if before.opened_at is None:
        return ""
    newest = f", the newest at {iso(streak.last_probe_at)}" if streak.last_probe_at is not None else ""
    return f"; {counted(streak.probe_count, 'probe')}, {streak.probe_filled_count} filled{newest}"


def _openings(breaker: BreakerDecision, slot: datetime) -> Iterator[str]:
    """Yield why a breaker opened at an earlier slot; the reason of the policy has why it opened at this one."""
    for opening in breaker.openings:
        if opening.opened_at < slot:
            reason = opening.reason or "the row of that slot is no longer there"
            yield f"  at {iso(opening.opened_at)}: {reason}"


def _rules(checks: tuple[Check, ...], rule_set: str) -> Iterator[str]:
    is_first_decisive = rule_set.startswith(seed.NAME)
    yield _FIRST_DECIDES if is_first_decisive else "rules, in the order in which they are tried:"
    width = max([_RULE_WIDTH, *(len(check.rule) + 1 for check in checks)])
    for check in checks:
        value = exact_figure(check.value, _NOT_MEASURED)
        verdict = {True: "yes", False: "no", None: "not judged"}[check.holds]
        yield f"  {check.rule:<{width}}{check.figure:<17}{value:>13} {check.sign:>2} {check.threshold:<6g} {verdict}"


def _counts(snapshot: Snapshot) -> Iterator[str]:
    yield f"measured on {snapshot.outcome_count} orders of the seven days before:"
    for name, count, unit in _INPUTS:
        value = exact_figure(getattr(snapshot, name), _NOT_MEASURED)
        yield f"  {name:<17}{value:>13} over {getattr(snapshot, count)} {unit}"
    if (survivors := snapshot.survivor_count) is not None:
        started = f"{snapshot.maker_started_count} orders that started as maker"
        yield f"  {'survivor_count':<17}{survivors:>13} of {started}: the source does not keep misses of their kind"


def _rejected(rejects: Sequence[Reject]) -> Iterator[str]:
    yield "rows of the sources that the run did not use:" if rejects else "every row of the sources was used"
    for reject in rejects:
        yield f"  {reject_text(reject)}"


def _shadows(shadows: Iterable[ShadowDecision], slot: datetime) -> Iterator[str]:
    for shadow in shadows:
        decided = f"{policy_words(shadow.maker_first, shadow.taker_bias)}, {shadow.quality}"
        yield f"in the shadow, {shadow.rule_set} would have decided: {decided}"
        yield f"  {shadow.reason}"
        if shadow.breaker is not None:
            yield from _openings(shadow.breaker, slot)


def _changed(change: PolicyChange | None) -> Iterator[str]:
    if change is None:
        yield "every earlier policy in the history has the same decision"
        return
    before = policy_words(change.previous_maker_first, change.previous_taker_bias)
    yield f"last changed at slot {iso(change.slot)}; before: {before}, {change.previous_quality}"
    yield f"  {change.previous_reason}"
