"""Savings to be published in tests, with figures that the tests choose."""

from dataclasses import replace
from datetime import datetime

from policy.experiment.saving import Comparison
from policy.experiment.saving_figure import SavingFigure
from storage.records import PublishedRun, RunResult, StoredSaving
from storage.store import Store
from tests.support.runs import SLOT, claim, evidence, result


def figure(
    saving_bps: float = 1.5,
    *,
    symbol: str = "",
    comparison: Comparison = Comparison.MAKER_AGAINST_TAKER,
    margin_bps: float | None = 0.5,
    order_count: int = 500,
) -> SavingFigure:
    """A figure, by default of all symbols, whose margins for any order are twice those of the orders sent.

    Each order has a notional of 100, of which one basis point is 0.01.
    """
    return SavingFigure(
        symbol=symbol,
        comparison=comparison,
        order_count=order_count,
        maker_count=order_count - 10,
        taker_count=10,
        saving_bps=saving_bps,
        sent_margin_bps=margin_bps,
        sent_single_look_margin_bps=None if margin_bps is None else margin_bps / 2,
        any_margin_bps=None if margin_bps is None else margin_bps * 2,
        any_single_look_margin_bps=margin_bps,
        money_order_count=order_count,
        saving_money=saving_bps * order_count / 100,
        margin_money=None if margin_bps is None else margin_bps * order_count / 100,
        single_look_margin_money=None if margin_bps is None else margin_bps * order_count / 200,
        any_margin_money=None if margin_bps is None else margin_bps * 2 / 100,
        any_single_look_margin_money=None if margin_bps is None else margin_bps / 100,
        mean_notional=100.0,
    )


def with_savings(*figures: SavingFigure, since: datetime = SLOT) -> RunResult:
    """A run of one symbol that found these savings."""
    return replace(
        result([evidence("BTCUSDT")]), savings=tuple(StoredSaving(since=since, figure=each) for each in figures)
    )


def publish_savings(store: Store, slot: datetime, *figures: SavingFigure) -> PublishedRun:
    """Publish a run that found these savings of the orders since SLOT."""
    return store.publish(claim(store, slot), with_savings(*figures))
