"""The gate: the router's wish and the policy together, the patience that the bias means, and the probes."""

from collections.abc import Iterator, MutableMapping
from types import MappingProxyType
from typing import Any, cast

import pytest

from router_policy_client import Quality, Status, TakerBias, decide, gate, is_probe
from tests.client.policies import reading

# The first 16 digits that `printf o-N | sha256sum` prints, as a number, can be divided by 5 for these of twenty.
PROBES_OF_FIVE = ["o-9", "o-11", "o-15", "o-16", "o-20"]


@pytest.mark.parametrize(
    ("wish", "policy", "expected"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_maker_first_needs_the_router_and_the_policy(wish: bool, policy: bool, expected: bool) -> None:
    assert decide(reading(maker_first=policy), maker_first=wish).maker_first is expected
    assert gate({"maker_first": wish}, reading(maker_first=policy)) is expected


@pytest.mark.parametrize(
    ("bias", "patience"),
    [(TakerBias.PREFER_MAKER, 1.0), (TakerBias.BALANCED, 0.5), (TakerBias.PREFER_TAKER, 0.25)],
)
def test_the_bias_is_how_much_of_the_wait_is_waited(bias: TakerBias, patience: float) -> None:
    assert decide(reading(taker_bias=bias)).patience == patience
    assert decide(reading(taker_bias=bias, maker_first=False)).patience == 0.0


def test_without_a_wish_of_its_own_the_router_wants_maker_first() -> None:
    assert gate({}, reading()) is True


def test_what_was_decided_on_is_left_in_the_context() -> None:
    context: dict[str, object] = {"maker_first": False, "other": 1}

    gate(context, reading(quality=Quality.OK, taker_bias=TakerBias.BALANCED, status=Status.STALE, age_seconds=2000.0))

    assert context == {
        "maker_first": False,
        "other": 1,
        "router_policy": {
            "quality": "ok",
            "taker_bias": "balanced",
            "maker_first": True,
            "status": "stale",
            "age_seconds": 2000.0,
            "run_id": 7,
            "patience": 0.0,
            "maker_posts": 1,
            "probe": False,
        },
    }


def test_the_orders_that_the_policy_asks_for_go_out_as_probes_with_half_the_wait() -> None:
    closed = reading(maker_first=False, taker_bias=TakerBias.PREFER_TAKER, probe_every=5)
    orders = [f"o-{number}" for number in range(1, 21)]

    decided = {order: decide(closed, order_id=order) for order in orders}

    assert [order for order in orders if decided[order].probe] == PROBES_OF_FIVE
    assert {decision.patience for decision in decided.values() if decision.maker_first} == {0.5}
    assert all(decision.probe == decision.maker_first for decision in decided.values())


@pytest.mark.parametrize(
    "fields", [{"maker_first": True, "probe_every": 1}, {"maker_first": False, "probe_every": None}]
)
def test_nothing_is_a_probe_where_the_policy_says_maker_first_or_asks_for_none(fields: dict[str, Any]) -> None:
    assert decide(reading(**fields), order_id="o-4").probe is False


def test_a_probe_needs_an_order_id_and_a_router_that_wants_maker_first() -> None:
    closed = reading(maker_first=False, probe_every=1)

    assert decide(closed).maker_first is False
    assert decide(closed, maker_first=False, order_id="o-4").maker_first is False
    assert gate({}, closed, order_id="o-4") is True


def test_every_order_is_a_probe_of_one_and_none_of_zero() -> None:
    assert all(is_probe(f"o-{number}", 1) for number in range(100))
    assert not any(is_probe(f"o-{number}", 0) for number in range(100))


def test_every_order_sends_a_sliver_with_the_full_wait_while_the_policy_is_taker_if_it_can_be_split() -> None:
    closed = reading(maker_first=False, taker_bias=TakerBias.PREFER_TAKER, probe_share=0.05, maker_posts=4)

    split, whole = decide(closed, can_split=True), decide(closed)

    assert (split.maker_first, split.probe, split.patience, split.maker_share) == (True, True, 1.0, 0.05)
    assert split.maker_posts == 1
    assert (whole.maker_first, whole.probe, whole.patience, whole.maker_share) == (False, False, 0.0, 1.0)


def test_an_order_that_cannot_be_split_is_a_whole_probe_if_its_id_is_chosen() -> None:
    closed = reading(maker_first=False, probe_share=0.05, probe_every=5)

    decided = {order: decide(closed, order_id=order) for order in ("o-8", "o-9")}

    assert [(decision.probe, decision.patience, decision.maker_share) for decision in decided.values()] == [
        (False, 0.0, 1.0),
        (True, 0.5, 1.0),
    ]


@pytest.mark.parametrize("fields", [{"maker_first": True}, {"maker_first": False, "probe_share": None}])
def test_no_sliver_is_sent_where_the_policy_says_maker_first_or_asks_for_none(fields: dict[str, Any]) -> None:
    decision = decide(reading(**{"probe_share": 0.05, **fields}), can_split=True)

    assert (decision.probe, decision.maker_share) == (False, 1.0)


def test_no_sliver_is_sent_for_a_router_that_wants_taker() -> None:
    closed = reading(maker_first=False, probe_share=0.05)

    assert decide(closed, maker_first=False, can_split=True).maker_first is False


def test_the_full_wait_has_as_many_posts_as_the_policy_says_but_a_probe_has_one() -> None:
    assert decide(reading(maker_posts=4)).maker_posts == 4
    assert decide(reading(maker_posts=4, taker_bias=TakerBias.PREFER_TAKER)).maker_posts == 4
    assert decide(reading(maker_first=False, probe_every=1, maker_posts=4), order_id="o-4").maker_posts == 1


def test_about_one_order_of_n_is_a_probe() -> None:
    probes = sum(is_probe(f"o-{number}", 5) for number in range(10_000))

    assert 1_800 < probes < 2_200


class Undecided:
    def __bool__(self) -> bool:
        raise ValueError("neither true nor false")


class Unreadable(MutableMapping[str, object]):
    """A context that raises whatever is done with it."""

    def _refuse(self, *_: object) -> Any:
        raise RuntimeError("no")

    __getitem__ = __setitem__ = __delitem__ = _refuse

    def __iter__(self) -> Iterator[str]:
        return cast(Iterator[str], self._refuse())

    def __len__(self) -> int:
        return cast(int, self._refuse())


@pytest.mark.parametrize(
    ("context", "order_id"),
    [
        ({"maker_first": Undecided()}, None),
        (Unreadable(), None),
        (MappingProxyType({}), "o-1"),
        ({}, 4),
        ({}, "\ud800"),
    ],
)
def test_the_gate_never_raises(context: Any, order_id: Any) -> None:
    assert gate(context, reading(), order_id=order_id) is True
    assert gate(context, reading(maker_first=False, probe_every=10**9), order_id=order_id) is False
