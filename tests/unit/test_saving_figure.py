"""The word for a saving, and what is shown of each symbol."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from math import sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.saving_words import saving_phrase
from policy.experiment.confidence_sequence import anytime_margin, single_look_margin
from policy.experiment.estimate import weight_of
from policy.experiment.saving import Answer, Comparison, ExperimentOrder, OrderEffect, order_effects
from policy.experiment.saving_figure import SavingFigure, SavingWord, judge_saving, saving_figures

TEN_DAYS = timedelta(days=10)


def figure(saving_bps: float, margin_bps: float | None, order_count: int = 500) -> SavingFigure:
    """Make a figure of all symbols."""
    return SavingFigure(
        symbol="",
        comparison=Comparison.MAKER_AGAINST_TAKER,
        order_count=order_count,
        maker_count=order_count - 10,
        taker_count=10,
        saving_bps=saving_bps,
        sent_margin_bps=margin_bps,
        sent_single_look_margin_bps=None,
        any_margin_bps=None,
        any_single_look_margin_bps=None,
        money_order_count=0,
        saving_money=None,
        margin_money=None,
        single_look_margin_money=None,
        any_margin_money=None,
        any_single_look_margin_money=None,
        mean_notional=None,
    )


@pytest.mark.parametrize(
    ("saving_bps", "margin_bps", "phrase"),
    [
        (2.1, 0.5, "saves 2.10 ± 0.50 bps an order"),
        (-2.1, 0.5, "costs 2.10 ± 0.50 bps an order"),
        (2.1, None, "not yet known (+2.10 bps an order)"),
    ],
)
def test_the_word_follows_from_the_interval(saving_bps: float, margin_bps: float | None, phrase: str) -> None:
    assert saving_phrase(figure(saving_bps, margin_bps), Answer.ORDERS_SENT, TEN_DAYS) == phrase


def test_before_five_orders_of_a_way_the_days_are_those_until_half_a_basis_point_as_planned() -> None:
    """2 % were taker: 1,414 orders are planned until ±0.5 bps, of which 200 came in ten days, 20 a day."""
    few = replace(figure(2.1, None, order_count=200), maker_count=196, taker_count=4)

    assert judge_saving(few, Answer.ORDERS_SENT, TEN_DAYS).remaining_days == pytest.approx((1414 - 200) / 20)


def test_before_any_order_of_a_way_nothing_tells_how_long_it_takes() -> None:
    one_way = replace(figure(2.1, None), maker_count=500, taker_count=0)

    assert saving_phrase(one_way, Answer.ORDERS_SENT, TEN_DAYS) == "not yet known (+2.10 bps an order)"


def test_an_unknown_saving_names_the_days_until_its_margin_is_as_small_as_it_is() -> None:
    # 500 orders in ten days. A margin of 2 falls to the saving of 1 at the count whose margin is half that of 500.
    verdict = judge_saving(figure(1.0, 2.0), Answer.ORDERS_SENT, TEN_DAYS)
    count = next(n for n in range(500, 10_000) if anytime_margin(n, 1.0) <= anytime_margin(500, 1.0) / 2)

    assert verdict.word is SavingWord.NOT_YET_KNOWN
    assert verdict.remaining_days == pytest.approx((count - 500) / 50, abs=0.05)
    assert str(verdict) == f"not yet known: about {round((count - 500) / 50)} more days"


@pytest.mark.parametrize(
    ("saving_bps", "margin_bps", "other"),
    [(0.0, 2.0, (0.25, 2.0)), (0.1, 2.0, (-0.25, 2.0)), (0.0, 0.2, (0.1, 0.2))],
    ids=["nothing saved", "less than a quarter of a bp", "half the margin if that is below a quarter"],
)
def test_a_saving_near_zero_is_awaited_to_a_quarter_of_a_basis_point(
    saving_bps: float, margin_bps: float, other: tuple[float, float]
) -> None:
    waited = judge_saving(figure(saving_bps, margin_bps), Answer.ORDERS_SENT, TEN_DAYS).remaining_days

    assert waited == judge_saving(figure(*other), Answer.ORDERS_SENT, TEN_DAYS).remaining_days
    assert waited is not None
    assert waited > 0


def test_a_day_is_written_in_the_singular() -> None:
    assert saving_phrase(figure(1.99, 2.0), Answer.ORDERS_SENT, TEN_DAYS).startswith(
        "not yet known: about 1 more day ("
    )


orders = st.lists(
    st.builds(
        ExperimentOrder,
        symbol=st.sampled_from("AB"),
        is_maker=st.booleans(),
        is_held_out=st.booleans(),
        propensity=st.floats(0.01, 0.99),
        cost_bps=st.floats(-100, 100),
        notional=st.none() | st.floats(1, 1e6),
    ),
    max_size=40,
)


@given(made=orders)
def test_the_orders_of_the_symbols_are_all_orders(made: list[ExperimentOrder]) -> None:
    figures = list(saving_figures(made))
    of_all = [each for each in figures if each.symbol == ""]

    assert [each.comparison for each in of_all] == [
        comparison for comparison in Comparison if any(weight_of(comparison, order) for order in made)
    ]
    for whole in of_all:
        parts = [each for each in figures if each.symbol and each.comparison is whole.comparison]
        assert len(made) == whole.order_count == whole.maker_count + whole.taker_count
        total = sum(part.order_count * part.saving_bps for part in parts)
        assert whole.saving_bps == pytest.approx(total / whole.order_count, abs=1e-6)
        assert sum(part.saving_money or 0.0 for part in parts) == pytest.approx(whole.saving_money or 0.0, abs=1e-4)


@given(made=orders)
def test_the_policy_saves_against_taker_what_maker_does_and_what_it_saves_against_maker(
    made: list[ExperimentOrder],
) -> None:
    saved = dict.fromkeys(Comparison, 0.0)
    saved |= {each.comparison: each.saving_bps for each in saving_figures(made) if each.symbol == ""}

    assert saved[Comparison.POLICY_AGAINST_TAKER] - saved[Comparison.POLICY_AGAINST_MAKER] == pytest.approx(
        saved[Comparison.MAKER_AGAINST_TAKER], abs=1e-6
    )


def orders_of_a_changed_policy(count: int) -> list[ExperimentOrder]:
    """Make orders of three symbols; of one, the policy says taker from the middle on. A tenth has no notional."""
    random = Random(17)
    made = []
    for number in range(count):
        symbol = random.choice("ABC")
        says_maker = symbol != "C" or number < count / 2
        share = random.choice([0.1, 0.2]) if says_maker else 0.25
        held_out = random.random() < share
        made.append(
            ExperimentOrder(
                symbol=symbol,
                is_maker=says_maker is not held_out,
                is_held_out=held_out,
                propensity=share if held_out else 1 - share,
                cost_bps=random.gauss(3.0, 9.0) if says_maker is not held_out else random.gauss(6.0, 0.7),
                half_spread_bps=random.uniform(0.2, 2.0),
                taker_fee_bps=5.0,
                notional=random.lognormvariate(6.0, 1.0) if random.random() < 0.9 else None,
            )
        )
    return made


def added_one_by_one(effects: list[OrderEffect], weights: list[float]) -> tuple[float, float, float]:
    """Return the saving and both deviations by the formulas of the estimator, term by term and exactly added."""
    count = len(effects)
    terms = [
        (effect, Fraction(weight), 1 - effect.order.propensity) for effect, weight in zip(effects, weights, strict=True)
    ]

    def mean_of(is_maker: bool, factor_of: Callable[[Fraction], Fraction]) -> float:
        of_every_order = surprises = coefficients = Fraction(0)
        for effect, weight, other in terms:
            went = effect.order.is_maker is is_maker
            probability = Fraction(effect.order.propensity if went else other)
            coefficient = weight**2 * factor_of(probability)
            of_every_order += coefficient / count
            if went:
                coefficients += coefficient / probability
                surprises += coefficient / probability * Fraction(effect.surprise_bps) ** 2
        return float(of_every_order * surprises / coefficients)

    expected = [weight * Fraction(effect.expected_bps) for effect, weight, _ in terms]
    mean = sum(expected) / count
    of_expected = float(sum((value - mean) ** 2 for value in expected) / count)
    saving = float(sum(weight * Fraction(effect.effect_bps) for effect, weight, _ in terms) / count)
    maker, taker = (mean_of(way, lambda q: 1 / q - 1) for way in (True, False))
    of_both = min(maker * taker, mean_of(True, lambda _: Fraction(1)) * mean_of(False, lambda _: Fraction(1)))
    any_order = sqrt(of_expected + mean_of(True, lambda q: 1 / q) + mean_of(False, lambda q: 1 / q))
    return saving, sqrt(maker + taker + 2 * sqrt(of_both)), any_order


def test_each_figure_is_that_of_its_orders_added_one_by_one() -> None:
    """To the ninth decimal: sorting the orders into strata changes no digit that is kept."""
    made = orders_of_a_changed_policy(600)
    effects = list(order_effects(made))
    figures = list(saving_figures(made))

    assert [(each.symbol, each.comparison) for each in figures if each.symbol in ("", "A", "C")] == [
        *(("", comparison) for comparison in Comparison),
        ("A", Comparison.MAKER_AGAINST_TAKER),
        ("A", Comparison.POLICY_AGAINST_TAKER),
        *(("C", comparison) for comparison in Comparison),
    ]
    for each in figures:
        own = [effect for effect in effects if each.symbol in ("", effect.order.symbol)]
        saving, sent, any_order = added_one_by_one(own, [weight_of(each.comparison, effect.order) for effect in own])
        assert each.saving_bps == round(saving, 9)
        assert each.sent_margin_bps == round(anytime_margin(len(own), sent), 9)
        assert each.any_margin_bps == round(anytime_margin(len(own), any_order), 9)
        priced = [(effect, notional) for effect in own if (notional := effect.order.notional) is not None]
        weights = [weight_of(each.comparison, effect.order) * notional * 1e-4 for effect, notional in priced]
        saving, sent, any_order = added_one_by_one([effect for effect, _ in priced], weights)
        assert each.money_order_count == len(priced) < len(own)
        assert each.saving_money == round(saving * len(priced), 9)
        assert each.margin_money == pytest.approx(anytime_margin(len(priced), sent) * len(priced), abs=1e-6)
        assert each.any_saving_money == round(saving, 9)
        assert each.any_margin_money == round(anytime_margin(len(priced), any_order), 9)
        assert each.any_single_look_margin_money == round(single_look_margin(len(priced), any_order), 9)
        assert each.mean_notional == pytest.approx(sum(notional for _, notional in priced) / len(priced))


def test_what_an_order_saves_in_money_counts_large_orders_by_their_size() -> None:
    """Half of the orders are of 100 and save 4 bps, half are of 300 and save nothing.

    Their mean of 200 times the mean of 2 bps would be 0.04, but an order saves 0.04 or nothing: 0.02.
    """
    made = [
        ExperimentOrder(
            symbol="A" if is_small else "B",
            is_maker=not held_out,
            is_held_out=held_out,
            propensity=0.5,
            cost_bps=6.0 if held_out or not is_small else 2.0,
            taker_fee_bps=6.0,
            notional=100.0 if is_small else 300.0,
        )
        for _ in range(5000)
        for is_small in (True, False)
        for held_out in (True, False)
    ]
    of_all, *_ = saving_figures(made)

    assert of_all.saving_bps == pytest.approx(2.0, abs=0.01)
    assert (of_all.mean_notional, of_all.any_saving_money) == (200.0, pytest.approx(0.02, abs=1e-4))
    # What is saved varies by 0.02 around that, and nothing else does once the costs are known.
    assert of_all.any_margin_money == pytest.approx(anytime_margin(20_000, 0.02), rel=0.05)


def test_without_a_notional_nothing_is_said_of_money() -> None:
    (figure_of_all, *_) = saving_figures([replace(order, notional=None) for order in orders_of_a_changed_policy(200)])

    assert figure_of_all.money_order_count == 0
    assert (figure_of_all.saving_money, figure_of_all.any_saving_money) == (None, None)
    assert (figure_of_all.any_margin_money, figure_of_all.mean_notional) == (None, None)
