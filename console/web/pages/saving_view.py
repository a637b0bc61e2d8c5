"""The page of savings: the figures in words, and the saving of all symbols over time as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.saving_words import COMPARISON_WORDS, margin_words, saving_phrase
from console.web.pages.tiles import Tile
from policy.experiment.saving import Answer, Comparison
from policy.experiment.saving_figure import ALL_SYMBOLS, SavingFigure, SavingWord, judge_saving
from storage.read.savings import KnownSavings, SavingPoint

WIDTH, HEIGHT = 800, 240
# Early margins are so wide that nothing else would be seen: what is beyond this many margins of now is cut off.
_MARGINS_SHOWN = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingRow:
    """A figure with the words for both of its answers."""

    figure: SavingFigure
    sent: str
    any_order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingTable:
    """The figures of one comparison, all symbols first."""

    comparison: Comparison
    title: str
    rows: Sequence[SavingRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingPicture:
    """A saving over time in a frame of WIDTH and HEIGHT: its line, the band of its interval, and the line of zero.

    `line` and `band` are points as SVG has them. `highest_bps` and `lowest_bps` are those of the frame.
    """

    line: str
    band: str
    zero: float | None
    highest_bps: float
    lowest_bps: float
    first: datetime
    last: datetime


def saving_tables(known: KnownSavings, slot: datetime | None) -> list[SavingTable]:
    """Return a table for each comparison of which there are figures."""
    elapsed = known.elapsed(slot)
    tables = []
    for comparison in Comparison:
        figures = [saving.figure for key, saving in sorted(known.newest.items()) if key[1] is comparison]
        rows = [_row(figure, elapsed) for figure in figures]
        if rows:
            tables.append(SavingTable(comparison=comparison, title=COMPARISON_WORDS[comparison], rows=rows))
    return tables


def saving_tile(known: KnownSavings, slot: datetime | None) -> Tile:
    """Return the tile of what maker first saves against straight to taker on the orders sent."""
    saving = known.newest.get((ALL_SYMBOLS, Comparison.MAKER_AGAINST_TAKER))
    if saving is None:
        note = "no orders held out yet" if known.since is None else "no order of the holdout has ended yet"
        return Tile(key="saving", title="Maker first", figure="not measured", note=note, href="/savings")
    verdict = judge_saving(saving.figure, Answer.ORDERS_SENT, known.elapsed(slot))
    margin, amount_bps = margin_words(saving.figure.sent_margin_bps), saving.figure.saving_bps
    if verdict.word is SavingWord.NOT_YET_KNOWN:
        figure, note = str(verdict), f"{amount_bps:+z.2f}{margin} bps an order against taker"
    else:
        figure = f"{verdict.word} {abs(amount_bps):.2f} bps"
        note = f"{margin.strip()} an order against straight to taker"
    return Tile(key="saving", title="Maker first", figure=figure, note=note, href="/savings")


def saving_picture(points: Sequence[SavingPoint]) -> SavingPicture | None:
    """Return the picture of a saving over time from its points, newest first; None unless two have an interval."""
    known = [
        (point.slot, point.saving.figure.saving_bps, margin_bps)
        for point in reversed(points)
        if (margin_bps := point.saving.figure.sent_margin_bps) is not None
    ]
    if len(known) < 2:
        return None
    first, last = known[0][0], known[-1][0]
    reach_bps = max(_MARGINS_SHOWN * known[-1][2], 0.01)
    lowest, highest = known[-1][1] - reach_bps, known[-1][1] + reach_bps

    def spot(slot: datetime, bps: float) -> str:
        across = (slot - first) / (last - first) * WIDTH
        return f"{across:.1f},{_down(bps, lowest, highest):.1f}"

    upper = [spot(slot, bps + margin) for slot, bps, margin in known]
    lower = [spot(slot, bps - margin) for slot, bps, margin in reversed(known)]
    return SavingPicture(
        line=" ".join(spot(slot, bps) for slot, bps, _ in known),
        band=" ".join([*upper, *lower]),
        zero=_down(0.0, lowest, highest) if lowest < 0 < highest else None,
        highest_bps=highest,
        lowest_bps=lowest,
        first=first,
        last=last,
    )


def _down(bps: float, lowest: float, highest: float) -> float:
    """Return how far down the frame a figure is; one beyond it is on its edge."""
    return (highest - min(max(bps, lowest), highest)) / (highest - lowest) * HEIGHT


def _row(figure: SavingFigure, elapsed: timedelta) -> SavingRow:
    return SavingRow(
        figure=figure,
        sent=saving_phrase(figure, Answer.ORDERS_SENT, elapsed),
        any_order=saving_phrase(figure, Answer.ANY_ORDER, elapsed),
    )
