"""Checks of the candles that a run has loaded: how many bars there are, and how far apart they open."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from jobs.engines.engine import Engine, bar_parameters
from policy.window import Window

_BARS = "from candle where ts >= :first_bar_open and ts <= :last_bar_open"
_COUNTS = f"select symbol, count(*) as bar_count {_BARS} group by symbol"
# One symbol with the most bars stands for all, so that bars of thousands of symbols need not be sorted.
_OPENINGS = f"select ts {_BARS} and symbol = :symbol order by ts"
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedBars:
    """How many usable bars the window has, of all symbols, and how far apart most bars of one symbol open.

    `spacing` is None if no symbol has two bars.
    """

    bar_count: int = 0
    spacing: timedelta | None = None

    def spacing_note(self, interval: timedelta) -> Sequence[str]:
        """Return the note of bars of another length than the interval that is set; empty if they have it."""
        if self.spacing is None or self.spacing == interval:
            return ()
        apart = _duration(self.spacing)
        return (
            f"candles: bars open {apart} apart, but candles.interval is {_duration(interval)}; "
            f'set candles.interval = "{apart}"',
        )


def check_bars(engine: Engine, window: Window) -> LoadedBars:
    """Return what is found of the candles that an engine has loaded. Raises as the engine does."""
    bounds = bar_parameters(window)
    counts = {row["symbol"]: row["bar_count"] for row in engine.rows(_COUNTS, bounds)}
    if not counts:
        return LoadedBars()
    symbol = min(counts, key=lambda symbol: (-counts[symbol], symbol))
    openings = [row["ts"] for row in engine.rows(_OPENINGS, {**bounds, "symbol": symbol})]
    return LoadedBars(bar_count=sum(counts.values()), spacing=_most_common_spacing(openings))


def _most_common_spacing(openings: Sequence[datetime]) -> timedelta | None:
    """Return the shortest of the most common times from one opening to the next."""
    counts = Counter(later - earlier for earlier, later in pairwise(openings))
    return min(counts, key=lambda gap: (-counts[gap], gap), default=None)


def _duration(span: timedelta) -> str:
    """Write a time as the settings do, in the largest unit that it is a whole number of."""
    seconds = round(span.total_seconds())
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"
