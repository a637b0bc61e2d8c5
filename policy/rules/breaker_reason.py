"""The reason of a decision of the rule set `breaker`, version 2: its codes as a sentence for people."""

from collections.abc import Iterator

from policy.enums import Regime
from policy.reason_codes import Code
from policy.rules.breaker_state import Breaker, State
from policy.rules.breaker_words import WHOSE, advice_words, closing_words, reject_words
from policy.time_text import iso


def breaker_sentence(state: State, codes: tuple[Code, ...], regime: Regime) -> str:
    """Return what the router is to do, what each breaker did and by which figures, and the volatility."""
    by_name = {code.code: code for code in codes}
    advice = advice_words(state, by_name) + post_words(by_name)
    return "; ".join((advice, *breaker_words(state, by_name), *closing_words(by_name, regime)))


def breaker_words(state: State, by_name: dict[str, Code]) -> Iterator[str]:
    """Yield what each breaker did and by which figures, and whether the evidence of an outage is missing."""
    yield from filter(None, (_breaker("own", state.own, by_name), _breaker("pool", state.pool, by_name)))
    if "outage_evidence_missing" in by_name:
        yield "the evidence of an outage was not measured"


def post_words(by_name: dict[str, Code]) -> str:
    """Return why the order is posted more than once, empty if it is not."""
    if gap := by_name.get("reposts_by_fee_gap"):
        return f", posting again at the new price: the fee gap of {gap.value:g} bps is {gap.threshold:g} or more"
    if "reposts_on_wide_spread" in by_name:
        return ", posting again at the new price: the spread is wide"
    return ""


def _breaker(which: str, breaker: Breaker, by_name: dict[str, Code]) -> str:
    name = WHOSE[which]
    if closed := by_name.get(f"{which}_closed_by_probe"):
        return f"{name} closed: {_probes(closed)}"
    if f"{which}_opened" in by_name:
        return f"{_grounds(which, by_name)}: {name} opened at {iso(breaker.opened_at)}{_relapse(breaker)}"
    if breaker.opened_at is not None:
        return f"{name} is open since {iso(breaker.opened_at)}"
    return ""


def _probes(closed: Code) -> str:
    return "a probe filled" if closed.threshold == 1 else f"{closed.value:g} probes in a row filled"


def _relapse(breaker: Breaker) -> str:
    if not breaker.relapse_count:
        return ""
    times = "once" if breaker.relapse_count == 1 else f"{breaker.relapse_count} times"
    return f", again {times} soon after it had closed"


def _grounds(which: str, by_name: dict[str, Code]) -> str:
    grounds = []
    if total := by_name.get(f"{which}_outage_sum"):
        grounds.append(
            f"{_misses(which, by_name)}the evidence of an outage is {total.value:.4g} >= {total.threshold:g}"
        )
    return ", ".join((*grounds, *reject_words(which, by_name)))


def _misses(which: str, by_name: dict[str, Code]) -> str:
    """Return how many of the newest orders missed, and how many of these although the market traded through them."""
    orders, through, others = (
        by_name[f"{which}_{name}"].value or 0 for name in ("newest_orders", "traded_through_misses", "other_misses")
    )
    if not orders:
        return ""
    missed = f"of the last {orders:g} maker orders {through + others:g} missed"
    return f"{missed}, {through:g} of them although the market traded through their price, and "
