"""The simulated market: quotes on whole ticks, candles without jumps, volatility as listed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from jobs.demo.market import Bar, Listing, SimulatedMarket

START = datetime(2026, 4, 16, 12, 0, tzinfo=UTC)
NOW = START + timedelta(days=4)
CALM = Listing(symbol="CALM", price=100.0, decimals=2, spread_bps=3.0, volatility_bps=5.0)
WILD = Listing(
    symbol="WILD", price=2.0, decimals=4, spread_bps=20.0, volatility_bps=5.0, volatility_factors=((-48.0, 6.0),)
)
YOUNG = Listing(symbol="YOUNG", price=1.0, decimals=4, spread_bps=5.0, volatility_bps=5.0, candle_hours=2.0)


def market(*listings: Listing, seed: int = 1) -> SimulatedMarket:
    return SimulatedMarket(listings or (CALM, WILD, YOUNG), Random(seed), START, NOW)


def bars_of(symbol: str, bars: Sequence[Bar]) -> list[Bar]:
    return [bar for bar in bars if bar.symbol == symbol]


def test_the_same_seed_gives_the_same_candles_and_another_seed_gives_others() -> None:
    once, again, other = (list(market(seed=seed).bars(START, NOW)) for seed in (1, 1, 2))

    assert once == again
    assert once != other


def test_prices_do_not_depend_on_what_was_asked_before() -> None:
    asked, fresh = market(), market()
    for minute in (3000, 5, 700):
        asked.quote("WILD", (START + timedelta(minutes=minute)).timestamp())

    assert list(asked.bars(START, NOW)) == list(fresh.bars(START, NOW))


def test_candles_asked_for_in_pieces_are_those_asked_for_at_once() -> None:
    whole = list(market().bars(START, NOW))
    cuts = [START, START + timedelta(minutes=7), START + timedelta(minutes=15), START + timedelta(hours=9.3), NOW]

    pieces = [bar for since, until in pairwise(cuts) for bar in market().bars(since, until)]

    assert pieces == whole


def test_only_closed_candles_are_given_and_each_opens_on_a_quarter_where_the_last_one_closed() -> None:
    bars = bars_of("CALM", list(market().bars(START, NOW + timedelta(minutes=14))))

    assert [bar.ts for bar in bars] == [START + number * timedelta(minutes=15) for number in range(4 * 96)]
    assert all(before.close == after.open for before, after in pairwise(bars))
    assert all(0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
    assert all(bar.volume > 0 for bar in bars)


def test_a_young_market_has_no_candles_before_it_was_listed() -> None:
    opened = [bar.ts for bar in bars_of("YOUNG", list(market().bars(START, NOW)))]

    assert opened == [NOW - timedelta(hours=2) + number * timedelta(minutes=15) for number in range(8)]


def test_volatility_rises_by_the_factor_from_its_hour_on() -> None:
    bars = bars_of("WILD", list(market().bars(START, NOW)))

    def mean_range(half: Sequence[Bar]) -> float:
        return sum((bar.high - bar.low) / bar.low for bar in half) / len(half)

    # 192 quarters of an hour on either side of the change; the mean of so many ranges is known to some 5 %
    assert mean_range(bars[192:]) / mean_range(bars[:192]) == pytest.approx(6.0, rel=0.2)


@pytest.mark.parametrize(("listing", "tick", "spread_ticks"), [(CALM, 0.01, 3), (WILD, 0.0001, 40)])
def test_quotes_stand_on_whole_ticks_with_the_spread_between_them(
    listing: Listing, tick: float, spread_ticks: int
) -> None:
    first = market(listing).quote(listing.symbol, START.timestamp())

    assert round((first.ask - first.bid) / tick, 6) == spread_ticks
    assert first.bid / tick == pytest.approx(round(first.bid / tick), abs=1e-6)
    assert first.mid == pytest.approx(listing.price, abs=tick)
    assert first.bid < first.mid < first.ask


def test_a_quote_lies_within_the_candle_of_its_moment() -> None:
    traded = market(CALM)
    for bar in list(traded.bars(START, NOW))[::17]:
        for second in (0, 61, 452, 899):
            mid = traded.quote("CALM", bar.ts.timestamp() + second).mid
            assert bar.low - 0.01 <= mid <= bar.high + 0.01
