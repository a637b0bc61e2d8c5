"""What the reasons of both versions of the breaker state in the same words."""

from policy.enums import Regime
from policy.reason_codes import Code
from policy.rules.breaker_state import State

WHOSE = {"own": "the symbol's breaker", "pool": "the scope's breaker"}


def advice_words(state: State, by_name: dict[str, Code]) -> str:
    """Return what the router is to do."""
    if state.is_open:
        return "maker orders are held back but for probes"
    if fees := by_name.get("fee_gap_loses"):
        return (
            f"go straight to taker: a maker fill saves {fees.value:g} bps of fees, "
            f"less than {fees.threshold:g}, where the spread is one tick"
        )
    if "low_variance_in_panic" in by_name:
        return "try maker first, but wait a quarter of the time, for outcomes that vary less"
    return "try maker first and wait the full time"


def closing_words(by_name: dict[str, Code], regime: Regime) -> tuple[str, ...]:
    """Return which misses the source leaves out, if any, and the volatility."""
    volatility = "volatility is unknown" if regime is Regime.UNKNOWN else f"volatility is {regime}"
    survivors = by_name.get("survivor_count_not_good")
    if survivors is None:
        return (volatility,)
    misses = f"the source does not keep the misses of {survivors.value:g} maker starts, so the quality is never good"
    return misses, volatility


def reject_words(which: str, by_name: dict[str, Code]) -> tuple[str, ...]:
    """Return the rejects that spoke for opening the symbol's breaker; empty if none did."""
    rejects = by_name.get("reject_streak") if which == "own" else None
    return () if rejects is None else (f"{rejects.value:g} post-only rejects in a row >= {rejects.threshold:g}",)
