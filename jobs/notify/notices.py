"""What changed between two looks at the store, as notices: pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.notify.observation import Observation
from jobs.sources.reject_reasons import reject_reason
from policy.effective import EffectivePolicy
from policy.enums import Quality
from policy.event_kind import EventKind
from policy.experiment.saving import Answer
from policy.experiment.saving_figure import SavingFigure, SavingWord, judge_saving
from policy.freshness import WHAT_ROUTERS_DO, Status
from policy.list_text import listed
from policy.time_text import iso
from storage.read.overrides import OverrideEntry
from storage.read.pages import GapState, SlotGap

_TOO_OLD = {Status.STALE: EventKind.STALE, Status.EXPIRED: EventKind.EXPIRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that happened, in a sentence; `symbols` are all that it is about, empty if it is about the scope."""

    kind: EventKind
    message: str
    symbols: tuple[str, ...] = ()
    run_id: int | None = None
    slot: datetime | None = None


def notices(before: Observation, after: Observation) -> list[Notice]:
    """Return what happened between two looks, one notice for all symbols of a kind; empty if nothing did.

    What a person overrides is told as an override: changes of route are those that the rules decided.
    """
    return [
        *_changes_of_policy(before, after),
        *_overrides(before, after),
        *_rule_set(before, after),
        *_rejects(before, after),
        *_failures(before, after),
        *_gaps(before, after),
        *_freshness(before, after),
        *_recovery(before, after),
        *_savings(before, after),
    ]


def _changes_of_policy(before: Observation, after: Observation) -> Iterator[Notice]:
    run = after.run
    both = [(before.policies[symbol], after.policies[symbol]) for symbol in after.policies if symbol in before.policies]
    conditions: tuple[tuple[EventKind, str, Callable[[EffectivePolicy], bool]], ...] = (
        (EventKind.TO_TAKER, "straight to taker now", lambda policy: not policy.computed_maker_first),
        (EventKind.TO_MAKER, "maker first again", lambda policy: policy.computed_maker_first),
        (EventKind.BROKEN, "broken now", lambda policy: policy.snapshot.quality is Quality.BROKEN),
    )
    for kind, words, holds in conditions:
        changed = [new for old, new in both if holds(new) and not holds(old)]
        if changed and run is not None:
            symbols = tuple(policy.symbol for policy in changed)
            message = f"{listed(symbols)}: {words}; {changed[0].snapshot.reason}"
            yield Notice(kind=kind, message=message, symbols=symbols, run_id=run.run_id, slot=run.slot)


def _overrides(before: Observation, after: Observation) -> Iterator[Notice]:
    for entry_id, override in after.overrides.items():
        if entry_id not in before.overrides:
            route = "maker first" if override.maker_first else "straight to taker"
            words = f"{route} until {iso(override.until_at)}: {override.reason}"
            yield _override_notice(EventKind.OVERRIDE_MADE, override, f"made by {override.author}: {words}")
    for entry_id, override in before.overrides.items():
        if entry_id in after.overrides:
            continue
        if override.until_at <= after.at:
            yield _override_notice(EventKind.OVERRIDE_EXPIRED, override, f"by {override.author} has expired")
        else:
            words = f"by {override.author} was ended before its time"
            yield _override_notice(EventKind.OVERRIDE_ENDED, override, words)


def _override_notice(kind: EventKind, override: OverrideEntry, words: str) -> Notice:
    message = f"{override.symbol}: override {override.entry_id} {words}"
    return Notice(kind=kind, message=message, symbols=(override.symbol,))


def _rule_set(before: Observation, after: Observation) -> Iterator[Notice]:
    if before.run is None or after.run is None or before.run.rule_set == after.run.rule_set:
        return
    message = f"rule set {after.run.rule_set} decides now, before it was {before.run.rule_set}"
    yield Notice(kind=EventKind.RULE_SET_CHANGED, message=message, run_id=after.run.run_id, slot=after.run.slot)


def _rejects(before: Observation, after: Observation) -> Iterator[Notice]:
    """Yield the rows that are lost for a new reason: one that stays is no news, nor are rows rightly left out."""
    known = {(reject.source, reject.reason) for reject in before.rejects}
    lost = [reject for reject in after.rejects if reject_reason(reject.reason).is_loss]
    new = [reject for reject in lost if (reject.source, reject.reason) not in known]
    if new and after.run is not None:
        words = (f"{reject.source}: {reject.reject_count} x {reject.reason}, as {reject.sample}" for reject in new)
        message = f"rows are not used for a new reason: {'; '.join(words)}"
        yield Notice(kind=EventKind.REJECTS, message=message, run_id=after.run.run_id, slot=after.run.slot)


def _failures(before: Observation, after: Observation) -> Iterator[Notice]:
    """Yield each cause for which slots fail since the newest run: one that stays is no news, a run ends it."""
    known = {failure.error for failure in before.failures}
    first_failures = {failure.error: failure for failure in after.failures if failure.error not in known}
    for failure in sorted(first_failures.values(), key=lambda failure: failure.slot):
        message = f"slot {iso(failure.slot)} failed: {failure.error}"
        yield Notice(kind=EventKind.RUN_FAILED, message=message, slot=failure.slot)


def _gaps(before: Observation, after: Observation) -> Iterator[Notice]:
    """Yield the slots that nobody computed, in one notice."""
    new = [gap for slot, gap in sorted(after.gaps.items()) if before.gaps.get(slot, gap).state is not gap.state]
    new += [gap for slot, gap in sorted(after.gaps.items()) if slot not in before.gaps]
    yield from _missed([gap for gap in new if gap.state is not GapState.FAILED])


def _missed(missed: Sequence[SlotGap]) -> Iterator[Notice]:
    if missed:
        count = f"{len(missed)} slots were" if len(missed) > 1 else "1 slot was"
        message = f"{count} not computed, the last {iso(missed[-1].slot)}"
        yield Notice(kind=EventKind.SLOT_MISSED, message=message, slot=missed[-1].slot)


def _freshness(before: Observation, after: Observation) -> Iterator[Notice]:
    kind = _TOO_OLD.get(after.status)
    if kind is None or after.status is before.status or after.run is None:
        return
    consequence = "routers still act on them" if kind is EventKind.STALE else WHAT_ROUTERS_DO[after.status]
    message = f"the policies of slot {iso(after.run.slot)} are {after.status}; {consequence}"
    yield Notice(kind=kind, message=message, run_id=after.run.run_id, slot=after.run.slot)


def _recovery(before: Observation, after: Observation) -> Iterator[Notice]:
    """Yield the run by which policies that had grown old are fresh again, or that ends failures, in one notice."""
    run = after.run
    if run is None or (before.run is not None and before.run.run_id == run.run_id):
        return
    if after.status is Status.FRESH and before.status in _TOO_OLD:
        message = f"the policies are fresh again, by run {run.run_id} of slot {iso(run.slot)}"
    elif before.failures:
        message = f"run {run.run_id} of slot {iso(run.slot)} is published, the first after those that failed"
    else:
        return
    yield Notice(kind=EventKind.RECOVERED, message=message, run_id=run.run_id, slot=run.slot)


def _savings(before: Observation, after: Observation) -> Iterator[Notice]:
    """Yield each comparison of which it is known now, and was not before, whether it saves on the orders sent."""
    for comparison, figure in after.savings.items():
        earlier, word = before.savings.get(comparison), _saving_word(figure)
        if after.run is None or word is SavingWord.NOT_YET_KNOWN or (earlier and _saving_word(earlier) is word):
            continue
        margin = figure.margin_bps(Answer.ORDERS_SENT)
        amount = f"{figure.saving_bps:+.2f} bps an order, give or take {margin:.2f}, over {figure.order_count} orders"
        message = f"{comparison.replace('_', ' ')}: it is known now that it {word} ({amount})"
        yield Notice(kind=EventKind.SAVING_KNOWN, message=message, run_id=after.run.run_id, slot=after.run.slot)


def _saving_word(figure: SavingFigure) -> SavingWord:
    return judge_saving(figure, Answer.ORDERS_SENT, timedelta(0)).word
