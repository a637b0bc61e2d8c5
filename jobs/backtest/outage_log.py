"""The evidence of an outage as of a slot, from all maker orders that had ended by then, as arrays.

`policy.outage_evidence` defines it order by order; here it is the same for a week of orders at once, since each of
thousands of slots must sum anew: the oldest orders leave the window.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from jobs.backtest.arrays import Flags, Floats, Integers
from jobs.backtest.evidence import EndedOrder
from policy.numbers import round_metric
from policy.outage_evidence import LOWEST_OTHER_FILL_PROBABILITY, OutageEvidence, OutageParameters
from policy.rules.breaker_state import Breaker, State
from policy.window import OUTCOME_WINDOW

_WINDOW_SECONDS = int(OUTCOME_WINDOW.total_seconds())
_Since = tuple[int, int, Breaker] | None  # the oldest and the newest order, and the breaker
_KINDS = 2  # the market traded through the price, or it did not; the backtest always knows


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageEvidences:
    """The evidence of each market, and of their pool."""

    own: Sequence[OutageEvidence]
    pool: OutageEvidence


class OutageLog:
    """All maker orders of the markets, in the order in which they ended; there are `order_count` at most."""

    def __init__(self, market_count: int, order_count: int, parameters: OutageParameters) -> None:
        self._parameters = parameters
        self._count = 0
        self._first = 0  # that has not left the window
        self._ends, self._market, self._kind = np.zeros((3, order_count), dtype=np.int64)
        self._is_filled, self._is_learnt, self._is_pooled = np.zeros((3, order_count), dtype=np.bool_)
        # Orders, then fills, of a market and kind that were learnt from: before each order, in all, before the window.
        self._so_far = np.zeros((2, order_count), dtype=np.int64)
        self._learnt = np.zeros((2, market_count, _KINDS), dtype=np.int64)
        self._left = np.zeros((2, market_count, _KINDS), dtype=np.int64)
        self._by_market: list[list[int]] = [[] for _ in range(market_count)]
        self._streaks, self._pool_streak = [_FilledStreak() for _ in range(market_count)], _FilledStreak()
        self._known: list[tuple[_Since, OutageEvidence] | None] = [None] * market_count

    def add(self, market: int, outcome: EndedOrder, state: State) -> None:
        """Add an outcome that ended no earlier than those before it; `state` is the market's, of the slot before it.

        Probes and what ends while a breaker is open show no normal operation; what ends while the market's own is open
        is no evidence of an outage of the scope. Taker orders are ignored.
        """
        if not outcome.is_maker:
            return
        number, kind = self._count, int(outcome.went_through)
        is_learnt = not (state.is_open or outcome.is_probe)
        self._count += 1
        self._ends[number], self._market[number], self._kind[number] = outcome.ends_seconds, market, kind
        self._is_filled[number] = outcome.is_filled
        self._is_learnt[number] = is_learnt
        self._is_pooled[number] = state.own.opened_at is None
        self._so_far[:, number] = self._learnt[:, market, kind]
        if is_learnt:
            self._learnt[:, market, kind] += (1, int(outcome.is_filled))
        self._by_market[market].append(number)
        for streak in (self._streaks[market], self._pool_streak):
            streak.add(outcome.ends_seconds, is_filled=outcome.is_filled)

    def evidence(self, slot_seconds: int, states: Sequence[State]) -> OutageEvidences:
        """Return the evidence as of a slot; all outcomes before it must have been added, and slots go forward."""
        self._leave_window(slot_seconds - _WINDOW_SECONDS)
        window = slice(self._first, self._count)
        increments, ends = self._increments(window), self._ends[window]
        return OutageEvidences(
            own=[self._own(market, increments, state.own) for market, state in enumerate(states)],
            pool=_evidence(
                increments[self._is_pooled[window] & _counts(ends, states[0].pool)], states[0].pool, self._pool_streak
            ),
        )

    def _leave_window(self, window_start: int) -> None:
        while self._first < self._count and self._ends[self._first] < window_start:
            number = self._first
            if self._is_learnt[number]:
                self._left[:, self._market[number], self._kind[number]] += (1, int(self._is_filled[number]))
            self._first += 1

    def _own(self, market: int, increments: Floats, own: Breaker) -> OutageEvidence:
        """Return the evidence of one market, which is the one before unless an order came or left."""
        numbers = self._by_market[market]
        del numbers[: bisect_left(numbers, self._first)]
        since = (numbers[0], numbers[-1], own) if numbers else None
        known = self._known[market]
        if known is not None and known[0] == since:
            return known[1]
        rows = np.array(numbers, dtype=np.int64)
        counted = rows[_counts(self._ends[rows], own)] - self._first
        evidence = _evidence(increments[counted], own, self._streaks[market])
        self._known[market] = (since, evidence)
        return evidence

    def _increments(self, window: slice) -> Floats:
        """Return how much each order speaks for an outage: `policy.outage_evidence.increment`."""
        market, kind = self._market[window], self._kind[window]
        orders, fills = self._so_far[:, window] - self._left[:, market, kind]
        normal_fill = _normal_fill_probability(kind == 1, orders, fills, self._parameters)
        return _increments(kind == 1, normal_fill, self._is_filled[window], self._parameters)


class _FilledStreak:
    """The longest run of maker orders that filled."""

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._are_filled: list[bool] = []

    def add(self, ends_seconds: int, *, is_filled: bool) -> None:
        self._ends.append(ends_seconds)
        self._are_filled.append(is_filled)

    def since(self, breaker: Breaker) -> int:
        """Return how many of those that ended since the breaker opened filled in a row; 0 while it is closed."""
        if breaker.opened_at is None:
            return 0
        probes = self._are_filled[bisect_left(self._ends, breaker.opened_at.timestamp()) :]
        return max((len(list(run)) for is_filled, run in groupby(probes) if is_filled), default=0)


def _counts(ends: Integers, breaker: Breaker) -> Flags:
    """Return whether each order is evidence for this breaker: it ended since the breaker last closed."""
    if breaker.restarted_at is None:
        return np.ones(len(ends), dtype=np.bool_)
    return np.asarray(ends >= breaker.restarted_at.timestamp())


def _evidence(increments: Floats, breaker: Breaker, streak: _FilledStreak) -> OutageEvidence:
    return OutageEvidence(
        sum_before=round_metric(shiryaev_roberts_sum(increments)) if len(increments) else None,
        order_count=len(increments),
        filled_probe_streak=streak.since(breaker),
    )


def shiryaev_roberts_sum(increments: Floats) -> float:
    """Return the logarithm of the sum of exp(x(k) + ... + x(n)) over every k, of one increment or more."""
    suffix_sums = np.cumsum(increments[::-1])
    largest = suffix_sums.max()
    return float(largest + np.log(np.exp(suffix_sums - largest).sum()))


def _normal_fill_probability(
    went_through: Flags, orders: Integers, fills: Integers, parameters: OutageParameters
) -> Floats:
    through_misses = (orders - fills + parameters.prior_through_misses) / (orders + parameters.prior_through_orders)
    other_fills = (fills + parameters.prior_other_fills) / (orders + parameters.prior_other_orders)
    return np.where(
        went_through,
        1 - np.clip(through_misses, parameters.lowest_through_miss_ratio, parameters.highest_ratio),
        np.clip(other_fills, parameters.lowest_other_fill_ratio, parameters.highest_ratio),
    )


def _increments(went_through: Flags, normal_fill: Floats, is_filled: Flags, parameters: OutageParameters) -> Floats:
    in_outage = parameters.outage_fill_probability
    other_fills = np.maximum(in_outage * normal_fill, LOWEST_OTHER_FILL_PROBABILITY)
    fill_in_outage = np.where(went_through, in_outage, np.where(is_filled, other_fills, in_outage / 2))
    ratio = np.where(is_filled, fill_in_outage / normal_fill, (1 - fill_in_outage) / (1 - normal_fill))
    return np.asarray(np.log(ratio))
