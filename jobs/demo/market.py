"""The simulated market: seeded prices of every symbol by the minute, and the quotes and candles from them."""

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
class MarketQuote:
    """The best prices at one time."""

    bid: float
    ask: float

    @property
    def mid(self) -> float:
        """The price halfway between the two."""
        return (self.bid + self.ask) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One candle of 15 minutes; `ts` (UTC) is its opening time, `volume` is in units of the symbol."""

    ts: datetime
    symbol: str
    open: float
    high: float
    low: float
    close: float
    volume: float


class SimulatedMarket:
    """Prices from `start` on, drawn as they are needed; the same listings, seed and times give the same prices.

    `start` lies on a quarter of an hour. `now` is the start of the demo, from which the listings count their hours.
    """

    def __init__(self, listings: Sequence[Listing], random: Random, start: datetime, now: datetime) -> None:
        self._start = start
        # Each symbol has a generator of its own, so that its prices do not depend on queries about the others.
        seeds = [random.getrandbits(64) for _ in listings]
        self._paths = {
            listing.symbol: _Path(listing, Random(seed), start, now)  # noqa: S311 - a simulation, not cryptography
            for listing, seed in zip(listings, seeds, strict=True)
        }

    def quote(self, symbol: str, at_seconds: float) -> MarketQuote:
        """Return the best prices at a time in seconds since 1970, which is not before the market's start."""
        return self._paths[symbol].quote(at_seconds)

    def listing(self, symbol: str) -> Listing:
        """Return the listing of a symbol. Raises KeyError for an unknown symbol."""
        return self._paths[symbol].listing

    def bars(self, since: datetime, until: datetime) -> Iterator[Bar]:
        """Yield the candles that closed with `since < close <= until`, by time, then in the order of the listings."""
        first, last = (math.floor((at - self._start) / BAR) for at in (since, until))
        for number in range(max(0, first), last):
            opened_at = self._start + number * BAR
            yield from (path.bar(number, opened_at) for path in self._paths.values() if opened_at >= path.first_bar)


class _Path:
    """The mid price of one symbol, a geometric random walk by the minute, linear in between."""

    def __init__(self, listing: Listing, random: Random, start: datetime, now: datetime) -> None:
        self.listing = listing
        self.first_bar = start if listing.candle_hours is None else now - timedelta(hours=listing.candle_hours)
        self._random = random
        self._start_seconds = start.timestamp()
        self._now_seconds = now.timestamp()
        self._prices = [listing.price]

    def quote(self, at_seconds: float) -> MarketQuote:
        listing = self.listing
        tick = 10.0**-listing.decimals
        price = self._price(at_seconds)
        spread_ticks = max(1, round(price * listing.spread_bps / 10_000 / tick))
        bid_ticks = max(1, round(price / tick - spread_ticks / 2))
        return MarketQuote(
            bid=round(bid_ticks * tick, listing.decimals),
            ask=round((bid_ticks + spread_ticks) * tick, listing.decimals),
        )

    def bar(self, number: int, opened_at: datetime) -> Bar:
        first = number * _BAR_MINUTES
        self._extend(first + _BAR_MINUTES)
        prices = self._prices[first : first + _BAR_MINUTES + 1]
        low, high = min(prices), max(prices)
        usual_range = low * self.listing.volatility_bps / 10_000 * math.sqrt(_BAR_MINUTES)
        turnover_usd = _TURNOVER_USD / self.listing.spread_bps * (0.4 + (high - low) / usual_range)
        exact = {"open": prices[0], "high": high, "low": low, "close": prices[-1]}
        rounded = {name: round(price, self.listing.decimals) for name, price in exact.items()}
        return Bar(ts=opened_at, symbol=self.listing.symbol, **rounded, volume=round(turnover_usd / low, 3))

    def _price(self, at_seconds: float) -> float:
        minute, part = divmod((at_seconds - self._start_seconds) / _MINUTE_SECONDS, 1)
        self._extend(int(minute) + 1)
        before, after = self._prices[int(minute)], self._prices[int(minute) + 1]
        return before + (after - before) * part

    def _extend(self, minute: int) -> None:
        """Continue the walk, a quarter of an hour at a time, until the minute has a price."""
        while len(self._prices) <= minute:
            volatility_bps = self._volatility_bps(self._start_seconds + len(self._prices) * _MINUTE_SECONDS)
            for _ in range(_BAR_MINUTES):
                step_bps = self._random.gauss(0.0, volatility_bps)
                self._prices.append(self._prices[-1] * math.exp(step_bps / 10_000))

    def _volatility_bps(self, at_seconds: float) -> float:
        """Return the volatility of a minute: by the hour of the day (UTC), and by the factors of the listing."""
        hours = (at_seconds - self._now_seconds) / 3600
        factor = 1.0
        for since_hours, new_factor in self.listing.volatility_factors:
            factor = new_factor if hours >= since_hours else factor
        hour_of_day = at_seconds / 3600 % 24
        day = math.cos((hour_of_day - _BUSIEST_HOUR) / 24 * 2 * math.pi)
        return self.listing.volatility_bps * factor * (1 + _BUSY_FACTOR * day)
