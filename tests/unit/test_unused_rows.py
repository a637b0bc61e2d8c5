"""A source of which most rows are lost has a note, for whatever reasons; rows rightly left out are not lost."""

import pytest

from jobs.engines.source_notes import events_only_note, timeless_rows_note, unused_rows_note
from policy.reject import Reject


def rejects(**counts: int) -> list[Reject]:
    """Rejected rows of orders, and always a thousand of candles, which are never counted among them."""
    orders = [Reject(source="orders", reason=reason, reject_count=n, sample="x") for reason, n in counts.items()]
    return [*orders, Reject(source="candles", reason="impossible_bar", reject_count=1000, sample="x")]


@pytest.mark.parametrize(
    ("counts", "used", "has_note"),
    [
        ({"unknown_fill": 10}, 10, False),  # half is not most
        ({"unknown_fill": 11}, 10, True),
        ({"unknown_fill": 6, "zero_fill": 5}, 10, True),  # eleven, together
        ({"unknown_fill": 1}, 0, True),
        ({"not_an_order": 900, "duplicate_id": 900, "open_order": 900}, 10, False),
        ({"not_json": 900, "bad_row": 900, "bad_time": 900}, 10, False),  # of another year, perhaps
        ({}, 0, False),
    ],
)
def test_rows_are_missed_if_more_are_lost_than_used(counts: dict[str, int], used: int, has_note: bool) -> None:
    assert bool(unused_rows_note("orders", rejects(**counts), used)) is has_note


def test_the_note_has_the_share_and_the_remedy_of_the_most_frequent_reason() -> None:
    (note,) = unused_rows_note("orders", rejects(zero_fill=7, sentinel_slippage=5, duplicate_id=100), 4)

    assert note == (
        "orders: 12 of 16 rows (75%) are not used, so no figure can be trusted; most are zero_fill: "
        "write null as the price of an order that was not filled"
    )


@pytest.mark.parametrize(("counts", "used", "has_note"), [({"bad_time": 10}, 10, False), ({"bad_time": 11}, 10, True)])
def test_rows_without_a_time_are_a_note_of_their_own(counts: dict[str, int], used: int, has_note: bool) -> None:
    notes = timeless_rows_note("orders", rejects(unknown_fill=500, **counts), used)

    assert bool(notes) is has_note
    assert notes == () or notes[0] == (
        "orders: 11 rows, of which no time is known, may lie in the window, of which 10 rows are used; most are "
        "bad_time: write ts in ISO 8601, or as a number since 1970"
    )


@pytest.mark.parametrize(
    ("counts", "used", "has_note"),
    [({"not_an_order": 3}, 0, True), ({"not_an_order": 3}, 1, False), ({"duplicate_id": 3}, 0, False), ({}, 0, False)],
)
def test_a_log_of_events_only_is_a_note(counts: dict[str, int], used: int, has_note: bool) -> None:
    notes = events_only_note(rejects(**counts), used)

    assert bool(notes) is has_note
    assert notes == () or notes[0] == (
        "orders: no order counts, and 3 lines are read as events, since they have the key event, or neither prices nor "
        "result; if they are orders, log them without event"
    )
