"""The reason of a decision of the rule set `breaker1`: its codes as a sentence for people."""

from datetime import UTC, datetime

from policy.enums import Regime
from policy.reason_codes import Code
from policy.rules.breaker_state import Breaker, State
from policy.rules.breaker_words import WHOSE, advice_words, closing_words, reject_words


def breaker1_sentence(state: State, codes: tuple[Code, ...], regime: Regime) -> str:
    """Return what the router is to do, what each breaker did and why, which misses are left out, and the volatility."""
    by_name = {code.code: code for code in codes}
    parts = [advice_words(state, by_name)]
    parts += filter(None, (_breaker("own", state.own, by_name), _breaker("pool", state.pool, by_name)))
    if "streaks_missing" in by_name:
        parts.append("the order of events was not measured")
    parts += closing_words(by_name, regime)
    return "; ".join(parts)


def _breaker(which: str, breaker: Breaker, by_name: dict[str, Code]) -> str:
    name = WHOSE[which]
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
    return ", ".join((*grounds, *reject_words(which, by_name)))


def _plain(value: float | None) -> str:
    """Write a probability with two significant digits and without an exponent."""
    return f"{float(f'{value:.2g}'):.9f}".rstrip("0").rstrip(".")


def _iso(moment: datetime | None) -> str:
    """Write a time as version 1 always did, to the second: stored reasons are derived again."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
