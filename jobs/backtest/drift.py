"""Sides that foresee the price, as those of a bot with a signal do: the price moves on with the order."""

import numpy as np

from jobs.backtest.arrays import Floats, Integers
from jobs.backtest.errors import BacktestError

_HALVINGS = 60


def tilted_sides(symbol: str, moves_bps: Floats, drift_bps: float, side_draw: Floats, which: Integers) -> Integers:
    """Return the side of each order of a market: 1 to buy, -1 to sell.

    `moves_bps` is how far the price moves after each possible arrival, and `which` the arrival of each order. An order
    goes with its move more often the larger the move, and so much that over all arrivals the price moves `drift_bps`
    with it on average. `side_draw` (0 to 1) is by order. Raises BacktestError if even always going with the move is not
    enough.
    """
    strength = _strength(symbol, np.abs(moves_bps), drift_bps)
    buy_share = (1 + np.tanh(strength * moves_bps[which])) / 2
    return np.where(side_draw < buy_share, 1, -1)


def _strength(symbol: str, distance_bps: Floats, drift_bps: float) -> float:
    """Return by halving intervals how strongly moves must tilt the sides."""
    if len(distance_bps) == 0:
        return 0.0
    if distance_bps.mean() <= drift_bps:
        raise BacktestError(
            f"a drift of {drift_bps:g} bps is out of reach for {symbol}: while an order waits, "
            f"its price moves {distance_bps.mean():.1f} bps on average; give less, or a longer wait"
        )
    low, high = 0.0, 1.0
    while _drift(distance_bps, high) < drift_bps:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _drift(distance_bps, middle) < drift_bps else (low, middle)
    return high


def _drift(distance_bps: Floats, strength: float) -> float:
    return float((distance_bps * np.tanh(strength * distance_bps)).mean())
