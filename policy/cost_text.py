"""The evidence of what maker orders cost as the JSON text that is stored, so that a decision can be derived again."""

import json
from dataclasses import asdict
from functools import lru_cache

from policy.maker_cost import CostSample, MakerCost

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


@lru_cache(maxsize=4096)  # the symbols of a run share the pool's
def cost_to_text(cost: MakerCost) -> str:
    """Write the costs of maker and of taker orders: of each its count, mean and standard deviation.

    Keys are sorted, and there are no blanks. Raises ValueError for a number that is not finite.
    """
    return _ENCODER.encode(asdict(cost))


@lru_cache(maxsize=4096)
def cost_from_text(text: str) -> MakerCost:
    """Read what `cost_to_text` wrote. Raises ValueError, KeyError or TypeError for any other text."""
    parts = json.loads(text)
    return MakerCost(maker=CostSample(**parts["maker"]), taker=CostSample(**parts["taker"]))
