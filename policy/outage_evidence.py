"""The evidence of an outage: how much one maker order speaks for it, and the Shiryaev-Roberts sum of many.

That an order missed says little: the price may have gone away. That the market traded through its price and it did not
fill says much. So the increment of an order is the logarithm of how likely its result is in an outage over how likely
it is in normal operation, by what the market did at its price. The sum is the logarithm of the Shiryaev-Roberts
statistic, R(n) = (1 + R(n - 1)) * exp(x(n)), which weighs every order at which an outage may have begun. If the rates
of normal operation are right, a sum of h is reached by chance once in exp(h) orders (Shin, Ramdas and Rinaldo, 2022).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from math import exp, inf, log, log1p

from policy.numbers import round_metric


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageParameters:
    """What is assumed of an outage, and of the normal fill ratios before orders have shown them.

    `outage_fill_probability` is how likely an order fills in an outage although the market trades through its price.
    Of the orders that the market traded through, `prior_through_misses` of `prior_through_orders` are added to the miss
    ratio, which is at least `lowest_through_miss_ratio`. Of the others, `prior_other_fills` of `prior_other_orders` are
    added to the fill ratio, which is at least `lowest_other_fill_ratio`. Both are at most `highest_ratio`.
    """

    outage_fill_probability: float = 0.03
    prior_through_misses: float = 1.0
    prior_through_orders: float = 25.0
    lowest_through_miss_ratio: float = 0.01
    prior_other_fills: float = 2.0
    prior_other_orders: float = 5.0
    lowest_other_fill_ratio: float = 0.05
    highest_ratio: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class FillCount:
    """How many maker orders of one symbol there were so far, of one kind, and how many of these filled.

    The kinds are those of `went_through`: the market traded through the price, it did not, it is not known. Each has
    its own ratio, so the orders from before a log recorded it do not mix with those after.
    """

    order_count: int = 0
    fill_count: int = 0


def normal_fill_probability(went_through: bool | None, so_far: FillCount, parameters: OutageParameters) -> float:
    """Return how likely an order of this kind fills in normal operation, by the orders of its kind before it."""
    if went_through:
        miss_count = so_far.order_count - so_far.fill_count
        misses, orders = (
            miss_count + parameters.prior_through_misses,
            so_far.order_count + parameters.prior_through_orders,
        )
        return 1 - _between(parameters.lowest_through_miss_ratio, misses / orders, parameters.highest_ratio)
    fills, orders = so_far.fill_count + parameters.prior_other_fills, so_far.order_count + parameters.prior_other_orders
    return _between(parameters.lowest_other_fill_ratio, fills / orders, parameters.highest_ratio)


def _between(lowest: float, ratio: float, highest: float) -> float:
    return max(lowest, min(highest, ratio))


LOWEST_OTHER_FILL_PROBABILITY = 0.01


def increment(went_through: bool | None, normal_fill: float, parameters: OutageParameters, *, is_filled: bool) -> float:
    """Return how much an order speaks for an outage, negative if it speaks against one.

    `went_through` is whether the market traded through the maker price while the order rested there, None if it is not
    known; `normal_fill` is the fill probability of its kind in normal operation, more than 0 and less than 1. If the
    market did not trade through the price, or it is not known, an outage leaves `outage_fill_probability` of those
    fills.
    """
    in_outage = parameters.outage_fill_probability
    if went_through:
        return log(in_outage / normal_fill) if is_filled else log((1 - in_outage) / (1 - normal_fill))
    if is_filled:
        return log(max(in_outage * normal_fill, LOWEST_OTHER_FILL_PROBABILITY) / normal_fill)
    return log((1 - in_outage / 2) / (1 - normal_fill))


def next_sum(sum_before: float, order_increment: float) -> float:
    """Return the sum after one more order: log(1 + exp(S)) + x. The sum before the first order is minus infinity."""
    return max(sum_before, 0.0) + log1p(exp(-abs(sum_before))) + order_increment


def outage_sum(increments: Iterable[float], start: float = -inf) -> float:
    """Return the sum of orders in the order in which they ended, after those of the sum `start`; that without any."""
    total = start
    for order_increment in increments:
        total = next_sum(total, order_increment)
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedOrder:
    """One maker order that is part of a sum: what the market did, whether it filled, and its kind's fills before it.

    `ended_at` is when the order was done; `order_id` is None if the log has none.
    """

    symbol: str
    order_id: str | None
    ended_at: datetime
    went_through: bool | None
    is_filled: bool
    so_far: FillCount

    def increment(self, parameters: OutageParameters) -> float:
        """Return how much the order speaks for an outage."""
        normal_fill = normal_fill_probability(self.went_through, self.so_far, parameters)
        return increment(self.went_through, normal_fill, parameters, is_filled=self.is_filled)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageEvidence:
    """The evidence of an outage of one symbol, or of the scope's pool, as of one slot.

    It is of the maker orders since the breaker last closed: `order_count` of them, of which `sum_before` is the sum
    without the `newest_orders`, oldest first; None without any. While the sum is below 0, all orders are in
    `sum_before`. `filled_probe_streak` is how many maker orders since the breaker opened filled in a row, at most; 0
    while it is closed.
    """

    sum_before: float | None = None
    newest_orders: tuple[WeighedOrder, ...] = ()
    order_count: int = 0
    filled_probe_streak: int = 0

    def outage_sum(self, parameters: OutageParameters) -> float | None:
        """Return the sum of all orders, rounded to 9 decimals; None without orders."""
        if not self.newest_orders:
            return round_metric(self.sum_before)
        increments = [order.increment(parameters) for order in self.newest_orders]
        return round_metric(outage_sum(increments, -inf if self.sum_before is None else self.sum_before))


class OutageSums:
    """The sums of evidence by the same parameters; that of a pool, which the symbols of a run share, is taken once."""

    def __init__(self, parameters: OutageParameters) -> None:
        self._parameters = parameters
        self._pool: tuple[OutageEvidence, float | None] | None = None

    def own(self, outage: OutageEvidence) -> float | None:
        """Return the sum of a symbol's evidence, as `OutageEvidence.outage_sum` does."""
        return outage.outage_sum(self._parameters)

    def pool(self, outage: OutageEvidence) -> float | None:
        """Return the sum of a pool's evidence, as `OutageEvidence.outage_sum` does."""
        known = self._pool
        if known is None or known[0] is not outage:
            known = self._pool = outage, outage.outage_sum(self._parameters)
        return known[1]


def outage_sum_in_closed_form(increments: Sequence[float]) -> float:
    """Return the sum as the queries compute it: the logarithm of the sum of exp(x(k) + ... + x(n)) over every k."""
    suffix_sums = list(accumulate(reversed(increments)))
    if not suffix_sums:
        return -inf
    largest = max(suffix_sums)
    return largest + log(sum(exp(each - largest) for each in suffix_sums))
