"""The checks of a decision: each measured figure, its threshold, and the result."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison of a rule.

    `rule` is the verdict that it counts towards. `value` None means that the figure was not measured; it counted as 0
    if `holds` is a truth value, and was not compared if `holds` is None.
    """

    rule: str
    figure: str
    value: float | None
    sign: str
    threshold: float
    holds: bool | None
