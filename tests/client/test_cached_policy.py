"""What a known policy means at a moment: its age, its status, the fallback, the end of an override."""

from dataclasses import replace
from datetime import timedelta
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router_policy_client import Fallback, Fallbacks, Quality, ReaderSettingsError, Reading, Status, TakerBias
from router_policy_client.cached_policy import StoredPolicy, observe, reading
from router_policy_client.limits import Limits
from tests.client.policies import POLICY, SLOT, known, overridden, policy

LIMITS = Limits(stale_seconds=1800.0, expired_seconds=7200.0, clock_tolerance_seconds=5.0)
AT = SLOT.timestamp()


def read(stored: StoredPolicy, age: float, fallbacks: Fallbacks | None = None) -> Reading:
    """Read at an age what was first cached at its slot."""
    return reading(observe(stored, None, AT, 0.0), LIMITS, fallbacks or Fallbacks(), AT + age, max(0.0, age))[0]


@pytest.mark.parametrize(
    ("age", "status"),
    [
        (-6.0, Status.CLOCK_SKEW),
        (0.0, Status.FRESH),
        (1800.0, Status.FRESH),
        (1801.0, Status.STALE),
        (7200.0, Status.STALE),
        (7201.0, Status.EXPIRED),
        (1e9, Status.EXPIRED),
    ],
)
def test_the_status_is_the_ages(age: float, status: Status) -> None:
    result = read(known(), age)

    assert (result.status, result.age_seconds) == (status, age)
    assert (result.run_id, result.slot, result.policy) == (7, SLOT, POLICY)


@pytest.mark.parametrize(("by_wall", "status", "age"), [(-5.0, Status.FRESH, 0.0), (-5.5, Status.CLOCK_SKEW, -5.5)])
def test_a_slot_a_little_in_the_future_counts_as_now(by_wall: float, status: Status, age: float) -> None:
    result, _ = reading(observe(known(), None, AT + by_wall, 0.0), LIMITS, Fallbacks(), AT + by_wall, 0.0)

    assert (result.status, result.age_seconds) == (status, age)


def test_a_policy_seen_by_a_clock_that_was_behind_grows_older_from_then() -> None:
    cached = observe(known(), None, AT - 3600.0, 0.0)

    result, _ = reading(cached, LIMITS, Fallbacks(), AT + 96.0, 3696.0)

    assert (result.status, result.age_seconds) == (Status.STALE, 3696.0)


@pytest.mark.parametrize("set_to", [-5.0, -3.0, 0.0, 1.0])
def test_a_clock_that_is_set_back_to_the_slot_makes_an_expired_policy_no_fresher(set_to: float) -> None:
    cached = observe(known(), None, AT + 8000.0, 0.0)

    result, _ = reading(cached, LIMITS, Fallbacks(), AT + set_to, 10.0)

    assert (result.status, result.age_seconds) == (Status.EXPIRED, 8010.0)


def test_an_age_that_is_no_number_is_expired() -> None:
    assert LIMITS.status_at(nan) == LIMITS.status_at(inf) == (Status.EXPIRED, inf)


def test_a_stale_policy_is_still_acted_on() -> None:
    assert (read(known(), 1801.0).maker_first, read(known(), 1801.0).taker_bias) == (True, TakerBias.PREFER_MAKER)


@pytest.mark.parametrize("age", [7201.0, -6.0])
def test_a_policy_that_cannot_be_trusted_is_taken_for_a_degraded_router(age: float) -> None:
    result = read(known(maker_first=False, probe_every=5, maker_posts=4, probe_share=0.05), age)

    assert (result.maker_first, result.taker_bias, result.quality) == (True, TakerBias.PREFER_TAKER, Quality.DEGRADED)
    assert (result.regime, result.maker_offset_bps, result.probe_every) == ("unknown", None, None)
    assert (result.maker_posts, result.probe_share) == (1, None)
    assert "2026-04-26T00:15:00+00:00" in result.reason


@pytest.mark.parametrize(("field", "age"), [("stale", 1801.0), ("expired", 7201.0), ("clock_skew", -6.0)])
def test_each_status_has_a_fallback_that_can_be_set(field: str, age: float) -> None:
    own = Fallback(maker_first=False, taker_bias=TakerBias.BALANCED, quality=Quality.BROKEN)
    fields: dict[str, Any] = {field: own}

    result = read(known(), age, Fallbacks(**fields))

    assert (result.maker_first, result.taker_bias, result.quality) == (False, TakerBias.BALANCED, Quality.BROKEN)


def test_an_override_ends_by_itself_at_its_time() -> None:
    stored = overridden(SLOT + timedelta(seconds=60))

    assert (read(stored, 59.999).maker_first, read(stored, 59.999).policy) == (False, stored.policy)
    assert (read(stored, 60.0).maker_first, read(stored, 60.0).policy) == (True, POLICY)


@pytest.mark.parametrize("set_by", [-600.0, 600.0])
def test_a_clock_that_is_set_neither_ends_an_override_nor_brings_it_back(set_by: float) -> None:
    cached = observe(overridden(SLOT + timedelta(seconds=60)), None, AT, 0.0)

    before, _ = reading(cached, LIMITS, Fallbacks(), AT + 59.0 + set_by, 59.0)
    after, _ = reading(cached, LIMITS, Fallbacks(), AT + 61.0 + set_by, 61.0)

    assert (before.maker_first, after.maker_first) == (False, True)


def test_an_override_that_the_store_has_in_force_lasts_a_moment_though_this_clock_is_ahead() -> None:
    cached = observe(overridden(SLOT + timedelta(seconds=60)), None, AT + 61.0, 0.0, at_least_seconds=0.25)

    assert [reading(cached, LIMITS, Fallbacks(), AT + 61.0 + t, t)[0].maker_first for t in (0.0, 0.24, 0.25)] == [
        *(False, False, True),
    ]


def test_the_reason_of_an_overridden_policy_says_that_it_is_overridden() -> None:
    stored = overridden(SLOT + timedelta(seconds=60))

    assert read(stored, 59.0).reason == "a person's override is in force; the computed policy: maker orders fill"
    assert read(stored, 60.0).reason == "maker orders fill"


@pytest.mark.parametrize(("age", "maker_first"), [(8000.0, False), (9000.0, True)])
def test_an_override_is_acted_on_to_its_end_however_old_the_run_is(age: float, maker_first: bool) -> None:
    result = read(overridden(SLOT + timedelta(seconds=9000)), age)

    assert (result.status, result.maker_first) == (Status.EXPIRED, maker_first)


@pytest.mark.parametrize(
    ("stored", "age", "changes_at"),
    [
        (known(), 100.0, 1800.0),
        (known(), 1900.0, 7200.0),
        (known(), 7300.0, inf),
        (known(), -100.0, -5.0),
        (overridden(SLOT + timedelta(seconds=700)), 100.0, 700.0),
        (overridden(SLOT + timedelta(seconds=700)), 800.0, 1800.0),
        (overridden(SLOT + timedelta(seconds=5000)), 100.0, 1800.0),
    ],
)
def test_a_reading_says_until_when_it_holds(stored: StoredPolicy, age: float, changes_at: float) -> None:
    cached = observe(stored, None, AT, 0.0)

    _, lasting = reading(cached, LIMITS, Fallbacks(), AT + age, max(0.0, age))

    assert age + lasting == pytest.approx(changes_at)


@given(seen_at=st.floats(0, 1e5), passed=st.floats(0, 1e5), set_back=st.floats(0, 1e6))
def test_a_clock_that_is_set_back_makes_nothing_fresh_again(seen_at: float, passed: float, set_back: float) -> None:
    cached = observe(known(), None, AT + seen_at, 50.0)

    result, _ = reading(cached, LIMITS, Fallbacks(), AT + seen_at + passed - set_back, 50.0 + passed)

    rank = {Status.FRESH: 0, Status.STALE: 1, Status.EXPIRED: 2, Status.CLOCK_SKEW: 2}
    assert rank[result.status] >= rank[LIMITS.status_at(seen_at + passed - 1e-6)[0]]


def test_a_run_that_is_read_again_does_not_become_younger() -> None:
    first = observe(known(), None, AT + 8000, 0.0)

    again = observe(overridden(SLOT + timedelta(days=1)), first, AT + 10, 20.0)
    another = observe(known(run_id=8), first, AT + 10, 20.0)

    assert again.age_seconds(AT + 10, 20.0, 5.0) == 8020.0
    assert another.age_seconds(AT + 10, 20.0, 5.0) == 10.0


@pytest.mark.parametrize(
    "fields",
    [
        {"stale_seconds": 0.0},
        {"stale_seconds": 9000.0},
        {"stale_seconds": nan},
        {"expired_seconds": inf},
        {"clock_tolerance_seconds": -1.0},
    ],
)
def test_limits_that_make_no_sense_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ReaderSettingsError, match="stale before it expires"):
        replace(LIMITS, **fields)


def test_a_policy_is_the_same_whoever_makes_it() -> None:
    assert policy() == POLICY
