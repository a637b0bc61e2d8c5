"""The running estimate of what one way of sending orders saves against another, from orders that chance sent."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import fsum, sqrt

from policy.experiment.confidence_sequence import Interval, anytime_margin, interval_around, single_look_margin

PRIOR_ORDERS = 5
FEWEST_ORDERS_OF_A_WAY = 5


class Comparison(StrEnum):
    """Which way of sending all orders is compared with which; the first one saves if the figure is above 0.

    The policy is what the rules and the overrides said, without the orders that were held out from it.
    """

    MAKER_AGAINST_TAKER = "maker_against_taker"
    POLICY_AGAINST_TAKER = "policy_against_taker"
    POLICY_AGAINST_MAKER = "policy_against_maker"


class Answer(StrEnum):
    """Of which orders the saving is: those that were sent, or any future order of the same kind."""

    ORDERS_SENT = "orders_sent"
    ANY_ORDER = "any_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentOrder:
    """An order of which chance decided the way, and what it cost.

    `is_held_out` is whether it went the other way than the policy said; `propensity` is the probability, above 0 and
    below 1, of the way that it went. `cost_bps` is slippage and fee, + is worse; `half_spread_bps` is half the spread
    at the decision and `taker_fee_bps` the fee of crossing by the settings, each None if it is not known. `notional` is
    in the currency of the quotes, None if it is not known.
    """

    symbol: str
    is_maker: bool
    is_held_out: bool
    propensity: float
    cost_bps: float
    half_spread_bps: float | None = None
    taker_fee_bps: float | None = None
    notional: float | None = None

    @property
    def policy_is_maker(self) -> bool:
        """Whether the policy said maker first."""
        return self.is_maker != self.is_held_out

    @property
    def quoted_taker_bps(self) -> float:
        """What is known before the order of what going straight to taker costs: half the spread and the fee."""
        return (self.half_spread_bps or 0.0) + (self.taker_fee_bps or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEffect:
    """What one order says about the cost of maker first less that of going straight to taker, in basis points.

    `expected_bps` is that difference as the orders before it let one expect; `surprise_bps` is the order's own cost
    less what they let one expect of its way.
    """

    order: ExperimentOrder
    expected_bps: float
    surprise_bps: float

    @property
    def effect_bps(self) -> float:
        """m1 - m0 + A (Y - m1) / p - (1 - A) (Y - m0) / h: unbiased, however wrong the expectation is."""
        correction = self.surprise_bps / self.order.propensity
        return self.expected_bps + (correction if self.order.is_maker else -correction)


@dataclass(slots=True)
class _RunningMean:
    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        self.total += value
        self.count += 1

    def beginning_at(self, prior: float, prior_count: int) -> float:
        """Return the mean so far, in which the prior counts as so many values; the prior itself before the first."""
        if not self.count:
            return prior
        return (self.total + prior * prior_count) / (self.count + prior_count)


class _Expectation:
    """What a way cost so far: the mean of a symbol, which begins at that of all symbols."""

    def __init__(self) -> None:
        self._all = _RunningMean()
        self._of_symbol: dict[str, _RunningMean] = {}

    def of(self, symbol: str, prior: float) -> float:
        mean = self._all.beginning_at(prior, prior_count=0)
        own = self._of_symbol.get(symbol)
        return mean if own is None else own.beginning_at(mean, PRIOR_ORDERS)

    def add(self, symbol: str, value: float) -> None:
        self._all.add(value)
        self._of_symbol.setdefault(symbol, _RunningMean()).add(value)


def order_effects(orders: Iterable[ExperimentOrder]) -> Iterator[OrderEffect]:
    """Yield the effect of each order; `orders` are in the order in which they ended, and each uses those before it.

    What a symbol's taker orders cost beyond their quote is learnt, and the quote of the order is added. Until the first
    taker order, taker is expected to cost its quote, or what maker did if the fee is not known.
    """
    maker, taker = _Expectation(), _Expectation()
    for order in orders:
        quoted_bps = order.quoted_taker_bps
        maker_bps = maker.of(order.symbol, 0.0)
        beyond_quote_bps = 0.0 if order.taker_fee_bps is not None else maker_bps - quoted_bps
        taker_bps = taker.of(order.symbol, beyond_quote_bps) + quoted_bps
        surprise_bps = order.cost_bps - (maker_bps if order.is_maker else taker_bps)
        yield OrderEffect(order=order, expected_bps=maker_bps - taker_bps, surprise_bps=surprise_bps)
        if order.is_maker:
            maker.add(order.symbol, order.cost_bps)
        else:
            taker.add(order.symbol, order.cost_bps - quoted_bps)


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
