"""The evidence of one symbol: the inputs of a decision, each ratio beside its count."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from policy.fee_gap import NO_FEES, FeeGap
from policy.maker_cost import CostEvidence
from policy.streaks import Streaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Effectiveness:
    """How the maker-first router fared for one symbol over the window.

    Ratios are over the outcomes that started as maker, and None without any. Slippage is the signed cost in
    basis points against the mid at the decision (+ is worse), over the outcomes that filled. `survivor_count` is how
    many of the maker starts are of a kind whose misses the source does not keep; None if there are none.
    """

    maker_fill_ratio: float | None = None
    fallback_ratio: float | None = None
    slip_q25: float | None = None
    slip_q50: float | None = None
    slip_q75: float | None = None
    outcome_count: int = 0
    maker_started_count: int = 0
    slippage_count: int = 0
    survivor_count: int | None = None

    @classmethod
    def of(cls, effectiveness: "Mapping[str, object] | Effectiveness") -> "Effectiveness":
        """Read the figures that decide the quality from a mapping with the keys of this class.

        A key that is absent, None, NaN or infinite is a missing value. Raises TypeError for other values that are not
        numbers.
        """
        if isinstance(effectiveness, Effectiveness):
            return effectiveness
        return cls(
            maker_fill_ratio=_number("maker_fill_ratio", effectiveness.get("maker_fill_ratio")),
            fallback_ratio=_number("fallback_ratio", effectiveness.get("fallback_ratio")),
            slip_q50=_number("slip_q50", effectiveness.get("slip_q50")),
            survivor_count=_count("survivor_count", effectiveness.get("survivor_count")),
        )


def _number(key: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{key} must be a number or None, was {value!r}")
    return float(value) if math.isfinite(value) else None


def _count(key: str, value: object) -> int | None:
    number = _number(key, value)
    return int(number) if number is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatility:
    """How far a market moved, as a mean true range in percent of the last close, over 50 and over 500 closed bars.

    `bar_count` is the number of closed bars, at most 500; with fewer than 500, `atr_ratio` is None.
    `bar_age_seconds` runs from the close of the last closed bar to the run's `as_of`; None without a bar.
    """

    atr_short_pct: float | None = None
    atr_long_pct: float | None = None
    atr_ratio: float | None = None
    bar_count: int = 0
    bar_age_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectancy:
    """Realized profit per unit of notional in the hour of day (UTC) of `as_of`; None if nothing was closed."""

    expectancy: float | None = None
    expectancy_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that was measured for one symbol at one `as_of`.

    `streaks` is None if the rule set does not use the order of events, `cost` if it does not use the cost of maker
    orders.
    """

    symbol: str
    effectiveness: Effectiveness = Effectiveness()
    volatility: Volatility = Volatility()
    expectancy: Expectancy = Expectancy()
    fee_gap: FeeGap = NO_FEES
    streaks: Streaks | None = None
    cost: CostEvidence | None = None
