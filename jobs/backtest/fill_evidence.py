"""The fill rule that the user's own log supports, by its maker orders with the price and the times of their rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from jobs.backtest.arrays import Flags, Floats, Integers
from jobs.backtest.execution import is_deep_enough
from jobs.backtest.fill_rule import FillRule
from jobs.backtest.market import Market

_CLEAR_AT_ERRORS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RestedOrders:
    """The maker orders of one symbol whose price and times are known, one array per attribute.

    `side` is 1 for a buy, -1 for a sell. An order rested at `price` from `from_seconds` to `until_seconds` since 1970.
    """

    side: Integers
    price: Floats
    from_seconds: Floats
    until_seconds: Floats
    is_filled: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class FillEvidence:
    """How many orders could be compared with candles, and how many of them contradict each rule.

    `supported` is the rule with the fewest contradictions, None if chance may have decided between it and another.
    """

    order_count: int
    contradiction_count: Mapping[FillRule, int]
    supported: FillRule | None


def fill_evidence(rested: Mapping[str, RestedOrders], markets: Mapping[str, Market]) -> FillEvidence:
    """Compare the orders of each symbol with its candles.

    An order contradicts a rule if it filled although no bar that overlaps its rest trades so far, or if it missed
    although a bar wholly inside its rest does. Orders that no such bar covers are left out.
    """
    parts = [_contradictions(orders, markets[symbol]) for symbol, orders in rested.items() if symbol in markets]
    contradicts = np.concatenate([np.zeros((len(FillRule), 0), dtype=np.bool_), *parts], axis=1)
    counts = {rule: int(row.sum()) for rule, row in zip(FillRule, contradicts, strict=True)}
    return FillEvidence(order_count=contradicts.shape[1], contradiction_count=counts, supported=_supported(contradicts))


def _supported(contradicts: Flags) -> FillRule | None:
    """Return the best rule if it is better than each other beyond three standard errors of a coin's tosses."""
    rules = tuple(FillRule)
    best = int(contradicts.sum(axis=1).argmin())
    for other in range(len(rules)):
        against, for_it = contradicts[best] & ~contradicts[other], contradicts[other] & ~contradicts[best]
        lead, differing = int(for_it.sum()) - int(against.sum()), int(for_it.sum()) + int(against.sum())
        if other != best and lead <= _CLEAR_AT_ERRORS * sqrt(differing):
            return None
    return rules[best]


def _contradictions(orders: RestedOrders, market: Market) -> Flags:
    """Return by rule, then by order, whether the order contradicts it; only orders that bars cover."""
    first, last = _covering(orders, market)
    is_covered = first < last
    depth = _depth(orders, market, first, last)[is_covered]
    is_filled, price = orders.is_filled[is_covered], orders.price[is_covered]
    return np.array([is_deep_enough(rule, market, depth, price) != is_filled for rule in FillRule])


def _covering(orders: RestedOrders, market: Market) -> tuple[Integers, Integers]:
    """Return the first bar that tells of each order, and the one after the last; none if they are equal."""
    opens, closes = market.bars.open_seconds, market.bars.close_seconds
    overlap_from = np.searchsorted(closes, orders.from_seconds, side="right")
    overlap_to = np.searchsorted(opens, orders.until_seconds, side="left")
    inside_from = np.searchsorted(opens, orders.from_seconds, side="left")
    inside_to = np.searchsorted(closes, orders.until_seconds, side="right")
    return np.where(orders.is_filled, overlap_from, inside_from), np.where(orders.is_filled, overlap_to, inside_to)


def _depth(orders: RestedOrders, market: Market, first: Integers, last: Integers) -> Floats:
    """Return how far beyond its price the market traded in the bars of each order, negative if it did not reach it."""
    is_buy = orders.side > 0
    lowest = _extremes(market.bars.low, np.minimum, first, last)
    highest = _extremes(market.bars.high, np.maximum, first, last)
    return np.where(is_buy, orders.price - lowest, highest - orders.price)


def _extremes(values: Floats, extreme: np.ufunc, first: Integers, last: Integers) -> Floats:
    """Return the extreme of `values[first:last]` for each pair, the value at `first` if they are equal."""
    padded = np.append(values, values[-1])
    start = np.minimum(first, len(values) - 1)
    pairs = np.stack([start, np.maximum(last, start + 1)], axis=1).ravel()
    reduced: Floats = extreme.reduceat(padded, pairs)[::2]
    return reduced
