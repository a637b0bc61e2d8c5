"""Codes as stored text, the sentence beside them, and the rounding before anything is decided."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Code, router_policy
from policy.numbers import round_metric
from policy.reason_codes import codes_from_text, codes_to_text

numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
codes = st.lists(st.builds(Code, code=st.text(), value=numbers, threshold=numbers)).map(tuple)


@given(codes)
def test_codes_come_back_from_their_text_as_they_were(written: tuple[Code, ...]) -> None:
    assert codes_from_text(codes_to_text(written)) == written


def test_the_text_of_codes_is_compact_json_in_their_order() -> None:
    text = codes_to_text([Code(code="slip_q50_good", value=2.0, threshold=4.0), Code.missing("fallback_ratio")])

    assert text == (
        '[{"code":"slip_q50_good","threshold":4.0,"value":2.0},'
        '{"code":"fallback_ratio_missing","threshold":null,"value":null}]'
    )


def test_no_codes_are_an_empty_list() -> None:
    assert codes_to_text([]) == "[]"
    assert codes_from_text("[]") == ()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_json_cannot_hold_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        codes_to_text([Code(code="slip_q50_good", value=value)])


@pytest.mark.parametrize("text", ["", "nonsense", "{"])
def test_a_text_that_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        codes_from_text(text)


@pytest.mark.parametrize(
    ("figures", "regime", "reason"),
    [
        (
            {"maker_fill_ratio": 0.8, "fallback_ratio": 0.2, "slip_q50": 2.0},
            "quiet",
            "the maker-first router is good: try maker first and wait the full time "
            "(maker fills 0.8 >= 0.7, fallback 0.2 <= 0.4, median slippage 2 bps <= 4); volatility is quiet",
        ),
        (
            {"maker_fill_ratio": 0.5, "fallback_ratio": 0.3, "slip_q50": None},
            "unknown",
            "the maker-first router is ok: try maker first and wait half the time (maker fills 0.5 < 0.7); "
            "volatility is unknown and treated as normal; not measured and counted as 0: slip_q50",
        ),
        (
            {"maker_fill_ratio": 0.4, "fallback_ratio": 0.7, "slip_q50": 6.0},
            "panic",
            "the maker-first router is degraded: try maker first, but wait a quarter of the time "
            "(fallback 0.7 >= 0.6); volatility is panic and the router weak: go straight to taker",
        ),
        (
            {"maker_fill_ratio": 0.2, "fallback_ratio": 0.95, "slip_q50": 30.0},
            "normal",
            "the maker-first router is broken: go straight to taker "
            "(fallback 0.95 >= 0.9, median slippage 30 bps >= 20); volatility is normal",
        ),
        (
            {"maker_fill_ratio": 0.8, "fallback_ratio": 0.2, "slip_q50": 2.0},
            "panic",
            "the maker-first router is good: try maker first and wait the full time "
            "(maker fills 0.8 >= 0.7, fallback 0.2 <= 0.4, median slippage 2 bps <= 4); "
            "volatility is panic: wait a quarter of the time only",
        ),
    ],
)
def test_the_reason_says_the_figures_and_the_regime(figures: dict[str, float | None], regime: str, reason: str) -> None:
    assert router_policy(figures, regime).reason == reason


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (0.1234567894, 0.123456789),
        (0.1234567896, 0.12345679),
        (1, 1.0),
        (None, None),
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
    ],
)
def test_figures_are_rounded_to_nine_decimals_and_missing_unless_finite(
    value: float | None, rounded: float | None
) -> None:
    assert round_metric(value) == rounded


@pytest.mark.parametrize("value", [-0.0, -1e-12])
def test_minus_zero_becomes_zero(value: float) -> None:
    assert math.copysign(1.0, round_metric(value) or 0.0) == 1.0
    assert str(round_metric(value)) == "0.0"
