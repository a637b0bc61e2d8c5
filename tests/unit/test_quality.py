"""Where one router quality ends and the next begins, and which grounds are given for it."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import Code, Effectiveness, Quality, classify_router_quality, router_policy
from policy.quality import QualityThresholds

WORST_FIRST = [Quality.BROKEN, Quality.DEGRADED, Quality.OK, Quality.GOOD]
GOOD = {"maker_fill_ratio": 0.8, "fallback_ratio": 0.2, "slip_q50": 2.0}

ratios = st.floats(min_value=0.0, max_value=1.0)
slippages = st.floats(min_value=-200.0, max_value=200.0)
not_measured = st.sampled_from([None, math.nan, math.inf, -math.inf])


def below(value: float) -> float:
    return math.nextafter(value, -math.inf)


def above(value: float) -> float:
    return math.nextafter(value, math.inf)


def rank(figures: Mapping[str, object]) -> int:
    return WORST_FIRST.index(classify_router_quality(figures))


@pytest.mark.parametrize(
    ("maker_fill_ratio", "fallback_ratio", "slip_q50", "quality"),
    [
        (0.8, 0.2, 2.0, "good"),
        (0.4, 0.7, 6.0, "degraded"),
        (0.2, 0.95, 25.0, "broken"),
        (0.5, 0.3, 5.0, "ok"),
    ],
)
def test_the_tiers_of_the_first_specification(
    maker_fill_ratio: float, fallback_ratio: float, slip_q50: float, quality: str
) -> None:
    figures = {"maker_fill_ratio": maker_fill_ratio, "fallback_ratio": fallback_ratio, "slip_q50": slip_q50}

    assert classify_router_quality(figures) == quality


@pytest.mark.parametrize(
    ("figure", "bound", "at_or_above", "just_below"),
    [
        ("fallback_ratio", 0.9, "broken", "degraded"),
        ("fallback_ratio", 0.6, "degraded", "ok"),
        ("slip_q50", 20.0, "broken", "degraded"),
        ("slip_q50", 8.0, "degraded", "ok"),
        ("maker_fill_ratio", 0.7, "good", "ok"),
    ],
)
def test_a_bound_from_below_is_met_at_it(figure: str, bound: float, at_or_above: str, just_below: str) -> None:
    assert classify_router_quality(GOOD | {figure: below(bound)}) == just_below
    assert classify_router_quality(GOOD | {figure: bound}) == at_or_above
    assert classify_router_quality(GOOD | {figure: above(bound)}) == at_or_above


@pytest.mark.parametrize(("figure", "bound"), [("fallback_ratio", 0.4), ("slip_q50", 4.0)])
def test_a_bound_from_above_is_still_good_at_it(figure: str, bound: float) -> None:
    assert classify_router_quality(GOOD | {figure: below(bound)}) == "good"
    assert classify_router_quality(GOOD | {figure: bound}) == "good"
    assert classify_router_quality(GOOD | {figure: above(bound)}) == "ok"


@pytest.mark.parametrize(
    ("figures", "quality"),
    [
        ({"maker_fill_ratio": 1.0, "fallback_ratio": 0.9, "slip_q50": -5.0}, "broken"),
        ({"maker_fill_ratio": 1.0, "fallback_ratio": 0.0, "slip_q50": 20.0}, "broken"),
        ({"maker_fill_ratio": 1.0, "fallback_ratio": 0.6, "slip_q50": -5.0}, "degraded"),
        ({"maker_fill_ratio": 1.0, "fallback_ratio": 0.0, "slip_q50": 8.0}, "degraded"),
        ({"maker_fill_ratio": 1.0, "fallback_ratio": 0.6, "slip_q50": 20.0}, "broken"),
        ({"maker_fill_ratio": 0.0, "fallback_ratio": 0.0, "slip_q50": -100.0}, "ok"),
    ],
)
def test_the_first_rule_that_fits_wins(figures: Mapping[str, object], quality: str) -> None:
    assert classify_router_quality(figures) == quality


@given(maker=ratios, fallback=ratios, slippage=slippages, survivors=st.integers(1, 1000))
def test_survivors_take_good_away_and_change_nothing_else(
    maker: float, fallback: float, slippage: float, survivors: int
) -> None:
    figures = {"maker_fill_ratio": maker, "fallback_ratio": fallback, "slip_q50": slippage}

    seen, without = classify_router_quality(figures | {"survivor_count": survivors}), classify_router_quality(figures)

    assert seen == ("ok" if without == "good" else without)


def test_survivors_are_the_reason_for_ok_beside_the_figures_that_are_not_good() -> None:
    survivors = Code(code="survivor_count_not_good", value=7, threshold=0)

    doubted = router_policy(GOOD | {"survivor_count": 7}, "normal")
    expensive = router_policy(GOOD | {"survivor_count": 7, "slip_q50": 5.0}, "normal")

    assert doubted.codes == (survivors,)
    assert "(7 maker starts of a kind whose misses the source does not keep > 0); " in doubted.reason
    assert expensive.codes == (Code(code="slip_q50_not_good", value=5.0, threshold=4.0), survivors)
    assert router_policy(GOOD | {"survivor_count": None}, "normal") == router_policy(GOOD, "normal")


def test_nothing_measured_is_ok_and_says_that_nothing_was_measured() -> None:
    policy = router_policy({}, "normal")

    assert policy.quality == "ok"
    assert policy.codes[:3] == (
        Code(code="maker_fill_ratio_missing"),
        Code(code="fallback_ratio_missing"),
        Code(code="slip_q50_missing"),
    )
    assert "not measured and counted as 0: maker_fill_ratio, fallback_ratio, slip_q50" in policy.reason


@given(figure=st.sampled_from(sorted(GOOD)), value=not_measured, others=st.tuples(ratios, ratios, slippages))
def test_a_figure_that_is_no_number_counts_as_zero_and_never_passes_for_measured(
    figure: str, value: float | None, others: tuple[float, float, float]
) -> None:
    figures = dict(zip(sorted(GOOD, key=list(GOOD).index), others, strict=True))
    missing = router_policy(figures | {figure: value}, "normal")
    zero = router_policy(figures | {figure: 0.0}, "normal")

    assert missing.quality == zero.quality
    assert missing.codes[0] == Code(code=f"{figure}_missing")
    assert not any(code.code == f"{figure}_missing" for code in zero.codes)
    about_it = [code for code in missing.codes if code.code.startswith(figure)]
    assert [code.value for code in about_it] == [None] * len(about_it)
    assert missing.reason.endswith(f"not measured and counted as 0: {figure}")


def test_a_key_that_is_absent_counts_as_missing() -> None:
    assert router_policy({"fallback_ratio": 0.2, "slip_q50": 2.0}, "normal").codes[0] == Code(
        code="maker_fill_ratio_missing"
    )


def test_figures_come_as_a_mapping_or_as_the_value_object_alike() -> None:
    as_object = Effectiveness(maker_fill_ratio=0.8, fallback_ratio=0.2, slip_q50=2.0)

    assert classify_router_quality(as_object) == classify_router_quality(GOOD) == Quality.GOOD
    assert router_policy(as_object, "hot") == router_policy(GOOD, "hot")


@pytest.mark.parametrize("value", ["0.8", True, [0.8], {}])
def test_a_value_that_is_no_number_at_all_is_refused_by_name(value: object) -> None:
    with pytest.raises(TypeError, match="fallback_ratio must be a number or None, was "):
        classify_router_quality(GOOD | {"fallback_ratio": value})


@given(maker=ratios, fallback=ratios, more=ratios, slippage=slippages)
def test_more_fallback_never_raises_quality(maker: float, fallback: float, more: float, slippage: float) -> None:
    less, greater = sorted((fallback, more))
    figures = {"maker_fill_ratio": maker, "slip_q50": slippage}

    assert rank(figures | {"fallback_ratio": greater}) <= rank(figures | {"fallback_ratio": less})


@given(maker=ratios, fallback=ratios, slippage=slippages, more=slippages)
def test_more_slippage_never_raises_quality(maker: float, fallback: float, slippage: float, more: float) -> None:
    less, greater = sorted((slippage, more))
    figures = {"maker_fill_ratio": maker, "fallback_ratio": fallback}

    assert rank(figures | {"slip_q50": greater}) <= rank(figures | {"slip_q50": less})


@given(maker=ratios, fewer=ratios, fallback=ratios, slippage=slippages)
def test_fewer_maker_fills_never_raise_quality(maker: float, fewer: float, fallback: float, slippage: float) -> None:
    less, greater = sorted((maker, fewer))
    figures = {"fallback_ratio": fallback, "slip_q50": slippage}

    assert rank(figures | {"maker_fill_ratio": less}) <= rank(figures | {"maker_fill_ratio": greater})


def test_other_thresholds_move_the_bounds() -> None:
    strict = QualityThresholds(broken_fallback_ratio=0.2, good_slip_q50_bps=1.0)

    assert classify_router_quality(GOOD, strict) == "broken"
    assert classify_router_quality(GOOD | {"fallback_ratio": 0.1}, strict) == "ok"
    assert classify_router_quality(GOOD | {"fallback_ratio": 0.1, "slip_q50": 1.0}, strict) == "good"
