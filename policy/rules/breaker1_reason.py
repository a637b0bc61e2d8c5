"""The reason of a decision of the rule set `breaker`: its codes as a sentence for people."""

from datetime import UTC, datetime

from policy.enums import Regime
from policy.reason_codes import Code
from policy.rules.breaker_state import Breaker, State

_WHOSE = {"own": "the symbol's breaker", "pool": "the scope's breaker"}


def breaker1_sentence(state: State, codes: tuple[Code, ...], regime: Regime) -> str:
    """Return what the router is to do, what each breaker did and why, which misses are left out, and the volatility."""
    by_name = {code.code: code for code in codes}
    parts = [_advice(state, by_name)]
    parts += filter(None, (_breaker("own", state.own, by_name), _breaker("pool", state.pool, by_name)))
    if "streaks_missing" in by_name:
        parts.append("the order of events was not measured")
    parts += survivor_words(by_name)
    parts.append("volatility is unknown" if regime is Regime.UNKNOWN else f"volatility is {regime}")
    return "; ".join(parts)


def survivor_words(by_name: dict[str, Code]) -> tuple[str, ...]:
    """Return which misses the source leaves out; empty if it leaves out none."""
    survivors = by_name.get("survivor_count_not_good")
    if survivors is None:
        return ()
    return (f"the source does not keep the misses of {survivors.value:g} maker starts, so the quality is never good",)


def _advice(state: State, by_name: dict[str, Code]) -> str:
    if state.own.opened_at or state.pool.opened_at:
        return "maker orders are held back but for probes"
    if fees := by_name.get("fee_gap_loses"):
        return (
            f"go straight to taker: a maker fill saves {fees.value:g} bps of fees, "
            f"less than {fees.threshold:g}, where the spread is one tick"
        )
    if "low_variance_in_panic" in by_name:
        return "try maker first, but wait a quarter of the time, for outcomes that vary less"
    return "try maker first and wait the full time"


def _breaker(which: str, breaker: Breaker, by_name: dict[str, Code]) -> str:
    name = _WHOSE[which]
    if f"{which}_closed_by_probe" in by_name:
        return f"{name} closed: a probe filled"
    if f"{which}_opened" in by_name:
        return f"{_grounds(which, by_name)}: {name} opened at {_iso(breaker.opened_at)}"
    if breaker.opened_at is not None:
        return f"{name} is open since {_iso(breaker.opened_at)}"
    return ""


def _grounds(which: str, by_name: dict[str, Code]) -> str:
    grounds = []
    streak = by_name.get(f"{which}_miss_streak")
    if streak is not None:
        ratio, chance = by_name[f"{which}_miss_ratio"].value, by_name[f"{which}_miss_streak_probability"]
        grounds.append(
            f"{streak.value:g} misses in a row, {which} miss ratio {ratio:.4g}, "
            f"{ratio:.4g}^{streak.value:g} = {_plain(chance.value)} <= {_plain(chance.threshold)}"
        )
    if which == "own" and (rejects := by_name.get("reject_streak")):
        grounds.append(f"{rejects.value:g} post-only rejects in a row >= {rejects.threshold:g}")
    return ", ".join(grounds)


def _plain(value: float | None) -> str:
    """Write a probability with two significant digits and without an exponent."""
    return f"{float(f'{value:.2g}'):.9f}".rstrip("0").rstrip(".")


def _iso(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
