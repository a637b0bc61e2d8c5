"""What the fees say of maker first, in words."""

import pytest

from policy.fee_gap import FeeGap, FeeGapVerdict, fee_gap_words, judge_fee_gap


@pytest.mark.parametrize(
    ("gap_bps", "is_one_tick", "verdict"),
    [
        (None, True, None),
        (-0.5, True, "loses"),  # a rebate for takers
        (0.0, True, "loses"),
        (0.499999999, True, "loses"),
        (0.5, True, "no_clear_saving"),
        (1.249999999, True, "no_clear_saving"),
        (1.25, True, "saves"),
        (3.0, True, "saves"),
        (0.0, False, "wide_spread"),
        (1.249999999, False, "wide_spread"),
        (1.25, False, "saves"),
        (0.0, None, "unknown_spread"),
        (1.249999999, None, "unknown_spread"),
        (1.25, None, "saves"),
    ],
)
def test_the_gap_decides_where_the_spread_is_one_tick(
    gap_bps: float | None, is_one_tick: bool | None, verdict: str | None
) -> None:
    assert judge_fee_gap(FeeGap(gap_bps=gap_bps, is_one_tick=is_one_tick)) == verdict


@pytest.mark.parametrize(
    ("gap_bps", "is_one_tick", "words"),
    [
        (3.0, True, "maker-first can save, by the fees alone: the fee gap of 3 bps is 1.25 or more"),
        (0.4, True, "maker-first loses: the fee gap of 0.4 bps is below 0.5, and the spread is one tick"),
        (0.5, True, "no clear saving: the fee gap of 0.5 bps is below 1.25, and the spread is one tick"),
        (0.4, False, "maker-first can save whatever the fee gap, 0.4 bps: the spread is wider than one tick"),
        (
            0.4,
            None,
            "maker-first loses if the spread is one tick, which the candles do not show: "
            "the fee gap of 0.4 bps is small",
        ),
        (
            1.0,
            None,
            "no clear saving if the spread is one tick, which the candles do not show: the fee gap of 1 bps is small",
        ),
        (None, None, None),
    ],
)
def test_the_words_name_the_figures(gap_bps: float | None, is_one_tick: bool | None, words: str | None) -> None:
    assert fee_gap_words(FeeGap(gap_bps=gap_bps, is_one_tick=is_one_tick)) == words


def test_every_verdict_has_words_of_its_own() -> None:
    cases = [
        FeeGap(gap_bps=gap, is_one_tick=is_one_tick) for gap in (0.0, 1.0, 2.0) for is_one_tick in (True, False, None)
    ]
    words = {judge_fee_gap(case): fee_gap_words(case) for case in cases}

    assert set(words) == set(FeeGapVerdict)
    assert len(set(words.values())) == len(FeeGapVerdict)
