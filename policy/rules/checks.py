"""The rules of a decision one by one: what was measured, what it was held against, and which way it went."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison of a rule.

    `rule` is the verdict that it counts towards. `value` None means that the figure was not measured; it was judged
    as 0 where `holds` is a truth value, and not at all where `holds` is None.
    """

    rule: str
    figure: str
    value: float | None
    sign: str
    threshold: float
    holds: bool | None
