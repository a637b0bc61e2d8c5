"""The check: everything that a run needs is tried, and nothing is written."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from jobs.analysis.findings import Finding, wrong
from jobs.analysis.holdout_findings import find_in_experiment
from jobs.analysis.source_findings import find_in_sources
from jobs.analysis.store_findings import find_in_store
from jobs.plan import Plan
from jobs.slots import Slots
from policy.errors import RouterPolicyError
from policy.time_text import iso


def check(plan: Plan, store_url: str, slots: Callable[[], Slots], as_of: datetime | None = None) -> list[Finding]:
    """Try the schedule, the store, the experiment and the sources, in this order; `slots` reads the cron expression.

    The sources are tried as of a time, by default now.

    What cannot be tried is a finding too: none of our errors is raised.
    """
    now = datetime.now(UTC)
    return [
        *_tried("schedule", lambda: _find_in_schedule(slots(), now)),
        *_tried("store", lambda: find_in_store(store_url, plan.scope)),
        *find_in_experiment(plan),
        *_tried("sources", lambda: find_in_sources(plan, as_of or now, now)),
    ]


def _tried(what: str, attempt: Callable[[], Iterator[Finding]]) -> list[Finding]:
    findings = []
    try:
        for finding in attempt():
            findings.append(finding)
    except RouterPolicyError as error:
        findings.append(wrong(what, str(error)))
    return findings


def _find_in_schedule(slots: Slots, now: datetime) -> Iterator[Finding]:
    first, second = (iso(slot) for slot in slots.following(now, 2))
    yield Finding(what="schedule", message=f"{slots.cron} in UTC; next at {first}, then at {second}")
