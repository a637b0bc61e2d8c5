"""What programs get of a saving: the figure, its two answers with their intervals, and the word for it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Self

from pydantic import AwareDatetime, BaseModel, Field

from policy.experiment.confidence_sequence import Interval, interval_around
from policy.experiment.saving import Answer, Comparison
from policy.experiment.saving_figure import ALL_SYMBOLS, SavingFigure, SavingWord, judge_saving
from policy.numbers import round_metric
from storage.read.savings import KnownSavings, SavingPoint


class IntervalRecord(BaseModel):
    """The values from `lower` to `upper`."""

    lower: float = Field(examples=[1.62])
    upper: float = Field(examples=[2.58])

    @classmethod
    def of(cls, interval: Interval) -> Self:
        """Return the interval with 9 decimals."""
        return cls(lower=round_metric(interval.lower) or 0.0, upper=round_metric(interval.upper) or 0.0)

    @classmethod
    def around(cls, value: float, margin: float | None) -> Self | None:
        """Return the interval that reaches so far to either side of a value; None without a margin."""
        return None if margin is None else cls.of(interval_around(value, margin))


class SavingAnswerRecord(BaseModel):
    """What is known of a saving in basis points an order, of the orders sent or of any future order.

    `interval` holds at every look, in 95 of 100 experiments. `single_look_interval` is valid for one look only, planned
    beforehand. Both are null with fewer than five orders of a way. `remaining_days` is about how long it takes until
    the saving is known; null if it is known, or if nothing tells.
    """

    interval: IntervalRecord | None
    single_look_interval: IntervalRecord | None
    verdict: SavingWord = Field(examples=["saves"])
    remaining_days: float | None


class SavedMoneyRecord(BaseModel):
    """What the orders sent saved together, in the currency of their notional; of those whose notional is known."""

    order_count: int
    saving: float
    interval: IntervalRecord | None
    single_look_interval: IntervalRecord | None


class OrderMoneyRecord(BaseModel):
    """What any future order saves on average, in the currency of the notional.

    It is assumed to have a notional as those orders had whose notional is known; `mean_notional` is their mean. A large
    order counts more here than in basis points. The intervals are as those of `any_order`. In what runs before schema
    0012 stored, `mean_notional` and the intervals are null.
    """

    mean_notional: float | None
    saving: float
    interval: IntervalRecord | None
    single_look_interval: IntervalRecord | None


class SavingRecord(BaseModel):
    """What one way saved against another, + saves, over the orders of which chance decided the way.

    `symbol` is null for all symbols. `maker_count` and `taker_count` are the orders that went each way.
    """

    symbol: str | None = Field(examples=["BTCUSDT"])
    comparison: Comparison = Field(examples=["maker_against_taker"])
    order_count: int = Field(examples=[1480])
    maker_count: int = Field(examples=[1450])
    taker_count: int = Field(examples=[30])
    saving_bps: float = Field(examples=[2.1])
    orders_sent: SavingAnswerRecord
    any_order: SavingAnswerRecord
    money: SavedMoneyRecord | None
    any_order_money: OrderMoneyRecord | None

    @classmethod
    def of(cls, figure: SavingFigure, elapsed: timedelta) -> Self:
        """Return the record of a figure; `elapsed` is since the first of its orders may have been sent."""
        return cls(
            symbol=None if figure.symbol == ALL_SYMBOLS else figure.symbol,
            comparison=figure.comparison,
            order_count=figure.order_count,
            maker_count=figure.maker_count,
            taker_count=figure.taker_count,
            saving_bps=figure.saving_bps,
            orders_sent=_answer(figure, Answer.ORDERS_SENT, figure.sent_single_look_margin_bps, elapsed),
            any_order=_answer(figure, Answer.ANY_ORDER, figure.any_single_look_margin_bps, elapsed),
            money=_money(figure),
            any_order_money=_any_order_money(figure),
        )


def saving_records(figures: Sequence[SavingFigure], elapsed: timedelta) -> list[SavingRecord]:
    """Return the record of each figure."""
    return [SavingRecord.of(figure, elapsed) for figure in figures]


def _answer(
    figure: SavingFigure, answer: Answer, single_look_margin_bps: float | None, elapsed: timedelta
) -> SavingAnswerRecord:
    verdict = judge_saving(figure, answer, elapsed)
    return SavingAnswerRecord(
        interval=IntervalRecord.around(figure.saving_bps, figure.margin_bps(answer)),
        single_look_interval=IntervalRecord.around(figure.saving_bps, single_look_margin_bps),
        verdict=verdict.word,
        remaining_days=round_metric(verdict.remaining_days),
    )


def _money(figure: SavingFigure) -> SavedMoneyRecord | None:
    if figure.saving_money is None:
        return None
    return SavedMoneyRecord(
        order_count=figure.money_order_count,
        saving=figure.saving_money,
        interval=IntervalRecord.around(figure.saving_money, figure.margin_money),
        single_look_interval=IntervalRecord.around(figure.saving_money, figure.single_look_margin_money),
    )


def _any_order_money(figure: SavingFigure) -> OrderMoneyRecord | None:
    saving = figure.any_saving_money
    if saving is None:
        return None
    return OrderMoneyRecord(
        mean_notional=figure.mean_notional,
        saving=saving,
        interval=IntervalRecord.around(saving, figure.any_margin_money),
        single_look_interval=IntervalRecord.around(saving, figure.any_single_look_margin_money),
    )


class SavingsRecord(BaseModel):
    """What the orders with `since <= ts < slot` saved; `since` is null if no run has held any out."""

    since: AwareDatetime | None
    slot: AwareDatetime | None
    items: list[SavingRecord]

    @classmethod
    def of(cls, known: KnownSavings, slot: datetime | None) -> Self:
        """Return the record of what is known as of a slot, by symbol and comparison, all symbols first."""
        figures = [saving.figure for _, saving in sorted(known.newest.items())]
        return cls(since=known.since, slot=slot, items=saving_records(figures, known.elapsed(slot)))


class SavingPointRecord(BaseModel):
    """A saving as a run found it; it holds until the slot of the next."""

    slot: AwareDatetime
    since: AwareDatetime
    figure: SavingRecord

    @classmethod
    def of(cls, point: SavingPoint) -> Self:
        """Return the record of a point."""
        saving = point.saving
        figure = SavingRecord.of(saving.figure, point.slot - saving.since)
        return cls(slot=point.slot, since=saving.since, figure=figure)


class SavingPointPage(BaseModel):
    """A page of one saving over time; `next` is the address of the page after it, null at the end."""

    items: list[SavingPointRecord]
    next: str | None
