"""The rules of a venue's markets, asked of venues that know them, do not know them, and answer nonsense."""

from decimal import Decimal
from typing import Any

import pytest

from router_policy_client.market_rules import MarketRules
from router_policy_client.order import Side
from router_policy_client.venue import VenueTimeoutError
from tests.client.routing import market, scripted
from tests.client.scripted import ScriptedVenue

PRICE = Decimal(100)


class Answering(ScriptedVenue):
    """A venue that answers every question about its rules with the same, or raises it."""

    answer: Any = None

    def on_tick(self, *_: object) -> Any:
        return self._say()

    def tradable(self, *_: object) -> Any:
        return self._say()

    def _say(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def answering(answer: Any) -> MarketRules:
    venue = Answering(scripted()[1])
    venue.answer = answer
    return MarketRules(venue, "BTCUSDT")


def test_known_rules_say_where_an_order_rests_and_what_is_accepted() -> None:
    rules = MarketRules(market()[0], "BTCUSDT")

    assert rules.on_tick(Side.BUY, Decimal("99.957")) == Decimal("99.95")
    assert [rules.may_accept(Decimal(size), PRICE) for size in ("0.05", "0.04", "0.055")] == [True, False, False]


@pytest.mark.parametrize(
    ("quantity", "share", "sliver"),
    [("2", 0.05, "0.10"), ("1.19", 0.05, "0.05"), ("0.99", 0.05, "0"), ("2", 0.98, "0"), ("2", 1.0, "2")],
)
def test_a_sliver_is_a_share_in_whole_steps_and_neither_part_is_too_small(
    quantity: str, share: float, sliver: str
) -> None:
    assert MarketRules(market()[0], "BTCUSDT").sliver(Decimal(quantity), share, PRICE) == Decimal(sliver)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        100.0,
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal(-1),
        VenueTimeoutError("no answer"),
        RuntimeError("bug"),
    ],
)
def test_rules_that_a_venue_does_not_tell_are_unknown(answer: Any) -> None:
    for rules in (answering(answer), MarketRules(scripted()[0], "BTCUSDT")):
        assert rules.on_tick(Side.BUY, PRICE) is None
        assert rules.may_accept(Decimal("0.001"), PRICE)
        assert rules.sliver(Decimal(2), 0.05, PRICE) == 0
        assert rules.sliver(Decimal(2), 1.0, PRICE) == 2


def test_more_than_was_asked_for_is_no_answer() -> None:
    assert answering(Decimal(3)).sliver(Decimal(2), 0.05, PRICE) == 0
