"""The evidence of an outage as text: what is read is what was written."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.outage_evidence import FillCount, OutageEvidence, WeighedOrder
from policy.outage_text import outage_from_text, outage_to_text

ORDERS = st.builds(
    WeighedOrder,
    symbol=st.text(min_size=1, max_size=8),
    order_id=st.none() | st.text(max_size=8),
    ended_at=st.datetimes(timezones=st.just(UTC)),
    went_through=st.sampled_from((True, False, None)),
    is_filled=st.booleans(),
    so_far=st.builds(FillCount, order_count=st.integers(0, 10**9), fill_count=st.integers(0, 10**9)),
)
OUTAGES = st.builds(
    OutageEvidence,
    sum_before=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    newest_orders=st.lists(ORDERS, max_size=3).map(tuple),
    order_count=st.integers(0, 10**9),
    filled_probe_streak=st.integers(0, 9),
)


@given(outage=OUTAGES)
def test_what_is_read_is_what_was_written(outage: OutageEvidence) -> None:
    assert outage_from_text(outage_to_text(outage)) == outage


def test_the_text_is_plain_json_with_one_object_an_order() -> None:
    order = WeighedOrder(
        symbol="BTCUSDT",
        order_id="o1",
        ended_at=datetime(2026, 4, 26, tzinfo=UTC),
        went_through=True,
        is_filled=False,
        so_far=FillCount(order_count=75, fill_count=74),
    )

    assert outage_to_text(OutageEvidence(sum_before=-1.5, newest_orders=(order,), order_count=9)) == (
        '{"filled_probe_streak":0,"newest_orders":[{"ended_at":"2026-04-26T00:00:00+00:00","fill_count_so_far":74,'
        '"is_filled":false,"order_count_so_far":75,"order_id":"o1","symbol":"BTCUSDT","went_through":true}],'
        '"order_count":9,"sum_before":-1.5}'
    )


def test_a_sum_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        outage_to_text(OutageEvidence(sum_before=float("-inf")))
