"""What orders that were never sent would have saved, by the orders of the same time that chance sent that way."""

from collections.abc import Sequence
from dataclasses import dataclass

from policy.experiment.estimate import SavingEstimate, alike_orders, estimate_of_strata
from policy.experiment.saving import OrderEffect


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverSentEstimate:
    """What maker first would have saved an order, in basis points, while the live rules decided taker.

    `saving` is over all orders of that time of which chance decided the way, those that it sent as maker weighing by
    the inverse of its probability. `effective_count` is how many equally weighted maker orders tell as much.
    """

    saving: SavingEstimate
    effective_count: float


def estimate_never_sent(effects: Sequence[OrderEffect]) -> NeverSentEstimate | None:
    """Estimate from the orders of the time in which the maker orders were not sent; None if chance sent none of them.

    The effective number is that of Kish (1965): the squared sum of the weights over the sum of their squares.
    """
    strata = [orders.in_bps() for alike in alike_orders(effects).values() for orders in alike]
    saving = estimate_of_strata(strata, [-1.0] * len(strata))
    weights = [1 / effect.order.propensity for effect in effects if effect.order.is_maker]
    if saving is None or not weights:
        return None
    return NeverSentEstimate(saving=saving, effective_count=sum(weights) ** 2 / sum(weight**2 for weight in weights))
