"""Up to which age a policy is fresh and usable, by the slots of its schedule."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.analysis.health import limits_at
from jobs.slots import Slots
from policy.freshness import Status, judge_freshness

DAY = datetime(2026, 4, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "slot", "stale", "expired"),
    [
        # stale after the second slot that follows, expired after the eighth
        ("*/15 * * * *", "0 00:00", "0 00:30", "0 02:00"),
        ("0,5 * * * *", "0 00:00", "0 01:00", "0 04:00"),
        ("0,5 * * * *", "0 00:05", "0 01:05", "0 04:05"),
        ("0 0,1 * * *", "0 01:00", "1 01:00", "4 01:00"),
        ("*/15 8-20 * * *", "0 20:30", "1 08:00", "1 09:30"),
        ("*/15 8-20 * * *", "0 20:45", "1 08:15", "1 09:45"),
        # no slots of their own: two and eight of the shortest time between slots
        ("0 * * * *", "0 00:15", "0 02:15", "0 08:15"),
        ("*/15 * * * *", "0 00:14", "0 00:44", "0 02:14"),
    ],
)
def test_limits_count_the_slots_that_follow(cron: str, slot: str, stale: str, expired: str) -> None:
    limits = limits_at(Slots(cron), at(slot))

    assert (at(slot) + limits.stale_after, at(slot) + limits.expired_after) == (at(stale), at(expired))


@given(
    st.sampled_from(["0,5 * * * *", "*/15 8-20 * * *", "0 0,1 * * *", "30 9 * * 1-5", "0 0 29 2 *"]),
    st.integers(min_value=0, max_value=366 * 86400),
)
def test_a_schedule_that_is_kept_leaves_no_policy_stale(cron: str, seconds: int) -> None:
    now, slots = DAY + timedelta(seconds=seconds), Slots(cron)
    newest = slots.newest(now)

    assert judge_freshness(newest, now, limits_at(slots, newest)).status is Status.FRESH


def at(text: str) -> datetime:
    day, clock = text.split()
    return datetime.combine(DAY + timedelta(days=int(day)), time.fromisoformat(clock), UTC)
