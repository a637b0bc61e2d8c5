"""The holdout in the client: which orders go the other way, which take no part, and what their log says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.experiment import assignment
from router_policy_client import Fallbacks, OrderLog, Quality, Reading, Status, TakerBias, decide, gate, is_held_out
from router_policy_client.cached_policy import StoredPolicy, observe
from router_policy_client.cached_policy import reading as read_cached
from router_policy_client.errors import UnreadableRowError
from router_policy_client.limits import Limits
from router_policy_client.order_log import order_row
from router_policy_client.router import route_order
from router_policy_client.rows import read_row
from tests.client.policies import SLOT, known, overridden, reading
from tests.client.reading import read_by_the_batch_job
from tests.client.routing import route, scripted
from tests.client.scripted import READING, Reader, order
from tests.client.test_rows import SQLITE as ROW

# Of o-1 to o-40 the hashes of `printf 'spring\0o-N' | sha256sum` are least for these: 0.0389, 0.1098 and 0.1107 of 1.
LEAST = ["o-37", "o-27", "o-12"]
OTHER = "o-25"  # 0.1434
HOLDOUT: dict[str, Any] = {"holdout_share": 0.12, "holdout_salt": "spring"}
TAKER: dict[str, Any] = {"maker_first": False, "taker_bias": TakerBias.PREFER_TAKER, "quality": Quality.BROKEN}


def test_the_orders_whose_ids_hash_below_the_share_are_held_out() -> None:
    ids = [f"o-{number}" for number in range(1, 41)]

    assert {id_ for id_ in ids if decide(reading(**HOLDOUT), order_id=id_).holdout} == set(LEAST)
    assert [id_ for id_ in LEAST if is_held_out(id_, "spring", 0.05)] == ["o-37"]


@given(st.text(), st.text(), st.floats(0, 1))
def test_the_service_and_the_client_hold_out_the_same_orders(order_id: str, salt: str, share: float) -> None:
    assert is_held_out(order_id, salt, share) is assignment.is_held_out(order_id, salt, share)


def test_while_the_policy_is_maker_a_held_out_order_goes_straight_to_taker() -> None:
    held_out, other = (decide(reading(**HOLDOUT), order_id=id_) for id_ in ("o-12", OTHER))

    assert (held_out.maker_first, held_out.patience, held_out.holdout, held_out.propensity) == (False, 0.0, True, 0.12)
    assert (other.maker_first, other.patience, other.holdout, other.propensity) == (True, 1.0, False, 0.88)


def test_while_the_policy_is_taker_a_held_out_order_goes_maker_first_with_the_full_wait() -> None:
    taker = reading(**TAKER, **HOLDOUT, maker_posts=4)
    held_out, other = (decide(taker, order_id=id_) for id_ in ("o-12", OTHER))

    assert (held_out.maker_first, held_out.patience, held_out.maker_posts) == (True, 1.0, 4)
    assert (held_out.holdout, held_out.propensity, held_out.probe) == (True, 0.12, False)
    assert (other.maker_first, other.patience, other.holdout, other.propensity) == (False, 0.0, False, 0.88)


@pytest.mark.parametrize("order_id", [*LEAST, OTHER])
@pytest.mark.parametrize(
    ("shown", "choice"),
    [
        ({}, {"maker_first": False}),
        ({}, {"may_hold_out": False}),
        ({}, {"order_id": None}),
        ({**TAKER, "probe_every": 5}, {}),
        ({**TAKER, "probe_share": 0.05}, {"can_split": True}),
    ],
)
def test_an_order_that_takes_no_part_goes_as_without_a_holdout(
    order_id: str, shown: dict[str, Any], choice: dict[str, Any]
) -> None:
    choice = {"order_id": order_id} | choice
    none = decide(reading(**shown), **choice)
    taking_no_part = decide(reading(**shown, **HOLDOUT), **choice)

    assert (taking_no_part.holdout, taking_no_part.propensity) == (None, 1.0)
    assert replace(taking_no_part, propensity=None, reading=none.reading) == none


def test_without_a_holdout_nothing_is_decided_or_left_in_the_context_that_was_not_before() -> None:
    context: dict[str, object] = {}

    gate(context, reading(), order_id="o-37")

    assert (decide(reading(), order_id="o-37").holdout, decide(reading(), order_id="o-37").propensity) == (None, None)
    assert "holdout" not in str(context)
    assert "propensity" not in str(context)


def test_the_gate_leaves_what_the_log_needs_in_the_context() -> None:
    context: dict[str, Any] = {}

    assert gate(context, reading(**HOLDOUT), order_id="o-37") is False
    assert (context["router_policy"]["holdout"], context["router_policy"]["propensity"]) == (True, 0.12)
    assert context["router_policy"]["maker_first"] is True  # the policy's


def seen(stored: StoredPolicy, age_seconds: float) -> Reading:
    limits = Limits(stale_seconds=1800.0, expired_seconds=7200.0, clock_tolerance_seconds=5.0)
    cached = observe(stored, None, SLOT.timestamp(), 0.0)
    return read_cached(cached, limits, Fallbacks(), SLOT.timestamp() + age_seconds, max(0.0, age_seconds))[0]


@pytest.mark.parametrize(
    ("age_seconds", "status", "share"),
    [
        (-6.0, Status.CLOCK_SKEW, None),
        (1800.0, Status.FRESH, 0.12),
        (1801.0, Status.STALE, None),
        (7201.0, Status.EXPIRED, None),
    ],
)
def test_only_a_fresh_policy_holds_orders_out(age_seconds: float, status: Status, share: float | None) -> None:
    result = seen(known(**HOLDOUT), age_seconds)

    assert (result.status, result.holdout_share) == (status, share)
    assert result.holdout_salt == (None if share is None else "spring")


def test_a_policy_after_an_override_holds_nothing_out_until_it_is_read_again() -> None:
    before, after = (seen(overridden(SLOT.replace(minute=25)), age_seconds) for age_seconds in (60.0, 900.0))

    assert (before.maker_first, before.holdout_share) == (False, None)
    assert (after.maker_first, after.holdout_share) == (True, None)


def test_a_row_of_a_service_without_the_columns_holds_nothing_out() -> None:
    assert (read_row(ROW).policy.holdout_share, read_row(ROW).policy.holdout_salt) == (None, None)


def test_a_row_has_the_share_and_the_salt() -> None:
    policy = read_row(ROW | HOLDOUT).policy

    assert (policy.holdout_share, policy.holdout_salt) == (0.12, "spring")


@pytest.mark.parametrize(
    ("fields", "column"),
    [
        ({"holdout_share": 1.5}, "holdout_share"),
        ({"holdout_share": 0.0}, "holdout_share"),
        ({"holdout_share": "much"}, "holdout_share"),
        ({"holdout_salt": None}, "holdout_salt"),
        ({"holdout_salt": 7}, "holdout_salt"),
    ],
)
def test_a_holdout_that_cannot_be_read_names_its_column(fields: dict[str, object], column: str) -> None:
    with pytest.raises(UnreadableRowError, match=column):
        read_row(ROW | HOLDOUT | fields)


def test_a_routed_order_goes_the_other_way_and_its_line_says_so(tmp_path: Path) -> None:
    log = OrderLog(tmp_path / "log.jsonl")
    policies = Reader(replace(READING, **HOLDOUT))
    for order_id in ("o-37", OTHER):
        venue, clock = scripted()
        route_order(order(order_id=order_id), venue, policies, log, clock=clock)

    other, held_out = read_by_the_batch_job(tmp_path / "log.jsonl", tmp_path)

    assert (held_out["order_id"], held_out["maker_started"], held_out["reason"]) == ("o-37", False, None)
    assert (held_out["holdout"], held_out["propensity"]) == (True, 0.12)
    assert (other["maker_started"], other["holdout"], other["propensity"], other["reason"]) == (True, False, 0.88, None)


def test_a_line_without_a_holdout_is_what_it_was() -> None:
    lines = []
    for shown in (READING, replace(READING, holdout_share=0.03, holdout_salt="spring")):  # the id's hash is 0.0398 of 1
        venue, clock = scripted()
        lines.append(order_row(route(venue, clock, shown)))
    without, with_holdout = lines

    assert {key: with_holdout[key] for key in with_holdout if key not in without} == {
        "holdout": False,
        "propensity": 0.97,
    }
    assert {key: with_holdout[key] for key in without} == without


def test_an_order_that_may_have_been_routed_before_takes_no_part() -> None:
    venue, clock = scripted()

    outcome = route(venue, clock, replace(READING, holdout_share=1.0, holdout_salt="spring"), resume_from=clock.now())

    assert (outcome.maker_started, outcome.gate.holdout, outcome.gate.propensity) == (True, None, 1.0)
