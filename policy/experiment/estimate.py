"""The mean saving of orders that chance sent, with what its intervals are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Orders that went the same way with the same probability, while the policy said the same.

    An order counts as much as its size: 1, or what a basis point of it is in money. `effects` and `expected` have the
    effect and the expectation of each order times its size. `differing_count` is of those whose size is not 0. The last
    two are sums of the squares: of the sizes, and of the sizes times the surprises.
    """

    is_maker: bool
    policy_is_maker: bool
    propensity: float
    effects: Sequence[float]
    expected: Sequence[float]
    differing_count: int
    size_squares: float
    surprise_squares: float

    def probability(self, *, is_maker: bool) -> float:
        """Return the probability of a way; the orders went one of the two."""
        return self.propensity if self.is_maker is is_maker else 1 - self.propensity


def strata_of(effects: Iterable[OrderEffect], sizes: Iterable[float]) -> list[Stratum]:
    """Sort the effects of orders into strata. Raises ValueError unless there are as many sizes."""
    sorted_orders: dict[tuple[bool, bool, float], tuple[list[OrderEffect], list[float]]] = {}
    for effect, size in zip(effects, sizes, strict=True):
        order = effect.order
        alike = sorted_orders.setdefault((order.is_maker, order.is_held_out, order.propensity), ([], []))
        alike[0].append(effect)
        alike[1].append(size)
    return [_stratum(alike, of_these) for alike, of_these in sorted_orders.values()]


def _stratum(effects: Sequence[OrderEffect], sizes: Sequence[float]) -> Stratum:
    first = effects[0].order
    surprises = [size * effect.surprise_bps for effect, size in zip(effects, sizes, strict=True)]
    return Stratum(
        is_maker=first.is_maker,
        policy_is_maker=first.policy_is_maker,
        propensity=first.propensity,
        effects=[size * effect.effect_bps for effect, size in zip(effects, sizes, strict=True)],
        expected=[size * effect.expected_bps for effect, size in zip(effects, sizes, strict=True)],
        differing_count=len(sizes) - sizes.count(0.0),
        size_squares=fsum([size * size for size in sizes]),
        surprise_squares=fsum([surprise * surprise for surprise in surprises]),
    )


def weight_of(comparison: Comparison, orders: ExperimentOrder | Stratum) -> float:
    """Return by what the effect of orders is multiplied to give the saving of the comparison: -1, 0 or 1.

    If the policy and the way that it is compared with agree on an order, it saves nothing there.
    """
    match comparison:
        case Comparison.MAKER_AGAINST_TAKER:
            return -1.0
        case Comparison.POLICY_AGAINST_TAKER:
            return -1.0 if orders.policy_is_maker else 0.0
        case Comparison.POLICY_AGAINST_MAKER:
            return 0.0 if orders.policy_is_maker else 1.0


def estimate_saving(effects: Sequence[OrderEffect], weights: Sequence[float]) -> SavingEstimate | None:
    """Return the mean of weight times effect as `estimate_of_strata` does; the weights are as many as the effects."""
    strata = strata_of(effects, weights)
    return estimate_of_strata(strata, [1.0] * len(strata))


def estimate_of_strata(strata: Sequence[Stratum], weights: Sequence[float]) -> SavingEstimate | None:
    """Return the mean of weight times effect over all orders of the strata, with the deviations of its two answers.

    There is a weight for each stratum. None if all weights or sizes are 0: what is compared differs on no order.

    With s1 and s0 the root mean square surprise of maker and of taker orders, p the probability of maker and h = 1 - p,
    and the weights all 1, the deviation for the orders sent is sqrt(h / p) s1 + sqrt(p / h) s0, which no correlation of
    the two costs of an order can exceed; for any order its square is s1^2 / p + s0^2 / h, and the variance of what was
    expected. Waudby-Smith and others, arXiv 2210.10768; Ham and others, arXiv 2210.08639. Raises ValueError if the
    weights are not as many as the strata.
    """
    weighted = list(zip(strata, weights, strict=True))
    differing = {way: _count_differing(weighted, is_maker=way) for way in (True, False)}
    if not any(differing.values()):
        return None
    counts = {way: sum(len(each.effects) for each in strata if each.is_maker is way) for way in (True, False)}
    order_count = counts[True] + counts[False]
    is_known = min(differing.values()) >= FEWEST_ORDERS_OF_A_WAY
    effects = chain.from_iterable(_scaled(each.effects, weight) for each, weight in weighted)
    return SavingEstimate(
        saving=fsum(effects) / order_count,
        order_count=order_count,
        maker_count=counts[True],
        taker_count=counts[False],
        sent_deviation=_sent_deviation(weighted, order_count) if is_known else None,
        any_deviation=_any_deviation(weighted, order_count) if is_known else None,
    )


_Weighted = Sequence[tuple[Stratum, float]]


def _count_differing(weighted: _Weighted, *, is_maker: bool) -> int:
    return sum(each.differing_count for each, weight in weighted if weight and each.is_maker is is_maker)


def _scaled(values: Sequence[float], weight: float) -> Sequence[float]:
    return values if weight == 1.0 else [weight * value for value in values]


def _sent_deviation(weighted: _Weighted, order_count: int) -> float:
    return sqrt(_variance_of_way(weighted, order_count, is_maker=True, excess=1.0)) + sqrt(
        _variance_of_way(weighted, order_count, is_maker=False, excess=1.0)
    )


def _any_deviation(weighted: _Weighted, order_count: int) -> float:
    expected = [value for each, weight in weighted for value in _scaled(each.expected, weight)]
    mean = fsum(expected) / order_count
    deviations = [value - mean for value in expected]
    variance = fsum([deviation * deviation for deviation in deviations]) / order_count
    of_maker = _variance_of_way(weighted, order_count, is_maker=True, excess=0.0)
    return sqrt(variance + of_maker + _variance_of_way(weighted, order_count, is_maker=False, excess=0.0))


def _variance_of_way(weighted: _Weighted, order_count: int, *, is_maker: bool, excess: float) -> float:
    """Return the mean over all orders of w^2 c r^2, c = 1 / q - excess, q the probability of the way, w with the size.

    The surprise r is known only of the orders that went this way: each stands for 1 / q orders.
    """
    every_coefficient, coefficients, squares = [], [], []
    for each, weight in weighted:
        probability = each.probability(is_maker=is_maker)
        coefficient = weight**2 * (1 / probability - excess)
        every_coefficient.append(coefficient * each.size_squares)
        if each.is_maker is is_maker:
            coefficients.append(coefficient / probability * each.size_squares)
            squares.append(coefficient / probability * each.surprise_squares)
    return fsum(every_coefficient) / order_count * fsum(squares) / fsum(coefficients)
