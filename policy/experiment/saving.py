"""What each order that chance sent says of the saving of one way against another, by the orders before it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

PRIOR_ORDERS = 5


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
