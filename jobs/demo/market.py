"""The simulated market: seeded prices of every symbol by the minute, and the quotes and candles that follow."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

BAR = timedelta(minutes=15)
_MINUTE_SECONDS = 60
_BAR_MINUTES = BAR // timedelta(seconds=_MINUTE_SECONDS)
_BUSIEST_HOUR = 15
_BUSY_FACTOR = 0.2
_TURNOVER_USD = 2e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One symbol's market: its first price, its tick of `decimals` places, its spread and its volatility by the minute.

    `volatility_factors` are pairs of hours from the demo's start (negative before it) and the factor from then on.
    Candles begin `candle_hours` before the demo's start, None: with the market.
    """

    symbol: str
    price: float
    decimals: int
    spread_bps: float
    volatility_bps: float
    volatility_factors: tuple[tuple[float, float], ...] = ()
    candle_hours: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The best prices of one moment."""

    bid: float
    ask: float

    @property
    def mid(self) -> float:
        """The price between the two."""
        return (self.bid + self.ask) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One candle of 15 minutes; `ts` (UTC) is when it opens, `volume` is in units of the symbol."""

    ts: datetime
    symbol: str
    open: float
    high: float
    low: float
    close: float
    volume: float


class Market:
    """Prices from `start` on, as far as they are asked for; the same listings, seed and times give the same prices.

    `start` lies on a quarter of an hour. `now` is when the demo starts, which the listings count their hours from.
    """

    def __init__(self, listings: Sequence[Listing], random: Random, start: datetime, now: datetime) -> None:
        self._start = start
        # Each symbol has a generator of its own, so that its prices do not depend on what is asked about the others.
        seeds = [random.getrandbits(64) for _ in listings]
        self._paths = {
            one.symbol: _Path(one, Random(seed), start, now)  # noqa: S311 - a simulation, not cryptography
            for one, seed in zip(listings, seeds, strict=True)
        }

    def quote(self, symbol: str, at_seconds: float) -> Quote:
        """Return the best prices at a moment, in seconds since 1970, that is not before the market's start."""
        return self._paths[symbol].quote(at_seconds)

    def listing(self, symbol: str) -> Listing:
        """Return how the symbol is traded. Raises KeyError for a symbol that is not."""
        return self._paths[symbol].listing

    def bars(self, since: datetime, until: datetime) -> Iterator[Bar]:
        """Yield the candles that closed with `since < close <= until`, by time, then in the order of the listings."""
        first, last = (math.floor((at - self._start) / BAR) for at in (since, until))
        for number in range(max(0, first), last):
            opened = self._start + number * BAR
            yield from (path.bar(number, opened) for path in self._paths.values() if opened >= path.first_bar)


class _Path:
    """The mid price of one symbol, a geometric random walk by the minute, straight in between."""

    def __init__(self, listing: Listing, random: Random, start: datetime, now: datetime) -> None:
        self.listing = listing
        self.first_bar = start if listing.candle_hours is None else now - timedelta(hours=listing.candle_hours)
        self._random = random
        self._start_seconds = start.timestamp()
        self._now_seconds = now.timestamp()
        self._prices = [listing.price]

    def quote(self, at_seconds: float) -> Quote:
        listing = self.listing
        tick = 10.0**-listing.decimals
        price = self._price(at_seconds)
        spread_ticks = max(1, round(price * listing.spread_bps / 10_000 / tick))
        bid_ticks = max(1, round(price / tick - spread_ticks / 2))
        return Quote(
            bid=round(bid_ticks * tick, listing.decimals),
            ask=round((bid_ticks + spread_ticks) * tick, listing.decimals),
        )

    def bar(self, number: int, opened: datetime) -> Bar:
        first = number * _BAR_MINUTES
        self._extend(first + _BAR_MINUTES)
        prices = self._prices[first : first + _BAR_MINUTES + 1]
        low, high = min(prices), max(prices)
        usual_range = low * self.listing.volatility_bps / 10_000 * math.sqrt(_BAR_MINUTES)
        turnover_usd = _TURNOVER_USD / self.listing.spread_bps * (0.4 + (high - low) / usual_range)
        exact = {"open": prices[0], "high": high, "low": low, "close": prices[-1]}
        rounded = {name: round(price, self.listing.decimals) for name, price in exact.items()}
        return Bar(ts=opened, symbol=self.listing.symbol, **rounded, volume=round(turnover_usd / low, 3))

    def _price(self, at_seconds: float) -> float:
        minute, part = divmod((at_seconds - self._start_seconds) / _MINUTE_SECONDS, 1)
        self._extend(int(minute) + 1)
        before, after = self._prices[int(minute)], self._prices[int(minute) + 1]
        return before + (after - before) * part

    def _extend(self, minute: int) -> None:
        """Walk on, a quarter of an hour at a time, until the minute has its price."""
        while len(self._prices) <= minute:
            volatility_bps = self._volatility_bps(self._start_seconds + len(self._prices) * _MINUTE_SECONDS)
            for _ in range(_BAR_MINUTES):
                step_bps = self._random.gauss(0.0, volatility_bps)
                self._prices.append(self._prices[-1] * math.exp(step_bps / 10_000))

    def _volatility_bps(self, at_seconds: float) -> float:
        """Give the volatility of a minute: by the hour of the day (UTC), and by what happens to the symbol."""
        hours = (at_seconds - self._now_seconds) / 3600
        factor = 1.0
        for since_hours, then in self.listing.volatility_factors:
            factor = then if hours >= since_hours else factor
        hour_of_day = at_seconds / 3600 % 24
        day = math.cos((hour_of_day - _BUSIEST_HOUR) / 24 * 2 * math.pi)
        return self.listing.volatility_bps * factor * (1 + _BUSY_FACTOR * day)
