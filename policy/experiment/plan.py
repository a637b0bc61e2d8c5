"""The plan of an experiment: for each share of orders held out, how long it takes and what it costs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policy.experiment.power import ASSUMED_DEVIATIONS, CostDeviations, holdout_cost_bps, orders_until
from policy.experiment.saving import Answer
from policy.numbers import ONE_BPS, round_metric

TARGETS_BPS = (0.5, 0.25)
SHARES = (0.01, 0.02, 0.05, 0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFlow:
    """How many orders are sent, and what they are like.

    `orders_per_day` are those of all symbols together. `fee_gap_bps` is the taker fee less the maker fee, None if it is
    not known; `notional` is the mean of an order in the currency of the quotes, None if it is not known.
    """

    orders_per_day: float
    symbol_count: int
    fee_gap_bps: float | None = None
    notional: float | None = None
    deviations: CostDeviations = ASSUMED_DEVIATIONS

    @property
    def orders_per_day_of_symbol(self) -> float:
        """How many orders of one symbol are sent on average."""
        return self.orders_per_day / self.symbol_count


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToKnow:
    """How long it takes until an interval that holds at every look reaches `half_width_bps` to either side.

    Of all symbols together and of one of them alone; None if it takes more than a thousand million orders.
    """

    half_width_bps: float
    answer: Answer
    order_count: int | None
    days_of_all: float | None
    days_of_symbol: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldoutPlan:
    """A share of orders held out: when the saving is known, and what the holdout costs at most.

    The cost is that of the fee gap for each order held out, which is about what maker first can save on a market whose
    spread is one tick; None if the fees are not known, and in money also if the notional is not.
    """

    share: float
    times: tuple[TimeToKnow, ...]
    cost_bps_per_order: float | None
    cost_money_per_day: float | None


def plan_holdouts(flow: OrderFlow, shares: Sequence[float] = SHARES) -> Iterator[HoldoutPlan]:
    """Yield the plan of each share, above 0 and below 1, for a policy that says maker first. Raises ValueError else."""
    for share in shares:
        cost_bps = None if flow.fee_gap_bps is None else round_metric(holdout_cost_bps(share, flow.fee_gap_bps))
        yield HoldoutPlan(
            share=share,
            times=tuple(_time(flow, share, target, answer) for target in TARGETS_BPS for answer in Answer),
            cost_bps_per_order=cost_bps,
            cost_money_per_day=_money(flow, cost_bps),
        )


def _time(flow: OrderFlow, share: float, half_width_bps: float, answer: Answer) -> TimeToKnow:
    order_count = orders_until(half_width_bps, answer, share, flow.deviations)
    return TimeToKnow(
        half_width_bps=half_width_bps,
        answer=answer,
        order_count=order_count,
        days_of_all=None if order_count is None else round_metric(order_count / flow.orders_per_day),
        days_of_symbol=None if order_count is None else round_metric(order_count / flow.orders_per_day_of_symbol),
    )


def _money(flow: OrderFlow, cost_bps: float | None) -> float | None:
    if cost_bps is None or flow.notional is None:
        return None
    return round_metric(cost_bps * ONE_BPS * flow.notional * flow.orders_per_day)
