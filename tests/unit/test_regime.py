"""Which volatility regime a ratio of true ranges stands for, and when it is not known."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Code, Volatility, classify_atr_regime
from policy.enums import Regime
from policy.regime import judge_regime

CALMEST_FIRST = [Regime.QUIET, Regime.NORMAL, Regime.HOT, Regime.PANIC]


def volatility(
    *, bars: int = 500, ratio: float | None = 1.0, age_seconds: float | None = 60.0, **figures: float
) -> Volatility:
    return Volatility(bar_count=bars, atr_ratio=ratio, bar_age_seconds=age_seconds, **figures)


@pytest.mark.parametrize(
    ("bound", "just_below", "at_or_above"), [(0.5, "quiet", "normal"), (1.5, "normal", "hot"), (2.5, "hot", "panic")]
)
def test_a_regime_begins_at_its_bound(bound: float, just_below: str, at_or_above: str) -> None:
    assert classify_atr_regime(math.nextafter(bound, -math.inf)) == just_below
    assert classify_atr_regime(bound) == at_or_above
    assert classify_atr_regime(math.nextafter(bound, math.inf)) == at_or_above


@pytest.mark.parametrize(("ratio", "regime"), [(0.0, "quiet"), (1.0, "normal"), (2.0, "hot"), (1e9, "panic")])
def test_a_ratio_inside_its_bounds(ratio: float, regime: str) -> None:
    assert classify_atr_regime(ratio) == regime


@pytest.mark.parametrize("ratio", [None, math.nan, math.inf, -math.inf])
def test_a_ratio_that_is_no_number_is_unknown(ratio: float | None) -> None:
    assert classify_atr_regime(ratio) == "unknown"
    assert judge_regime(volatility(ratio=ratio), None) == (Regime.UNKNOWN, (Code(code="atr_ratio_missing"),))


@given(calmer=st.floats(min_value=0, max_value=100), wilder=st.floats(min_value=0, max_value=100))
def test_a_greater_ratio_is_never_a_calmer_regime(calmer: float, wilder: float) -> None:
    calmer, wilder = sorted((calmer, wilder))

    assert CALMEST_FIRST.index(classify_atr_regime(calmer)) <= CALMEST_FIRST.index(classify_atr_regime(wilder))


@pytest.mark.parametrize(
    ("ratio", "code", "threshold"),
    [
        (0.4, "regime_quiet", 0.5),
        (1.0, "regime_normal", 1.5),
        (2.0, "regime_hot", 2.5),
        (3.0, "regime_panic", 2.5),
    ],
)
def test_the_code_names_the_ratio_and_the_bound_it_met(ratio: float, code: str, threshold: float) -> None:
    _, codes = judge_regime(volatility(ratio=ratio), None)

    assert codes == (Code(code=code, value=ratio, threshold=threshold),)


@pytest.mark.parametrize("bars", [0, 1, 50, 499])
def test_fewer_than_500_bars_are_unknown_and_said(bars: int) -> None:
    regime, codes = judge_regime(volatility(bars=bars, ratio=1.0), None)

    assert regime == "unknown"
    assert codes == (Code(code="regime_unknown_too_few_bars", value=float(bars), threshold=500.0),)


def test_500_bars_are_enough() -> None:
    assert judge_regime(volatility(bars=500, ratio=1.0), None)[0] == "normal"


def test_bars_older_than_the_limit_are_unknown_and_said() -> None:
    just_too_old = math.nextafter(3600.0, math.inf)
    regime, codes = judge_regime(volatility(age_seconds=just_too_old), 3600.0)

    assert regime == "unknown"
    assert codes == (Code(code="regime_unknown_candles_too_old", value=just_too_old, threshold=3600.0),)


def test_bars_as_old_as_the_limit_will_do() -> None:
    assert judge_regime(volatility(age_seconds=3600.0), 3600.0)[0] == "normal"


def test_without_a_limit_bars_of_any_age_will_do() -> None:
    assert judge_regime(volatility(age_seconds=1e9), None)[0] == "normal"
