"""The mean saving of orders that chance sent, with what its intervals are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt

from policy.experiment.confidence_sequence import Interval, anytime_margin, interval_around, single_look_margin
from policy.experiment.saving import Answer, Comparison, ExperimentOrder, OrderEffect

FEWEST_ORDERS_OF_A_WAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingEstimate:
    """The mean saving of an order, + saves, in the unit of the weights; and what its intervals are made of.

    `maker_count` and `taker_count` are the orders that went each way. The deviations are those of one order. They are
    None as long as fewer than five orders went one of the ways, of those on which what is compared differs: then
    nothing is known of how much the costs of that way vary.
    """

    saving: float
    order_count: int
    maker_count: int
    taker_count: int
    sent_deviation: float | None
    any_deviation: float | None

    def deviation(self, answer: Answer) -> float | None:
        """Return the standard deviation of one order for an answer; None if it is not known."""
        return self.sent_deviation if answer is Answer.ORDERS_SENT else self.any_deviation

    def interval(self, answer: Answer) -> Interval | None:
        """Return the 95 % interval that holds at every look; None if it is not known yet."""
        deviation = self.deviation(answer)
        return None if deviation is None else interval_around(self.saving, anytime_margin(self.order_count, deviation))

    def single_look_interval(self, answer: Answer) -> Interval | None:
        """Return the ordinary 95 % interval, which holds for one look only; None if it is not known yet."""
        deviation = self.deviation(answer)
        if deviation is None:
            return None
        return interval_around(self.saving, single_look_margin(self.order_count, deviation))


def weight_of(comparison: Comparison, order: ExperimentOrder) -> float:
    """Return by what the effect of an order is multiplied to give the saving of the comparison: -1, 0 or 1.

    If the policy and the way that it is compared with agree on an order, it saves nothing there.
    """
    match comparison:
        case Comparison.MAKER_AGAINST_TAKER:
            return -1.0
        case Comparison.POLICY_AGAINST_TAKER:
            return -1.0 if order.policy_is_maker else 0.0
        case Comparison.POLICY_AGAINST_MAKER:
            return 0.0 if order.policy_is_maker else 1.0


def estimate_saving(effects: Sequence[OrderEffect], weights: Sequence[float]) -> SavingEstimate | None:
    """Return the mean of weight times effect with the deviations of its two answers.

    None if all weights are 0: what is compared differs on no order.

    With s1 and s0 the root mean square surprise of maker and of taker orders, p the probability of maker and h = 1 - p,
    and the weights all 1, the deviation for the orders sent is sqrt(h / p) s1 + sqrt(p / h) s0, which no correlation of
    the two costs of an order can exceed; for any order its square is s1^2 / p + s0^2 / h, and the variance of what was
    expected. Waudby-Smith and others, arXiv 2210.10768; Ham and others, arXiv 2210.08639. Raises ValueError if the
    weights are not as many as the effects.
    """
    weighted = list(zip(effects, weights, strict=True))
    differing = [effect for effect, weight in weighted if weight]
    if not differing:
        return None
    maker_count = _count_makers(effects)
    fewest = min(_count_makers(differing), len(differing) - _count_makers(differing))
    is_known = fewest >= FEWEST_ORDERS_OF_A_WAY
    return SavingEstimate(
        saving=fsum(weight * effect.effect_bps for effect, weight in weighted) / len(weighted),
        order_count=len(weighted),
        maker_count=maker_count,
        taker_count=len(effects) - maker_count,
        sent_deviation=_sent_deviation(weighted) if is_known else None,
        any_deviation=_any_deviation(weighted) if is_known else None,
    )


def _count_makers(effects: Sequence[OrderEffect]) -> int:
    return sum(effect.order.is_maker for effect in effects)


_Weighted = Sequence[tuple[OrderEffect, float]]


def _sent_deviation(weighted: _Weighted) -> float:
    return sqrt(_variance_of_way(weighted, is_maker=True, excess=1.0)) + sqrt(
        _variance_of_way(weighted, is_maker=False, excess=1.0)
    )


def _any_deviation(weighted: _Weighted) -> float:
    expected = [weight * effect.expected_bps for effect, weight in weighted]
    mean = fsum(expected) / len(expected)
    variance = fsum((value - mean) ** 2 for value in expected) / len(expected)
    of_maker = _variance_of_way(weighted, is_maker=True, excess=0.0)
    return sqrt(variance + of_maker + _variance_of_way(weighted, is_maker=False, excess=0.0))


def _variance_of_way(weighted: _Weighted, *, is_maker: bool, excess: float) -> float:
    """Return the mean over all orders of w^2 c r^2, c = 1 / q - excess, q the probability of the way.

    The surprise r is known only of the orders that went this way: each stands for 1 / q orders.
    """
    mean_coefficient = squares = coefficients = 0.0
    for effect, weight in weighted:
        order = effect.order
        probability = order.propensity if order.is_maker == is_maker else 1 - order.propensity
        coefficient = weight**2 * (1 / probability - excess)
        mean_coefficient += coefficient / len(weighted)
        if order.is_maker == is_maker:
            coefficients += coefficient / probability
            squares += coefficient / probability * effect.surprise_bps**2
    return mean_coefficient * squares / coefficients
