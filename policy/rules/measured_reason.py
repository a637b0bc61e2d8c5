"""The reason of a decision of the rule set `measured`: its codes as a sentence for people."""

from collections.abc import Iterator

from policy.enums import Regime
from policy.maker_cost import CostRoute
from policy.reason_codes import Code
from policy.rules.breaker_reason import breaker_words, post_words
from policy.rules.breaker_state import State
from policy.rules.breaker_words import advice_words, closing_words

_WHOSE = {"own": "the symbol's own maker orders", "pool": "the maker orders of all symbols"}
_TAKER = "go straight to taker"


def measured_sentence(state: State, codes: tuple[Code, ...], regime: Regime) -> str:
    """Return what the router is to do, what the evidence of costs shows, what each breaker did, and the volatility."""
    by_name = {code.code: code for code in codes}
    advice = _advice(state, by_name) + post_words(by_name)
    parts = (advice, *_costs(by_name), *breaker_words(state, by_name), *closing_words(by_name, regime))
    return "; ".join(parts)


def _advice(state: State, by_name: dict[str, Code]) -> str:
    goes_to_taker = state.cost_route is CostRoute.TAKER and not state.is_open
    return _TAKER if goes_to_taker else advice_words(state, by_name)


def _costs(by_name: dict[str, Code]) -> Iterator[str]:
    if "fee_gap_missing" in by_name:
        yield "the settings have no fees for the symbol, so what its maker orders cost is not known"
    if "maker_cost_missing" in by_name:
        yield "what maker orders cost was not measured"
    for which, whose in _WHOSE.items():
        if few := by_name.get(f"{which}_cost_orders"):
            yield f"{whose} with a quote at arrival are {few.value:g}, fewer than {few.threshold:g}"
        for verdict, words in (("costs_more", "more"), ("costs_less", "less")):
            if code := by_name.get(f"{which}_maker_{verdict}"):
                yield f"{whose} cost {abs(code.value or 0):.3g} bps {words} than crossing, ±{code.threshold:.2g}"
        if code := by_name.get(f"{which}_maker_cost_unclear"):
            yield f"{whose} cost {code.value:+.3g} bps against crossing, ±{code.threshold:.2g}, which is not clear"
    if by_name.keys() & {"kept_taker", "kept_maker"}:
        yield "so it stays as it was"
