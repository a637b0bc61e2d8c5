"""What chance decided, on the terminal: the savings with their intervals, and what each mark means."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from console.saving_words import COMPARISON_WORDS, ONE_LOOK, saving_sentence
from console.terminal.table import plain_table, print_table
from console.terminal.text import exact_figure, print_lines
from console.terminal.text import figure as number
from jobs.experiment.savings import LeftOut, Savings
from policy.experiment.saving import Answer, Comparison
from policy.experiment.saving_figure import ALL_SYMBOLS, SavingFigure
from policy.time_text import iso

_NOTHING_BY_CHANCE = (
    "saving: not known: no order went its way by chance; router-policy power says how long a holdout takes"
)
_HEADS = (
    "\nsymbol",
    "\norders",
    "of these\ntaker",
    "saves\nbps",
    "sent\n± 95 %",
    "any\n± 95 %",
    "sent\n± one†",
    "any\n± one†",
    "sent\nmoney",
    "\n± 95 %",
    "an order\nmoney",
    "any\n± 95 %",
    "mean\nnotional",
)


def print_savings(savings: Savings, not_as_assigned_count: int, began_at: datetime | None) -> None:
    """Print what the orders saved of which chance decided the way, or that there are none.

    `began_at` is when the holdout began, None if no run held any orders out.
    """
    lines = [*_introduction(savings), *_left_out(savings.left_out), *_doubts(savings, not_as_assigned_count, began_at)]
    if not lines:
        print_lines(["", _NOTHING_BY_CHANCE])
        return
    print_lines(["", f"orders of which chance decided the way, {iso(savings.since)} to {iso(savings.until)}:", *lines])
    for comparison in Comparison:
        figures = [figure for figure in savings.figures if figure.comparison is comparison]
        if figures:
            print_lines(["", COMPARISON_WORDS[comparison]])
            print_table(plain_table(_HEADS, map(_row, figures)))
    if savings.figures:
        print_lines(["", *_footnotes()])


def _introduction(savings: Savings) -> Iterator[str]:
    for figure in savings.figures:
        if figure.symbol == ALL_SYMBOLS:
            yield f"  {saving_sentence(figure, Answer.ORDERS_SENT, savings.until - savings.since)}"


def _left_out(left_out: LeftOut) -> Iterator[str]:
    if left_out.unknown_way_count:
        yield f"  {left_out.unknown_way_count} more do not say which way they went"
    if left_out.unknown_cost_count:
        makers = left_out.unknown_cost_maker_count
        unknown = f"{left_out.unknown_cost_count} more have no cost, {makers} of them maker first"
        yield f"  {unknown}: they did not fill, or their fee is not known"
    if left_out.unknown_propensity_count:
        yield f"  {left_out.unknown_propensity_count} more have no propensity from 0.0001 to 0.9999"


def _doubts(savings: Savings, not_as_assigned_count: int, began_at: datetime | None) -> Iterator[str]:
    """Say what may bias the figures, and from when on the intervals hold at every look."""
    if not_as_assigned_count:
        yield f"  {not_as_assigned_count} do not fit their assignment, which may bias this: router-policy drift"
    if savings.figures and began_at is not None and began_at < savings.since:
        yield f"  the holdout began at {iso(began_at)}: intervals hold at every look if --since is that each time"


def _row(figure: SavingFigure) -> Sequence[str]:
    return (
        figure.symbol or "all",
        str(figure.order_count),
        str(figure.taker_count),
        f"{figure.saving_bps:+z.2f}",
        number(figure.sent_margin_bps),
        number(figure.any_margin_bps),
        number(figure.sent_single_look_margin_bps),
        number(figure.any_single_look_margin_bps),
        "-" if figure.saving_money is None else f"{figure.saving_money:+z.2f}",
        number(figure.margin_money),
        "-" if figure.any_saving_money is None else f"{figure.any_saving_money:+.3g}",
        "-" if figure.any_margin_money is None else f"{figure.any_margin_money:.3g}",
        exact_figure(figure.mean_notional),
    )


def _footnotes() -> Iterator[str]:
    yield "saves: bps an order, + saves, - costs; sent: of the orders that were sent; any: of any future order"
    yield "± 95 %: holds at every look, in 95 of 100 experiments; - with fewer than five orders of a way"
    yield f"† {ONE_LOOK}"
    yield "money: in the currency of the notional; sent: all orders sent together; an order: any future order, with a"
    yield "  notional as those sent had"
