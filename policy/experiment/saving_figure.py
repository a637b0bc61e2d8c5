"""What is shown and stored of a saving: one figure for each comparison, of all symbols and of each."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import fsum
from typing import NamedTuple, Self

from policy.experiment.confidence_sequence import Interval, anytime_margin, interval_around
from policy.experiment.estimate import (
    FEWEST_ORDERS_OF_A_WAY,
    AlikeOrders,
    SavingEstimate,
    Stratum,
    alike_orders,
    estimate_of_strata,
    weight_of,
)
from policy.experiment.power import ASSUMED_DEVIATIONS, orders_until, remaining_orders
from policy.experiment.saving import Answer, Comparison, ExperimentOrder, order_effects
from policy.numbers import round_metric

ALL_SYMBOLS = ""
SMALLEST_SAVING_BPS = 0.25
PLANNED_MARGIN_BPS = 0.5
# What a figure is of: its symbol, and which way is compared with which.
FigureKey = tuple[str, Comparison]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingFigure:
    """What one way saved against another over the orders of an experiment, + saves; all numbers have 9 decimals.

    `symbol` is "" for all symbols. The margins reach to either side of `saving_bps`: `sent` of the orders that were
    sent, `any` of any future order; those of a single look are ordinary 95 % margins, which do not hold if one looks
    again. They are None with fewer than five orders of a way, of those on which what is compared differs.
    `saving_money` is the sum over the `money_order_count` orders with a notional, in its currency, None without any on
    which it differs; its margins are of the orders sent. The margins of any order in money are those of one future
    order, whose notional varies as that of these orders did: `mean_notional` is their mean.
    """

    symbol: str
    comparison: Comparison
    order_count: int
    maker_count: int
    taker_count: int
    saving_bps: float
    sent_margin_bps: float | None
    sent_single_look_margin_bps: float | None
    any_margin_bps: float | None
    any_single_look_margin_bps: float | None
    money_order_count: int
    saving_money: float | None
    margin_money: float | None
    single_look_margin_money: float | None
    any_margin_money: float | None
    any_single_look_margin_money: float | None
    mean_notional: float | None

    @property
    def any_saving_money(self) -> float | None:
        """What one future order saves in money: large orders count more than in basis points; None as for the sum."""
        return None if self.saving_money is None else round_metric(self.saving_money / self.money_order_count)

    def margin_bps(self, answer: Answer) -> float | None:
        """Return the margin of an answer that holds at every look; None if it is not known yet."""
        return self.sent_margin_bps if answer is Answer.ORDERS_SENT else self.any_margin_bps

    def interval(self, answer: Answer) -> Interval | None:
        """Return the interval of an answer that holds at every look; None if it is not known yet."""
        margin_bps = self.margin_bps(answer)
        return None if margin_bps is None else interval_around(self.saving_bps, margin_bps)


def saving_figures(orders: Sequence[ExperimentOrder]) -> Iterator[SavingFigure]:
    """Yield the figures of all symbols and of each, in the order of symbol and comparison.

    A comparison has no figure if it differs on no order, such as a policy that always said maker first against maker.

    `orders` are in the order in which they ended, of all symbols: what a symbol's orders are expected to cost begins at
    what those of all symbols did.
    """
    alike = sorted(alike_orders(order_effects(orders)).items())
    strata = {symbol: _SymbolStrata.of(of_symbol) for symbol, of_symbol in alike}
    for symbol, of_symbol in {ALL_SYMBOLS: _SymbolStrata.of_all(strata.values()), **strata}.items():
        yield from _figures(symbol, of_symbol)


@dataclass(frozen=True, slots=True, kw_only=True)
class _SymbolStrata:
    """The orders of a symbol in strata, in basis points of each and, of those with a notional, in money."""

    bps: Sequence[Stratum]
    money: Sequence[Stratum]
    notionals: Sequence[float]

    @classmethod
    def of(cls, alike: Sequence[AlikeOrders]) -> Self:
        return cls(
            bps=[orders.in_bps() for orders in alike],
            money=[stratum for orders in alike if (stratum := orders.in_money()) is not None],
            notionals=[notional for orders in alike for notional in orders.notionals if notional is not None],
        )

    @classmethod
    def of_all(cls, symbols: Collection[Self]) -> Self:
        return cls(
            bps=[each for symbol in symbols for each in symbol.bps],
            money=[each for symbol in symbols for each in symbol.money],
            notionals=[notional for symbol in symbols for notional in symbol.notionals],
        )


def _figures(symbol: str, strata: _SymbolStrata) -> Iterator[SavingFigure]:
    money = _estimates(strata.money)
    for comparison, estimate in _estimates(strata.bps).items():
        if estimate is not None:
            yield _figure(symbol, comparison, estimate, money[comparison], strata.notionals)


def _estimates(strata: Sequence[Stratum]) -> Mapping[Comparison, SavingEstimate | None]:
    """Return the estimate of each comparison; those that weigh all orders alike share one, which takes its time."""
    estimates: dict[Sequence[float], SavingEstimate | None] = {}
    weights = {comparison: tuple(weight_of(comparison, each) for each in strata) for comparison in Comparison}
    for of_comparison in weights.values():
        if of_comparison not in estimates:
            estimates[of_comparison] = estimate_of_strata(strata, of_comparison)
    return {comparison: estimates[of_comparison] for comparison, of_comparison in weights.items()}


def _figure(
    symbol: str,
    comparison: Comparison,
    estimate: SavingEstimate,
    money: SavingEstimate | None,
    notionals: Sequence[float],
) -> SavingFigure:
    saving_bps = round_metric(estimate.saving)
    assert saving_bps is not None
    sent_bps, any_bps = (_margins(estimate, answer) for answer in Answer)
    sent_money, any_money = (_margins(money, answer) for answer in Answer)
    count = len(notionals)
    return SavingFigure(
        symbol=symbol,
        comparison=comparison,
        order_count=estimate.order_count,
        maker_count=estimate.maker_count,
        taker_count=estimate.taker_count,
        saving_bps=saving_bps,
        sent_margin_bps=sent_bps.anytime,
        sent_single_look_margin_bps=sent_bps.single_look,
        any_margin_bps=any_bps.anytime,
        any_single_look_margin_bps=any_bps.single_look,
        money_order_count=count,
        saving_money=_times(money.saving, count) if money else None,
        margin_money=_times(sent_money.anytime, count),
        single_look_margin_money=_times(sent_money.single_look, count),
        any_margin_money=any_money.anytime,
        any_single_look_margin_money=any_money.single_look,
        mean_notional=round_metric(fsum(notionals) / count) if money else None,
    )


class _Margins(NamedTuple):
    """The margin that holds at every look, and that of a single look; None if it is not known yet."""

    anytime: float | None = None
    single_look: float | None = None


def _margins(estimate: SavingEstimate | None, answer: Answer) -> _Margins:
    if estimate is None:
        return _Margins()
    anytime, single_look = estimate.interval(answer), estimate.single_look_interval(answer)
    return _Margins(
        anytime=round_metric(anytime.half_width) if anytime else None,
        single_look=round_metric(single_look.half_width) if single_look else None,
    )


def _times(value: float | None, count: int) -> float | None:
    return None if value is None else round_metric(value * count)


class SavingWord(StrEnum):
    """What an interval says of a saving."""

    SAVES = "saves"
    COSTS = "costs"
    NOT_YET_KNOWN = "not yet known"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingVerdict:
    """The word for a saving; `remaining_days` is about how long it takes until it is known, None if that is unknown."""

    word: SavingWord
    remaining_days: float | None = None

    def __str__(self) -> str:
        if self.remaining_days is None:
            return str(self.word)
        days = max(1, round(self.remaining_days))
        return f"{self.word}: about {days} more {'day' if days == 1 else 'days'}"


def judge_saving(figure: SavingFigure, answer: Answer, elapsed: timedelta) -> SavingVerdict:
    """Return what the interval that holds at every look says; `elapsed` is since the first order may have been sent.

    The remaining days are those until the margin is as small as the saving that is estimated now, at least 0.25 basis
    points or half the margin of now, if orders go on at the rate so far and their costs vary as much. Without a margin
    they are those until it is 0.5, if costs vary as is assumed for a plan; None without an order of one of the ways.
    """
    interval = figure.interval(answer)
    if interval is not None and interval.lower > 0:
        return SavingVerdict(word=SavingWord.SAVES)
    if interval is not None and interval.upper < 0:
        return SavingVerdict(word=SavingWord.COSTS)
    orders = _orders_until_known(figure, answer) if elapsed > timedelta(0) else None
    days = None if orders is None else orders / figure.order_count * (elapsed / timedelta(days=1))
    return SavingVerdict(word=SavingWord.NOT_YET_KNOWN, remaining_days=days)


def _orders_until_known(figure: SavingFigure, answer: Answer) -> int | None:
    margin_bps, order_count = figure.margin_bps(answer), figure.order_count
    if margin_bps is None:
        if min(figure.maker_count, figure.taker_count) >= FEWEST_ORDERS_OF_A_WAY:
            return None  # too few of them are orders on which what is compared differs
        share = min(figure.maker_count, figure.taker_count) / order_count
        planned = orders_until(PLANNED_MARGIN_BPS, answer, share, ASSUMED_DEVIATIONS) if share else None
        return None if planned is None else max(planned - order_count, 0)
    target_bps = max(abs(figure.saving_bps), min(SMALLEST_SAVING_BPS, margin_bps / 2))
    if target_bps >= margin_bps:
        return 0
    return remaining_orders(order_count, margin_bps / anytime_margin(order_count, 1.0), target_bps)


def key_of(figure: SavingFigure) -> FigureKey:
    """Return what a figure is of."""
    return figure.symbol, figure.comparison
