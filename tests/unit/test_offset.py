"""The maker offset in basis points from the mid, worked out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Effectiveness, Evidence, Expectancy, Regime, maker_offset_bps


def evidence(
    maker: float | None = None,
    fallback: float | None = None,
    slippage: float | None = None,
    expectancy: float | None = None,
) -> Evidence:
    return Evidence(
        symbol="BTCUSDT",
        effectiveness=Effectiveness(maker_fill_ratio=maker, fallback_ratio=fallback, slip_q50=slippage),
        expectancy=Expectancy(expectancy=expectancy),
    )


def above(value: float) -> float:
    return math.nextafter(value, math.inf)


def below(value: float) -> float:
    return math.nextafter(value, -math.inf)


@pytest.mark.parametrize(
    ("regime", "offset"), [("quiet", 1.5), ("normal", 2.0), ("hot", 2.5), ("panic", 3.0), ("unknown", 2.0)]
)
def test_the_regime_moves_the_start_of_2_bps(regime: str, offset: float) -> None:
    assert maker_offset_bps(evidence(), Regime(regime)) == offset


@pytest.mark.parametrize(
    ("maker", "fallback", "slippage", "expectancy", "offset"),
    [
        (0.7, None, None, None, 2.0),
        (above(0.7), None, None, None, 1.5),
        (below(0.7), None, None, None, 2.0),
        (None, 0.5, None, None, 2.0),
        (None, above(0.5), None, None, 3.0),
        (None, 0.8, None, None, 3.0),
        (None, above(0.8), None, None, 4.5),
        (None, below(0.8), None, None, 3.0),
        (None, None, 5.0, None, 2.0),
        (None, None, above(5.0), None, 2.8),
        (None, None, 1.0, None, 2.0),
        (None, None, below(1.0), None, 1.8),
        (None, None, 0.0, None, 1.8),
        (None, None, None, 0.0, 2.0),
        (None, None, None, -0.0, 2.0),
        (None, None, None, 5e-324, 1.8),
        (None, None, None, -5e-324, 2.2),
    ],
)
def test_each_figure_moves_it_only_past_its_bound(
    maker: float | None, fallback: float | None, slippage: float | None, expectancy: float | None, offset: float
) -> None:
    assert maker_offset_bps(evidence(maker, fallback, slippage, expectancy), Regime.NORMAL) == offset


@pytest.mark.parametrize(
    ("figures", "regime", "offset"),
    [
        ((0.8, 0.2, 0.5, 0.001), Regime.QUIET, 0.6),  # 2.0 - 0.5 - 0.5 - 0.2 - 0.2
        ((0.1, 0.9, 25.0, -0.001), Regime.PANIC, 6.5),  # 2.0 + 1.0 + 1.0 + 1.5 + 0.8 + 0.2
        ((0.75, 0.55, 6.0, -0.5), Regime.HOT, 4.0),  # 2.0 + 0.5 - 0.5 + 1.0 + 0.8 + 0.2
        ((0.5, 0.3, 3.0, None), Regime.NORMAL, 2.0),
        ((0.9, 0.85, -2.0, 0.01), Regime.UNKNOWN, 3.6),  # 2.0 - 0.5 + 2.5 - 0.2 - 0.2
    ],
)
def test_the_moves_add_up(figures: tuple[float | None, ...], regime: Regime, offset: float) -> None:
    assert maker_offset_bps(evidence(*figures), regime) == offset


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_a_missing_figure_moves_it_nowhere(value: float | None) -> None:
    assert maker_offset_bps(evidence(value, value, value, value), Regime.NORMAL) == 2.0


@given(
    figures=st.tuples(*[st.none() | st.floats()] * 4),
    regime=st.sampled_from(list(Regime)),
)
def test_it_stays_between_half_a_bps_and_eight(figures: tuple[float | None, ...], regime: Regime) -> None:
    offset = maker_offset_bps(evidence(*figures), regime)

    assert 0.5 <= offset <= 8.0
    assert offset == round(offset, 9)
