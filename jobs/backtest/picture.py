"""A picture of a backtest: what each policy costs more than always posting first, by market and over time."""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jobs.backtest.backtest import Backtest
from jobs.backtest.comparison import ALWAYS_MAKER, PolicyResult
from jobs.backtest.statistics import Estimate

_INCHES = (11.0, 5.5)
_DOTS_PER_INCH = 150
_SPREAD = 0.6  # of a row, the space in which the policies of a market are drawn


def draw(backtest: Backtest, path: Path) -> None:
    """Write the picture, as PNG or SVG by the file's ending; the same backtest gives the same picture.

    Raises ValueError for another ending, and OSError if the file cannot be written.
    """
    shown = [result for result in backtest.results if result.name != ALWAYS_MAKER]
    figure = Figure(figsize=_INCHES, layout="constrained")
    by_market, by_day = figure.subplots(1, 2)
    _draw_by_market(by_market, shown)
    _draw_by_day(by_day, shown)
    figure.suptitle(f"Cost above always maker first: {backtest.order_count:,} orders by each policy")
    with rc_context({"svg.hashsalt": "router-policy"}):  # else the ids in an SVG are random
        figure.savefig(path, dpi=_DOTS_PER_INCH, metadata={"Date": None} if path.suffix == ".svg" else None)


def _draw_by_market(axes: Axes, shown: Sequence[PolicyResult]) -> None:
    markets = list(shown[0].over_maker_by_symbol)
    for number, result in enumerate(shown):
        shift = _SPREAD * ((number + 0.5) / len(shown) - 0.5)
        estimates = [*(result.over_maker_by_symbol[market] for market in markets), result.over_maker]
        axes.errorbar(
            [estimate.mean for estimate in estimates],
            [row + shift for row in range(len(estimates))],
            xerr=[_half_width(estimate) for estimate in estimates],
            fmt="o",
            markersize=4,
            color=f"C{number}",
            label=result.name,
        )
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(markets) + 1), [*markets, "all"])
    axes.invert_yaxis()
    axes.set_xlabel("bps per order, with the 95 % interval")
    axes.legend(fontsize="small")


def _half_width(estimate: Estimate) -> float:
    return estimate.interval.upper - estimate.mean if estimate.interval else 0.0


def _draw_by_day(axes: Axes, shown: Sequence[PolicyResult]) -> None:
    for number, result in enumerate(shown):
        first = result.over_maker_by_day[0][0]
        days = [day - first for day, _ in result.over_maker_by_day]
        sums = accumulate(difference / result.cost.order_count for _, difference in result.over_maker_by_day)
        axes.plot(days, list(sums), color=f"C{number}", label=result.name)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xlabel("days since the first order")
    axes.set_ylabel("bps per order of all days, cumulative")
