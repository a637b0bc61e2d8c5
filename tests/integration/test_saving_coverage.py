"""How often the intervals of a saving hold, on made orders whose true saving is known, at a look after each order."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from policy.experiment.estimate import estimate_saving
from policy.experiment.saving import Answer, ExperimentOrder, order_effects
from policy.experiment.saving_figure import ALL_SYMBOLS, saving_figures
from tests.support.saving_looks import FEWEST_HELD, REPETITIONS, Floats, Looks, looks

TAKER_FEE_BPS = 5.0
MAKER_DEVIATION_BPS, TAKER_DEVIATION_BPS = 8.9, 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeOrders:
    """Orders of four symbols with the cost of both ways, of which chance showed one."""

    orders: list[ExperimentOrder]
    true_saving_bps: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class BothWays:
    """Orders with the cost of both ways, in arrays; whether chance sends each as maker."""

    symbols: NDArray[np.int64]
    half_spread_bps: Floats
    taker_bps: Floats
    maker_bps: Floats
    is_maker: NDArray[np.bool_]


def both_ways(seed: int, count: int, share: float, mean_saving_bps: float) -> BothWays:
    """Draw costs that have the heavy tails of Student's t with 4 degrees of freedom."""
    random = np.random.default_rng(seed)
    symbols = random.integers(0, 4, count)
    half_spread_bps = random.uniform(0.2, 2.0, count)
    taker_bps = TAKER_FEE_BPS + half_spread_bps + TAKER_DEVIATION_BPS * random.standard_t(4, count) / np.sqrt(2)
    maker_bps = 6.1 - mean_saving_bps + symbols - 1.5 + MAKER_DEVIATION_BPS * random.standard_t(4, count) / np.sqrt(2)
    return BothWays(
        symbols=symbols,
        half_spread_bps=half_spread_bps,
        taker_bps=taker_bps,
        maker_bps=maker_bps,
        is_maker=random.random(count) >= share,
    )


def made_orders(seed: int, count: int, share: float, mean_saving_bps: float) -> MadeOrders:
    """Make orders of the costs of `both_ways`, of which each shows that of the way it went."""
    drawn = both_ways(seed, count, share, mean_saving_bps)
    symbols, half_spread_bps, is_maker = drawn.symbols, drawn.half_spread_bps, drawn.is_maker
    taker_bps, maker_bps = drawn.taker_bps, drawn.maker_bps
    orders = [
        ExperimentOrder(
            symbol=str(symbols[row]),
            is_maker=bool(is_maker[row]),
            is_held_out=not is_maker[row],
            propensity=1 - share if is_maker[row] else share,
            cost_bps=float(maker_bps[row] if is_maker[row] else taker_bps[row]),
            half_spread_bps=float(half_spread_bps[row]),
            taker_fee_bps=TAKER_FEE_BPS,
        )
        for row in range(count)
    ]
    return MadeOrders(orders=orders, true_saving_bps=taker_bps - maker_bps)


# Large orders save less: 2 - z bps with a notional of 1,000 exp(0.8 z - 0.32), whose mean is 1,000. As the mean of z
# exp(0.8 z - 0.32) is 0.8, an order saves 1,000 (2 - 0.8) / 10,000 on average, and not 0.2.
TRUE_MONEY = 0.12


def priced_orders(seed: int, count: int, share: float) -> list[ExperimentOrder]:
    """Make the orders of `made_orders` with a notional, the larger the less an order saves."""
    normal = np.random.default_rng([seed, 1]).standard_normal(count)
    return [
        replace(
            order,
            cost_bps=order.cost_bps + (float(z) if order.is_maker else 0.0),
            notional=float(1000 * np.exp(0.8 * z - 0.32)),
        )
        for order, z in zip(made_orders(seed, count, share, 2.0).orders, normal, strict=True)
    ]


def looks_at_maker_against_taker(orders: list[ExperimentOrder]) -> Looks:
    return looks(list(order_effects(orders)), np.full(len(orders), -1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The share of the repetitions in which an interval held at every look."""

    anytime: dict[Answer, float]
    single_look: dict[Answer, float]


def held_at_every_look(count: int, share: float, mean_saving_bps: float, seed: int) -> Held:
    """Look after every order of each repetition."""
    anytime: dict[Answer, int] = dict.fromkeys(Answer, 0)
    single_look: dict[Answer, int] = dict.fromkeys(Answer, 0)
    for repetition in range(REPETITIONS):
        made = made_orders(seed + repetition, count, share, mean_saving_bps)
        seen = looks_at_maker_against_taker(made.orders)
        so_far = np.cumsum(made.true_saving_bps) / np.arange(1, count + 1)
        truths: dict[Answer, Floats | float] = {Answer.ORDERS_SENT: so_far, Answer.ANY_ORDER: mean_saving_bps}
        for answer, truth in truths.items():
            anytime[answer] += seen.always_holds(answer, truth)
            single_look[answer] += seen.always_holds_plainly(answer, truth)
    return Held(
        anytime={answer: held / REPETITIONS for answer, held in anytime.items()},
        single_look={answer: held / REPETITIONS for answer, held in single_look.items()},
    )


def assert_only_the_anytime_intervals_hold(held: Held) -> None:
    """That of the orders sent allows for any correlation of the two costs, so its plain form fails less often."""
    for answer in Answer:
        assert held.anytime[answer] >= FEWEST_HELD, answer
        assert held.single_look[answer] < held.anytime[answer], answer
    assert held.single_look[Answer.ANY_ORDER] < FEWEST_HELD


@pytest.mark.parametrize(
    ("count", "share"),
    [(800, 0.05), *(pytest.param(*long, marks=pytest.mark.long) for long in [(3000, 0.02)])],
)
@pytest.mark.parametrize(
    "mean_saving_bps", [2.0, pytest.param(0.0, marks=pytest.mark.long)], ids=["2 bps saved", "nothing saved"]
)
def test_the_intervals_hold_at_every_look_and_the_plain_ones_do_not(
    count: int, share: float, mean_saving_bps: float
) -> None:
    held = held_at_every_look(count, share, mean_saving_bps, seed=1000)

    assert_only_the_anytime_intervals_hold(held)


@pytest.mark.parametrize("count", [100, 400, 1500])
def test_these_looks_are_those_of_the_estimator(count: int) -> None:
    effects = list(order_effects(made_orders(7, 1500, 0.1, 1.0).orders))
    estimate = estimate_saving(effects[:count], [-1.0] * count)
    seen = looks(effects, np.full(len(effects), -1.0))

    assert estimate is not None
    assert estimate.saving == pytest.approx(seen.estimates[count - 1])
    for answer in Answer:
        anytime, single_look = estimate.interval(answer), estimate.single_look_interval(answer)
        assert anytime is not None
        assert single_look is not None
        assert anytime.half_width == pytest.approx(seen.anytime[answer][count - 1])
        assert single_look.half_width == pytest.approx(seen.single_look[answer][count - 1], rel=1e-6)


def test_the_intervals_of_a_symbol_hold_at_every_look_if_no_fee_is_known() -> None:
    """Of four symbols with savings of their own; the first taker order of all is expected to cost what maker did."""
    held: dict[Answer, int] = dict.fromkeys(Answer, 0)
    asked = "3"
    for repetition in range(REPETITIONS):
        made = made_orders(9000 + repetition, 800, 0.05, 2.0)
        effects = list(order_effects([replace(order, taker_fee_bps=None) for order in made.orders]))
        own = [row for row, effect in enumerate(effects) if effect.order.symbol == asked]
        seen = looks([effects[row] for row in own], np.full(len(own), -1.0))
        so_far = np.cumsum(made.true_saving_bps[own]) / np.arange(1, len(own) + 1)
        # Maker orders of the last symbol cost 1.5 bps more than the mean of all.
        truths: dict[Answer, Floats | float] = {Answer.ORDERS_SENT: so_far, Answer.ANY_ORDER: 0.5}
        for answer, truth in truths.items():
            held[answer] += seen.always_holds(answer, truth)

    assert min(held.values()) / REPETITIONS >= FEWEST_HELD


def test_the_interval_of_what_any_order_saves_in_money_holds_at_every_look() -> None:
    held = held_plainly = 0
    for repetition in range(REPETITIONS):
        orders = priced_orders(5000 + repetition, 800, 0.05)
        seen = looks(list(order_effects(orders)), -notionals_of(orders) / 10_000)
        held += seen.always_holds(Answer.ANY_ORDER, TRUE_MONEY)
        held_plainly += seen.always_holds_plainly(Answer.ANY_ORDER, TRUE_MONEY)

    assert held / REPETITIONS >= FEWEST_HELD
    assert held_plainly / REPETITIONS < FEWEST_HELD


def test_the_looks_at_money_are_those_of_the_figures() -> None:
    orders = priced_orders(7, 800, 0.1)
    seen = looks(list(order_effects(orders)), -notionals_of(orders) / 10_000)
    figure = next(each for each in saving_figures(orders) if each.symbol == ALL_SYMBOLS)

    assert figure.any_saving_money == pytest.approx(seen.estimates[-1], abs=1e-8)
    assert figure.any_margin_money == pytest.approx(seen.anytime[Answer.ANY_ORDER][-1], abs=1e-8)
    assert figure.margin_money == pytest.approx(800 * seen.anytime[Answer.ORDERS_SENT][-1], abs=1e-5)


def notionals_of(orders: list[ExperimentOrder]) -> Floats:
    return np.array([order.notional for order in orders])


# Orders until ±0.5 bps in the study, on eight perpetuals: share, orders sent, any order.
STUDY = [(0.05, 982, 3682), pytest.param(0.02, 1461, 4026, marks=pytest.mark.long)]


@pytest.mark.parametrize(("share", "sent", "any_order"), STUDY)
def test_an_interval_is_as_narrow_as_in_the_study_after_as_many_orders(share: float, sent: int, any_order: int) -> None:
    """The mean half-width of a hundred markets: it differs from 0.5 bps by no more than a fifth.

    Ten would not do. The tails are heavy, and chance differs between processors in the last bit of a logarithm.
    """
    made = [made_orders(seed, any_order, share, 2.0) for seed in range(100)]
    markets = [looks_at_maker_against_taker(market.orders) for market in made]

    for answer, count in ((Answer.ORDERS_SENT, sent), (Answer.ANY_ORDER, any_order)):
        half_widths = [market.anytime[answer][count - 1] for market in markets]
        assert np.mean(half_widths) == pytest.approx(0.5, rel=0.2)


def test_two_of_a_hundred_orders_held_out_cost_at_most_six_hundredths_of_a_basis_point_at_a_fee_gap_of_three() -> None:
    """In a market in which maker first saves 2.4 bps, which is what the study measured at that gap: 0.048.

    Some 80,000 orders are held out, whose costs vary by 9 bps: the standard error is 0.0006.
    """
    drawn = both_ways(3, 4_000_000, 0.02, 2.4)
    lost_bps = np.where(drawn.is_maker, 0.0, drawn.taker_bps - drawn.maker_bps)

    assert lost_bps.mean() == pytest.approx(0.02 * 2.4, abs=0.005)
    assert lost_bps.mean() <= 0.06
