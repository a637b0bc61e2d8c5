"""Slots of cron expressions, in UTC."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.slots import CronError, Slots


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "now", "newest", "following"),
    [
        ("*/15 * * * *", "2026-04-26T00:14:59", "2026-04-26T00:00:00", "2026-04-26T00:15:00"),
        ("*/15 * * * *", "2026-04-26T00:15:00", "2026-04-26T00:15:00", "2026-04-26T00:30:00"),
        ("*/15 * * * *", "2026-04-26T00:15:00.000001", "2026-04-26T00:15:00", "2026-04-26T00:30:00"),
        ("0 * * * *", "2026-01-01T00:30:00", "2026-01-01T00:00:00", "2026-01-01T01:00:00"),
        ("30 2 * * *", "2026-03-29T02:00:00", "2026-03-28T02:30:00", "2026-03-29T02:30:00"),
        ("0 0 * * 0", "2026-04-29T12:00:00", "2026-04-26T00:00:00", "2026-05-03T00:00:00"),
        ("0 0 * * sun", "2026-04-29T12:00:00", "2026-04-26T00:00:00", "2026-05-03T00:00:00"),
        ("* * * * * */5", "2026-04-26T00:00:13", "2026-04-26T00:00:10", "2026-04-26T00:00:15"),
    ],
)
def test_the_newest_slot_and_the_next_are_on_either_side_of_now(
    cron: str, now: str, newest: str, following: str
) -> None:
    slots = Slots(cron)

    assert slots.newest(at(now)) == at(newest)
    assert slots.next(at(now)) == at(following)


def test_a_local_time_is_read_as_the_same_moment_in_utc() -> None:
    local = datetime(2026, 4, 26, 9, 20, tzinfo=timezone(timedelta(hours=9)))

    assert Slots("*/15 * * * *").newest(local) == at("2026-04-26T00:15:00")


def test_slots_between_leave_both_ends_out() -> None:
    between = Slots("*/15 * * * *").between(at("2026-04-26T00:00:00"), at("2026-04-26T01:00:00"))

    assert [slot.minute for slot in between] == [15, 30, 45]


def test_the_slots_that_follow_begin_after_the_time() -> None:
    following = Slots("0,5 * * * *").following(at("2026-04-26T00:05:00"), 3)

    assert following == [at("2026-04-26T01:00:00"), at("2026-04-26T01:05:00"), at("2026-04-26T02:00:00")]


@pytest.mark.parametrize(
    "text", ["", "* * * *", "61 * * * *", "hourly", "@hourly", "R * * * *", "H * * * *", "* * * * * * *", "a b c d e"]
)
def test_what_is_no_cron_expression_or_is_drawn_by_chance_is_refused(text: str) -> None:
    with pytest.raises(CronError, match=r"schedule\.cron"):
        Slots(text)


@pytest.mark.parametrize(
    ("text", "cron_range", "value"),
    [
        ("0 9-9 * * *", "9-9", "9"),
        ("0 9-09 * * *", "9-09", "9"),
        ("0 8,9-9/2 * * *", "9-9", "9"),
        ("0 9 * * Mon-mon", "Mon-mon", "Mon"),
        ("* * * * * 5-5", "5-5", "5"),
    ],
)
def test_a_range_of_one_value_is_refused_with_what_to_write(text: str, cron_range: str, value: str) -> None:
    with pytest.raises(CronError, match=rf"schedule\.cron: .* a range of one value, {cron_range}; write {value}$"):
        Slots(text)


def test_a_range_around_midnight_is_read() -> None:
    assert Slots("0 22-2 * * *").following(at("2026-04-26T21:00:00"), 6)[-2:] == [
        at("2026-04-27T02:00:00"),
        at("2026-04-27T22:00:00"),
    ]


@pytest.mark.parametrize("text", ["0 0 30 2 *", "*/15 * 31 4,6 *", "0 0 31 11 * */5"])
def test_a_time_that_never_comes_is_refused(text: str) -> None:
    with pytest.raises(CronError, match=r"schedule\.cron: .* has no slot"):
        Slots(text)


def test_a_time_that_comes_once_in_many_years_is_a_slot() -> None:
    assert Slots("0 0 29 2 *").next(at("2096-03-01T00:00:00")) == at("2104-02-29T00:00:00")


@given(
    st.sampled_from(["*/15 * * * *", "7 */3 * * *", "0 0 1 * *", "* * * * * */20"]),
    st.integers(min_value=0, max_value=2 * 365 * 86400),
)
def test_no_slot_lies_between_the_newest_and_the_next(cron: str, seconds: int) -> None:
    now, slots = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds), Slots(cron)

    newest, following = slots.newest(now), slots.next(now)

    assert newest <= now < following
    assert list(slots.between(newest, following)) == []
    assert slots.next(newest) == following
