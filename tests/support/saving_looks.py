"""What the estimator of a saving says after each order, all at once: the formulas of the study, in numpy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from policy.experiment.confidence_sequence import TIGHTEST_COUNT
from policy.experiment.saving import Answer, OrderEffect

Floats = NDArray[np.float64]
REPETITIONS = 200
# 95 % less three standard errors of a ratio of 200 repetitions.
FEWEST_HELD = 0.95 - 3 * float(np.sqrt(0.95 * 0.05 / REPETITIONS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The estimate after each order, with the margins that hold at every look and at one.

    There are intervals from the row `first` on, which is the number of orders if there is none.
    """

    estimates: Floats
    anytime: dict[Answer, Floats]
    single_look: dict[Answer, Floats]
    first: int

    def always_holds(self, answer: Answer, truth: Floats | float) -> bool:
        """Return whether the interval that holds at every look has the truth at each of them."""
        return self._has_everywhere(self.anytime[answer], truth)

    def always_holds_plainly(self, answer: Answer, truth: Floats | float) -> bool:
        """Return whether the ordinary interval has the truth at each look."""
        return self._has_everywhere(self.single_look[answer], truth)

    def _has_everywhere(self, margins: Floats, truth: Floats | float) -> bool:
        return bool(np.all((np.abs(self.estimates - truth) <= margins)[self.first :]))


def looks(effects: Sequence[OrderEffect], weights: Floats) -> Looks:
    """Return what is said of the mean of weight times effect; the weights of maker against taker are all -1."""
    counts = np.arange(1, len(effects) + 1)
    is_maker = np.array([effect.order.is_maker for effect in effects])
    propensity = np.array([effect.order.propensity for effect in effects])
    surprises = np.array([effect.surprise_bps for effect in effects])
    expected = np.array([effect.expected_bps for effect in effects])
    corrections = np.where(is_maker, surprises, -surprises) / propensity

    maker_probability = np.where(is_maker, propensity, 1 - propensity)
    odds = maker_probability / (1 - maker_probability)

    def mean(factors: Floats, *, of_maker: bool) -> Floats:
        went = is_maker == of_maker
        probability = np.where(went, propensity, 1 - propensity)
        coefficients = weights**2 * factors
        return np.cumsum(coefficients) / counts * _mean_so_far(surprises**2, coefficients / probability * went)

    spread = np.cumsum((weights * expected) ** 2) / counts - (np.cumsum(weights * expected) / counts) ** 2
    maker, taker = mean(1 / odds, of_maker=True), mean(odds, of_maker=False)
    ones = np.ones(len(effects))
    product = np.minimum(maker * taker, mean(ones, of_maker=True) * mean(ones, of_maker=False))
    sent = np.sqrt(maker + taker + 2 * np.sqrt(product))
    any_order = np.sqrt(
        mean(1 / maker_probability, of_maker=True) + mean(1 / (1 - maker_probability), of_maker=False) + spread
    )
    x = 8 / TIGHTEST_COUNT
    anytime = np.sqrt((counts * x + 1) / (counts**2 * x) * np.log((counts * x + 1) / 0.05**2))
    single_look = 1.959964 / np.sqrt(counts)
    differs = weights != 0
    is_known = np.minimum(np.cumsum(differs & is_maker), np.cumsum(differs & ~is_maker)) >= 5
    return Looks(
        estimates=np.cumsum(weights * (expected + corrections)) / counts,
        anytime={Answer.ORDERS_SENT: sent * anytime, Answer.ANY_ORDER: any_order * anytime},
        single_look={Answer.ORDERS_SENT: sent * single_look, Answer.ANY_ORDER: any_order * single_look},
        first=int(np.argmax(is_known)) if is_known.any() else len(effects),
    )


def _mean_so_far(values: Floats, weights: Floats) -> Floats:
    """Return the weighted mean of the values up to each; 0 before the first weight above 0."""
    total = np.cumsum(weights)
    return np.divide(np.cumsum(values * weights), total, out=np.zeros_like(total), where=total > 0)
