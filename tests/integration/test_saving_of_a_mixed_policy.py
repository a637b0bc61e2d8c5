"""How often the intervals hold if the policy says taker for one symbol of four, and only after a while."""

from collections import Counter

import numpy as np

from policy.experiment.estimate import SavingEstimate, estimate_saving, weight_of
from policy.experiment.saving import Answer, Comparison, ExperimentOrder, OrderEffect, order_effects

REPETITIONS, ORDER_COUNT, LOOK_EVERY = 30, 1500, 150
# 95 % less three standard errors of a ratio of 30 repetitions.
FEWEST_HELD = 0.95 - 3 * float(np.sqrt(0.95 * 0.05 / REPETITIONS))


def orders_and_effects(seed: int) -> tuple[list[ExperimentOrder], list[float]]:
    """Make orders with what maker first truly costs each more than taker; the fourth symbol varies twice as much.

    Two of a hundred are held out while the policy says maker first, and five while it says taker.
    """
    random = np.random.default_rng(seed)
    symbols = random.integers(0, 4, ORDER_COUNT)
    says_maker = (symbols < 3) | (np.arange(ORDER_COUNT) < ORDER_COUNT // 2)
    shares = np.where(says_maker, 0.02, 0.05)
    maker_bps = 4.1 + np.where(symbols == 3, 14.0, 7.0) * random.standard_t(4, ORDER_COUNT) / np.sqrt(2)
    taker_bps = 5.5 + 0.7 * random.standard_t(4, ORDER_COUNT) / np.sqrt(2)
    is_held_out = random.random(ORDER_COUNT) < shares
    is_maker = says_maker ^ is_held_out
    orders = [
        ExperimentOrder(
            symbol=str(symbols[row]),
            is_maker=bool(is_maker[row]),
            is_held_out=bool(is_held_out[row]),
            propensity=float(shares[row] if is_held_out[row] else 1 - shares[row]),
            cost_bps=float(maker_bps[row] if is_maker[row] else taker_bps[row]),
            half_spread_bps=0.5,
        )
        for row in range(ORDER_COUNT)
    ]
    return orders, [float(effect) for effect in maker_bps - taker_bps]


def holds_at_every_look(
    orders: list[ExperimentOrder], true_effects: list[float], effects: list[OrderEffect], comparison: Comparison
) -> bool:
    """Return whether the interval of the orders sent has their true saving whenever there is one."""
    weights = [weight_of(comparison, order) for order in orders]
    truths = np.cumsum([weight * effect for weight, effect in zip(weights, true_effects, strict=True)])
    for count in range(LOOK_EVERY, ORDER_COUNT + 1, LOOK_EVERY):
        estimate: SavingEstimate | None = estimate_saving(effects[:count], weights[:count])
        interval = estimate.interval(Answer.ORDERS_SENT) if estimate is not None else None
        if interval is not None and not interval.contains(float(truths[count - 1]) / count):
            return False
    return True


def test_the_intervals_hold_for_each_comparison() -> None:
    held: Counter[Comparison] = Counter()
    for seed in range(REPETITIONS):
        orders, true_effects = orders_and_effects(seed)
        effects = list(order_effects(orders))
        held.update(each for each in Comparison if holds_at_every_look(orders, true_effects, effects, each))

    assert [each for each in Comparison if held[each] / REPETITIONS < FEWEST_HELD] == []
