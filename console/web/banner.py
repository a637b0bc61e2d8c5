"""How fresh the policies are, in words, now and at every later time: for the pages and for the readiness probe."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from console.not_found import run_without_policies
from console.terminal.freshness import consequence, gap_words, recent_gaps
from console.web.policy_cache import LatestPolicies, PolicyCache, tag_of
from jobs.analysis.health import limits_at
from jobs.slots import Slots
from policy.effective import Override
from policy.freshness import WHAT_ROUTERS_DO, Status
from policy.time_text import iso
from storage.read.day_figures import newest_day
from storage.read.metrics import failure_count

_NO_RUN = "No run yet. router-policy once computes one now, router-policy run computes each when it is due."

_SKEW = f"A clock is wrong, and the age cannot be known. {consequence(Status.CLOCK_SKEW)}"
_STALE = f"{consequence(Status.STALE)} Check that router-policy run is running; Runs lists the gaps."
_EXPIRED = f"{consequence(Status.EXPIRED)} Start router-policy run."


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessPhase:
    """What holds after a moment, exclusive, until the next phase begins; None: from the beginning."""

    after: datetime | None
    status: Status
    text: str

    @property
    def record(self) -> tuple[float | None, str, str]:
        """The phase for the scripts of the pages: seconds since the epoch, status, text."""
        return (self.after.timestamp() if self.after is not None else None), self.status.value, self.text


def phase_at(phases: Sequence[FreshnessPhase], now: datetime) -> FreshnessPhase:
    """Return the phase of a moment; the scripts of the pages choose it in the same way."""
    return next(phase for phase in reversed(phases) if phase.after is None or now > phase.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """How fresh the policies are, in words: `phases` in the order of time, the first without a beginning.

    `next_slot` is when the run after the newest is due, None before the first. `gaps` names the `gap_count` slots of
    the last day without a run, empty if there is none. `tag` changes when anything changes that a page may show, other
    than by time alone. `figures_at` is when the figures of orders were last computed, None if they never were.
    """

    phases: Sequence[FreshnessPhase]
    gaps: str
    gap_count: int
    slot: datetime | None
    next_slot: datetime | None
    now: datetime
    figures_at: datetime | None
    tag: str

    @property
    def status(self) -> Status:
        """The status now, which gives the banner its colour."""
        return phase_at(self.phases, self.now).status

    @property
    def text(self) -> str:
        """The text now."""
        return phase_at(self.phases, self.now).text


def banner_of(cache: PolicyCache, newest: LatestPolicies) -> Banner:
    """Return how fresh the policies are, and what to do if they are not. Raises as the store does."""
    with cache.store.reading() as connection:
        missed = recent_gaps(connection, cache.scope, newest.slot or newest.now)
        failed = failure_count(connection, cache.scope)
        empty = run_without_policies(connection, cache.scope) if newest.slot is None else ""
        figured = newest_day(connection, cache.scope)
    figures_at = figured.computed_at if figured is not None else None
    return Banner(
        phases=phases_of(cache.slots, newest.slot) if not empty else [_without_policies(empty)],
        gaps=gap_words(missed),
        gap_count=len(missed),
        slot=newest.slot,
        next_slot=cache.slots.next(newest.slot) if newest.slot is not None else None,
        now=newest.now,
        figures_at=figures_at,
        tag=tag_of(newest.tag, [(gap.slot, gap.state, gap.failure_count) for gap in missed], failed, figures_at),
    )


def _without_policies(why: str) -> FreshnessPhase:
    return FreshnessPhase(after=None, status=Status.MISSING, text=f"No policy: {why}.")


def phases_of(slots: Slots, newest: datetime | None) -> Sequence[FreshnessPhase]:
    """Return what holds from the newest slot on if no newer one is published; None: there is no run yet."""
    if newest is None:
        return (FreshnessPhase(after=None, status=Status.MISSING, text=_NO_RUN),)
    slot, due = f"the newest slot is {iso(newest)}", slots.next(newest)
    limits = limits_at(slots, newest)
    stale_at, expired_at = limits.bounds(newest)
    known = newest - limits.clock_tolerance - datetime.resolution
    waiting = f"Fresh: {slot}; the one that was due at {iso(due)} has no run yet."
    return (
        FreshnessPhase(
            after=None, status=Status.CLOCK_SKEW, text=f"Clock skew: {slot}, which is ahead of now. {_SKEW}"
        ),
        FreshnessPhase(after=known, status=Status.FRESH, text=f"Fresh: {slot}; the next is due at {iso(due)}."),
        FreshnessPhase(after=due, status=Status.FRESH, text=waiting),
        FreshnessPhase(after=stale_at, status=Status.STALE, text=f"Stale since {iso(stale_at)}: {slot}. {_STALE}"),
        FreshnessPhase(
            after=expired_at, status=Status.EXPIRED, text=f"Expired since {iso(expired_at)}: {slot}. {_EXPIRED}"
        ),
    )


def symbol_phases(banner: Banner, override: Override | None) -> Sequence[FreshnessPhase]:
    """Return what routers do with one symbol's policy, an empty text while they act on it: the banner's phases.

    An override holds until its own end, whatever the age of the policy beneath it.
    """
    computed = [
        FreshnessPhase(after=phase.after, status=phase.status, text=_of_policy(phase.status)) for phase in banner.phases
    ]
    if override is None:
        return computed
    end = override.until_at
    at_end = phase_at(computed, end)
    earlier, later = _split(computed, end)
    return [
        *(
            FreshnessPhase(after=phase.after, status=phase.status, text=_of_override(phase.status, end))
            for phase in earlier
        ),
        *(
            FreshnessPhase(
                after=phase.after, status=phase.status, text=f"The override ended at {iso(end)}. {phase.text}".strip()
            )
            for phase in (FreshnessPhase(after=end, status=at_end.status, text=at_end.text), *later)
        ),
    ]


def _split(
    phases: Sequence[FreshnessPhase], end: datetime
) -> tuple[Sequence[FreshnessPhase], Sequence[FreshnessPhase]]:
    """Return the phases that begin before a moment, and the others."""
    count = sum(phase.after is None or phase.after < end for phase in phases)
    return phases[:count], phases[count:]


def _of_policy(status: Status) -> str:
    return "" if status in (Status.FRESH, Status.MISSING) else f"{_capitalised(status)}: {WHAT_ROUTERS_DO[status]}."


def _of_override(status: Status, end: datetime) -> str:
    held = f"the override holds until its own end at {iso(end)}."
    return "" if status in (Status.FRESH, Status.MISSING) else f"{_capitalised(status)}: {held}"


def _capitalised(status: Status) -> str:
    return status.replace("_", " ").capitalize()
