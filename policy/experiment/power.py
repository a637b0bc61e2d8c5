"""How many orders an experiment needs, and what it costs: planned before the first order."""

from dataclasses import dataclass
from math import sqrt

from policy.experiment.confidence_sequence import anytime_margin, count_until
from policy.experiment.saving import Answer

MAKER_DEVIATION_BPS = 8.9
TAKER_DEVIATION_BPS = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class CostDeviations:
    """By how much the costs of orders vary around what is expected of them, as standard deviations of one order.

    The defaults are those of simulated orders on eight perpetuals of one month, which wait four minutes as maker.
    """

    maker_bps: float = MAKER_DEVIATION_BPS
    taker_bps: float = TAKER_DEVIATION_BPS


ASSUMED_DEVIATIONS = CostDeviations()


def planned_deviation(answer: Answer, share: float, deviations: CostDeviations) -> float:
    """Return the standard deviation of one order's effect if a `share` of orders is sent as taker, the others as maker.

    The two deviations of `estimate_saving`, with the same probability for all orders and the same expectation. Raises
    ValueError unless the share is above 0 and below 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share must be above 0 and below 1, was {share}")
    rest = 1 - share
    if answer is Answer.ORDERS_SENT:
        return sqrt(share / rest) * deviations.maker_bps + sqrt(rest / share) * deviations.taker_bps
    return sqrt(deviations.maker_bps**2 / rest + deviations.taker_bps**2 / share)


def orders_until(half_width_bps: float, answer: Answer, share: float, deviations: CostDeviations) -> int | None:
    """Return how many orders it takes until the interval that holds at every look is so narrow; None if too many.

    Raises ValueError unless the half-width is above 0 and the share above 0 and below 1.
    """
    deviation_bps = planned_deviation(answer, share, deviations)
    return count_until(lambda count: anytime_margin(count, deviation_bps), half_width_bps)


def remaining_orders(order_count: int, deviation_bps: float, half_width_bps: float) -> int | None:
    """Return how many orders more it takes until the interval is so narrow, if costs go on to vary as much.

    0 if it is narrow enough already; None if it takes too many. Raises ValueError unless the half-width is above 0.
    """
    count = count_until(lambda count: anytime_margin(count, deviation_bps), half_width_bps)
    return None if count is None else max(count - order_count, 0)


def holdout_cost_bps(share: float, saving_bps: float) -> float:
    """Return what the holdout costs an order on average: the share that goes the other way, times what that loses."""
    return share * abs(saving_bps)
