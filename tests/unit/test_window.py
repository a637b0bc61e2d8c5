"""Which moments a run may see."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from policy.window import Window

AS_OF = datetime(2026, 4, 26, 0, 5, tzinfo=UTC)


def test_outcomes_are_looked_for_from_seven_days_before() -> None:
    assert Window(as_of=AS_OF).start == datetime(2026, 4, 19, 0, 5, tzinfo=UTC)


def test_the_last_bar_has_closed_by_the_slot() -> None:
    window = Window(as_of=AS_OF, bar_interval=timedelta(minutes=15))

    assert window.last_bar_open == datetime(2026, 4, 25, 23, 50, tzinfo=UTC)


def test_bars_are_looked_for_a_thousand_intervals_back() -> None:
    window = Window(as_of=AS_OF, bar_interval=timedelta(minutes=15))

    assert window.first_bar_open == AS_OF - timedelta(minutes=15_000)


def test_another_zone_is_the_same_moment_in_utc() -> None:
    window = Window(as_of=datetime(2026, 4, 26, 9, 5, tzinfo=timezone(timedelta(hours=9))))

    assert window.as_of == AS_OF
    assert window.as_of.utcoffset() == timedelta(0)
    assert window == Window(as_of=AS_OF)


def test_a_slot_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"as_of must have a time zone, was 2026-04-26T00:05:00"):
        Window(as_of=datetime(2026, 4, 26, 0, 5))  # noqa: DTZ001  # the very mistake


def test_without_candles_there_are_no_bars_to_look_for() -> None:
    with pytest.raises(ValueError, match="this run has no candles"):
        _ = Window(as_of=AS_OF).last_bar_open
