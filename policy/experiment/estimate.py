"""The mean saving of orders that chance sent, with what its intervals are made of."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress, repeat
from math import fsum, sqrt

from policy.experiment.confidence_sequence import Interval, anytime_margin, interval_around, single_look_margin
from policy.experiment.saving import Answer, Comparison, ExperimentOrder, OrderEffect
from policy.numbers import ONE_BPS

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
    """Orders that went the same way with the same probability, while the policy said the same, as sums over them.

    An order counts as much as its size, above 0: 1, or what a basis point of it is in money. `effects` is the sum of
    the effects times the sizes; `expected_mean` the mean of what was expected times the sizes, and
    `expected_deviations` the sum of the squares around it. The last two are the sums of the squares of the sizes, and
    of the sizes times the surprises.
    """

    is_maker: bool
    policy_is_maker: bool
    propensity: float
    order_count: int
    effects: float
    expected_mean: float
    expected_deviations: float
    size_squares: float
    surprise_squares: float

    def probability(self, *, is_maker: bool) -> float:
        """Return the probability of a way; the orders went one of the two."""
        return self.propensity if self.is_maker is is_maker else 1 - self.propensity


def _numbers() -> "array[float]":
    """Return an empty array: numbers of a list would lie apart in memory, which takes a third more time to read."""
    return array("d")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlikeOrders:
    """The orders of a stratum before they have a size: in each list a number for each of them, all in basis points."""

    is_maker: bool
    policy_is_maker: bool
    propensity: float
    effects: "array[float]" = field(default_factory=_numbers)
    expected: "array[float]" = field(default_factory=_numbers)
    surprises: "array[float]" = field(default_factory=_numbers)
    notionals: list[float | None] = field(default_factory=list)

    def in_bps(self) -> Stratum:
        """Return the stratum in which each order counts as 1."""
        return self._stratum(self.effects, self.expected, repeat(1.0, len(self.effects)), self.surprises)

    def in_money(self) -> Stratum | None:
        """Return the stratum in which each order counts as a basis point of its notional; None if none has any."""
        sizes = [notional * ONE_BPS for notional in self.notionals if notional is not None]
        if not sizes:
            return None
        return self._stratum(
            self._sized(self.effects, sizes),
            self._sized(self.expected, sizes),
            sizes,
            self._sized(self.surprises, sizes),
        )

    def _sized(self, values: Iterable[float], sizes: Iterable[float]) -> Sequence[float]:
        with_notional = compress(values, (notional is not None for notional in self.notionals))
        return [size * value for size, value in zip(sizes, with_notional, strict=True)]

    def _stratum(
        self, effects: Sequence[float], expected: Sequence[float], sizes: Iterable[float], surprises: Iterable[float]
    ) -> Stratum:
        order_count = len(effects)
        expected_mean = fsum(expected) / order_count
        return Stratum(
            is_maker=self.is_maker,
            policy_is_maker=self.policy_is_maker,
            propensity=self.propensity,
            order_count=order_count,
            effects=fsum(effects),
            expected_mean=expected_mean,
            expected_deviations=_sum_of_squares([value - expected_mean for value in expected]),
            size_squares=_sum_of_squares(sizes),
            surprise_squares=_sum_of_squares(surprises),
        )


def _sum_of_squares(values: Iterable[float]) -> float:
    return fsum([value * value for value in values])


def alike_orders(effects: Iterable[OrderEffect]) -> dict[str, list[AlikeOrders]]:
    """Sort orders by their symbol and, of each, into those that are alike."""
    alike: dict[tuple[str, bool, bool, float], AlikeOrders] = {}
    for effect in effects:
        order = effect.order
        key = order.symbol, order.is_maker, order.is_held_out, order.propensity
        orders = alike.get(key)
        if orders is None:
            orders = alike[key] = AlikeOrders(
                is_maker=order.is_maker, policy_is_maker=order.policy_is_maker, propensity=order.propensity
            )
        orders.effects.append(effect.effect_bps)
        orders.expected.append(effect.expected_bps)
        orders.surprises.append(effect.surprise_bps)
        orders.notionals.append(order.notional)
    by_symbol: dict[str, list[AlikeOrders]] = {}
    for (symbol, *_), orders in alike.items():
        by_symbol.setdefault(symbol, []).append(orders)
    return by_symbol


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
    """Return the mean of weight times effect as `estimate_of_strata` does; there is a weight for each effect."""
    strata = [orders.in_bps() for effect in effects for (orders,) in alike_orders([effect]).values()]
    return estimate_of_strata(strata, weights)


def estimate_of_strata(strata: Sequence[Stratum], weights: Sequence[float]) -> SavingEstimate | None:
    """Return the mean of weight times effect over all orders of the strata, with the deviations of its two answers.

    There is a weight for each stratum. None if all weights are 0: what is compared differs on no order.

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
    counts = {way: sum(each.order_count for each in strata if each.is_maker is way) for way in (True, False)}
    order_count = counts[True] + counts[False]
    is_known = min(differing.values()) >= FEWEST_ORDERS_OF_A_WAY
    return SavingEstimate(
        saving=fsum(weight * each.effects for each, weight in weighted) / order_count,
        order_count=order_count,
        maker_count=counts[True],
        taker_count=counts[False],
        sent_deviation=_sent_deviation(weighted, order_count) if is_known else None,
        any_deviation=_any_deviation(weighted, order_count) if is_known else None,
    )


_Weighted = Sequence[tuple[Stratum, float]]


def _count_differing(weighted: _Weighted, *, is_maker: bool) -> int:
    return sum(each.order_count for each, weight in weighted if weight and each.is_maker is is_maker)


def _sent_deviation(weighted: _Weighted, order_count: int) -> float:
    """Bound the deviation of an effect around what its order truly saved.

    Its square is (h / p) r1^2 + (p / h) r0^2 + 2 r1 r0, of which no order shows the last. Over all orders that is at
    most the root of the product of the first two, and at most that of r1^2 and r0^2: the same if all have one p.
    """
    maker, taker = (_mean_over_all(weighted, order_count, way, _odds_against) for way in (True, False))
    squares = [_mean_over_all(weighted, order_count, way, _one) for way in (True, False)]
    return sqrt(maker + taker + 2 * sqrt(min(maker * taker, squares[0] * squares[1])))


def _any_deviation(weighted: _Weighted, order_count: int) -> float:
    of_expected = _variance_of_expected(weighted, order_count)
    maker, taker = (_mean_over_all(weighted, order_count, way, _inverse) for way in (True, False))
    return sqrt(of_expected + maker + taker)


def _inverse(probability: float) -> float:
    return 1 / probability


def _odds_against(probability: float) -> float:
    return 1 / probability - 1


def _one(_: float) -> float:
    return 1.0


def _variance_of_expected(weighted: _Weighted, order_count: int) -> float:
    """Return the variance of weight times expectation over all orders: that within the strata, and between them."""
    mean = fsum(weight * each.order_count * each.expected_mean for each, weight in weighted) / order_count
    within = fsum(weight**2 * each.expected_deviations for each, weight in weighted)
    between = fsum(each.order_count * (weight * each.expected_mean - mean) ** 2 for each, weight in weighted)
    return (within + between) / order_count


def _mean_over_all(
    weighted: _Weighted, order_count: int, is_maker: bool, coefficient_of: Callable[[float], float]
) -> float:
    """Return the mean over all orders of w^2 c r^2, c of the probability q of the way, w with the size.

    The surprise r is known only of the orders that went this way: each stands for 1 / q orders.
    """
    every_coefficient, coefficients, squares = [], [], []
    for each, weight in weighted:
        probability = each.probability(is_maker=is_maker)
        coefficient = weight**2 * coefficient_of(probability)
        every_coefficient.append(coefficient * each.size_squares)
        if each.is_maker is is_maker:
            coefficients.append(coefficient / probability * each.size_squares)
            squares.append(coefficient / probability * each.surprise_squares)
    return fsum(every_coefficient) / order_count * fsum(squares) / fsum(coefficients)
