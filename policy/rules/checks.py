"""The checks of a decision: each measured figure, its threshold, and the result."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison of a rule.

    `rule` is the verdict that it counts towards. `holds` None means that it was not compared: an earlier rule had
    decided, or the figure was not measured. `value` None means that it was not measured; it counted as 0 if `holds` is
    a truth value.
    """

    rule: str
    figure: str
    value: float | None
    sign: str
    threshold: float
    holds: bool | None


def threshold_check(rule: str, figure: str, value: float, sign: str, threshold: float) -> Check:
    """Return the comparison of a measured figure with its threshold; the sign is >= or <=."""
    holds = value >= threshold if sign == ">=" else value <= threshold
    return Check(rule=rule, figure=figure, value=float(value), sign=sign, threshold=float(threshold), holds=holds)
