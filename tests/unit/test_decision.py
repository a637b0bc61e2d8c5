"""The decision table: what a router is told for each quality in each regime."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Code, Quality, Regime, RouterPolicy, TakerBias, router_policy

FIGURES = {
    Quality.GOOD: {"maker_fill_ratio": 0.8, "fallback_ratio": 0.2, "slip_q50": 2.0},
    Quality.OK: {"maker_fill_ratio": 0.5, "fallback_ratio": 0.3, "slip_q50": 5.0},
    Quality.DEGRADED: {"maker_fill_ratio": 0.4, "fallback_ratio": 0.7, "slip_q50": 6.0},
    Quality.BROKEN: {"maker_fill_ratio": 0.2, "fallback_ratio": 0.95, "slip_q50": 30.0},
}
CALM = (Regime.QUIET, Regime.NORMAL, Regime.HOT, Regime.UNKNOWN)
TABLE = [
    *((Quality.GOOD, regime, True, TakerBias.PREFER_MAKER) for regime in CALM),
    *((Quality.OK, regime, True, TakerBias.BALANCED) for regime in CALM),
    *((Quality.DEGRADED, regime, True, TakerBias.PREFER_TAKER) for regime in CALM),
    *((Quality.BROKEN, regime, False, TakerBias.PREFER_TAKER) for regime in CALM),
    (Quality.GOOD, Regime.PANIC, True, TakerBias.PREFER_TAKER),
    (Quality.OK, Regime.PANIC, True, TakerBias.PREFER_TAKER),
    (Quality.DEGRADED, Regime.PANIC, False, TakerBias.PREFER_TAKER),
    (Quality.BROKEN, Regime.PANIC, False, TakerBias.PREFER_TAKER),
]


def maker_friendliness(policy: RouterPolicy) -> float:
    """The share of the full wait at the maker price that the policy grants; 0 if it crosses at once."""
    shares = {TakerBias.PREFER_MAKER: 1.0, TakerBias.BALANCED: 0.5, TakerBias.PREFER_TAKER: 0.25}
    return shares[policy.taker_bias] if policy.maker_first else 0.0


def words_of(policy: RouterPolicy) -> set[str]:
    return {code.code for code in policy.codes}


@pytest.mark.parametrize(("quality", "regime", "maker_first", "taker_bias"), TABLE)
def test_the_decision_table(quality: Quality, regime: Regime, maker_first: bool, taker_bias: TakerBias) -> None:
    policy = router_policy(FIGURES[quality], regime)

    assert (policy.quality, policy.maker_first, policy.taker_bias) == (quality, maker_first, taker_bias)


def test_the_decision_table_names_every_quality_in_every_regime_once() -> None:
    assert sorted((quality, regime) for quality, regime, *_ in TABLE) == sorted(product(Quality, Regime))


def test_a_broken_router_goes_straight_to_taker() -> None:
    policy = router_policy({"maker_fill_ratio": 0.2, "fallback_ratio": 0.95, "slip_q50": 30.0}, "normal")

    assert policy.quality == "broken"
    assert policy.maker_first is False
    assert policy.taker_bias == "prefer_taker"


def test_a_good_router_waits_as_maker() -> None:
    policy = router_policy({"maker_fill_ratio": 0.8, "fallback_ratio": 0.2, "slip_q50": 2.0}, "normal")

    assert policy.quality == "good"
    assert policy.maker_first is True
    assert policy.taker_bias == "prefer_maker"


@pytest.mark.parametrize("regime", list(Regime))
def test_a_worse_quality_is_never_more_maker_friendly(regime: Regime) -> None:
    patience = [maker_friendliness(router_policy(FIGURES[quality], regime)) for quality in Quality]

    assert all(better >= worse for better, worse in pairwise(patience))


@given(
    maker=st.floats(min_value=0, max_value=1),
    fallback=st.floats(min_value=0, max_value=1),
    slippage=st.floats(min_value=-100, max_value=100),
    calm=st.sampled_from(CALM),
)
def test_panic_is_never_more_maker_friendly(maker: float, fallback: float, slippage: float, calm: Regime) -> None:
    figures = {"maker_fill_ratio": maker, "fallback_ratio": fallback, "slip_q50": slippage}
    in_panic, in_calm = router_policy(figures, Regime.PANIC), router_policy(figures, calm)

    assert in_panic.quality == in_calm.quality
    assert maker_friendliness(in_panic) <= maker_friendliness(in_calm)


@pytest.mark.parametrize("quality", list(Quality))
def test_an_unknown_regime_is_treated_as_normal_and_said(quality: Quality) -> None:
    unknown, normal = router_policy(FIGURES[quality], "unknown"), router_policy(FIGURES[quality], "normal")

    assert (unknown.maker_first, unknown.taker_bias) == (normal.maker_first, normal.taker_bias)
    assert "volatility is unknown and treated as normal" in unknown.reason


@pytest.mark.parametrize(
    ("quality", "regime", "code"),
    [
        (Quality.BROKEN, Regime.NORMAL, "broken_disables_maker"),
        (Quality.BROKEN, Regime.PANIC, "broken_disables_maker"),
        (Quality.DEGRADED, Regime.PANIC, "panic_disables_maker"),
        (Quality.OK, Regime.PANIC, "panic_prefers_taker"),
        (Quality.GOOD, Regime.PANIC, "panic_prefers_taker"),
    ],
)
def test_what_the_table_adds_is_among_the_codes(quality: Quality, regime: Regime, code: str) -> None:
    table_words = {"broken_disables_maker", "panic_disables_maker", "panic_prefers_taker"}

    assert words_of(router_policy(FIGURES[quality], regime)) & table_words == {code}


@pytest.mark.parametrize(
    ("quality", "codes"),
    [
        (
            Quality.GOOD,
            (
                Code(code="maker_fill_ratio_good", value=0.8, threshold=0.7),
                Code(code="fallback_ratio_good", value=0.2, threshold=0.4),
                Code(code="slip_q50_good", value=2.0, threshold=4.0),
            ),
        ),
        (
            Quality.OK,
            (
                Code(code="maker_fill_ratio_not_good", value=0.5, threshold=0.7),
                Code(code="slip_q50_not_good", value=5.0, threshold=4.0),
            ),
        ),
        (Quality.DEGRADED, (Code(code="fallback_ratio_degraded", value=0.7, threshold=0.6),)),
        (
            Quality.BROKEN,
            (
                Code(code="fallback_ratio_broken", value=0.95, threshold=0.9),
                Code(code="slip_q50_broken", value=30.0, threshold=20.0),
                Code(code="broken_disables_maker"),
            ),
        ),
    ],
)
def test_the_codes_name_each_figure_that_decided_with_its_threshold(quality: Quality, codes: tuple[Code, ...]) -> None:
    assert router_policy(FIGURES[quality], "normal").codes == codes


@pytest.mark.parametrize("regime", ["Normal", "wild", "", "None"])
def test_a_word_that_is_no_regime_is_refused(regime: str) -> None:
    with pytest.raises(ValueError, match="is not a valid Regime"):
        router_policy(FIGURES[Quality.GOOD], regime)
