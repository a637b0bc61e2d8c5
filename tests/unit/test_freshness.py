"""How old a policy is, and what that means."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.freshness import Freshness, FreshnessLimits, Status, judge_freshness

SLOT = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
LIMITS = FreshnessLimits(stale_after=timedelta(minutes=30), expired_after=timedelta(hours=2))
WORST_LAST = (Status.FRESH, Status.STALE, Status.EXPIRED)


@pytest.mark.parametrize(
    ("age_seconds", "status"),
    [
        (0, "fresh"),
        (1800, "fresh"),  # half an hour
        (1800.001, "stale"),
        (7200, "stale"),  # two hours
        (7200.001, "expired"),
        (10**9, "expired"),
        (-0.001, "fresh"),
        (-5, "fresh"),  # what clocks may differ by
        (-5.001, "clock_skew"),
        (-(10**9), "clock_skew"),
    ],
)
def test_the_age_decides_the_status(age_seconds: float, status: str) -> None:
    judged = judge_freshness(SLOT, SLOT + timedelta(seconds=age_seconds), LIMITS)

    assert judged == Freshness(status=Status(status), slot=SLOT, age_seconds=age_seconds)


def test_without_a_policy_there_is_neither_slot_nor_age() -> None:
    assert judge_freshness(None, SLOT, LIMITS) == Freshness(status=Status.MISSING, slot=None, age_seconds=None)


@pytest.mark.parametrize(("slot", "now"), [(SLOT.replace(tzinfo=None), SLOT), (SLOT, SLOT.replace(tzinfo=None))])
def test_a_time_without_a_zone_is_refused(slot: datetime, now: datetime) -> None:
    with pytest.raises(TypeError, match="offset-naive and offset-aware"):
        judge_freshness(slot, now, LIMITS)


@given(
    first=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)),
    more=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)),
)
def test_a_policy_never_becomes_fresher_with_time(first: timedelta, more: timedelta) -> None:
    earlier, later = (judge_freshness(SLOT, SLOT + age, LIMITS).status for age in (first, first + more))

    assert WORST_LAST.index(earlier) <= WORST_LAST.index(later)


def test_the_bounds_of_a_slot_are_the_last_times_at_which_it_is_fresh_and_usable() -> None:
    stale_at, expired_at = LIMITS.bounds(SLOT)

    assert (stale_at, expired_at) == (
        datetime(2026, 4, 26, 0, 45, tzinfo=UTC),
        datetime(2026, 4, 26, 2, 15, tzinfo=UTC),
    )
    assert judge_freshness(SLOT, stale_at, LIMITS).status is Status.FRESH
    assert judge_freshness(SLOT, expired_at, LIMITS).status is Status.STALE
