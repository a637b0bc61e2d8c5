"""The whole simulation: the market and the bot of the demo, from ten days before its start on."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from jobs.demo.bot import Bot, Phase, Trader
from jobs.demo.demo_symbols import DEMO_SYMBOLS, LIVE, LIVE_ORDERS_PER_HOUR, DemoSymbol
from jobs.demo.market import BAR, SimulatedMarket

LOGGED = timedelta(days=10)
_ORDER_USD = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A market and the bot that trades on it; both begin at `start`, on a quarter of an hour."""

    market: SimulatedMarket
    bot: Bot
    start: datetime


def simulate(random: Random, now: datetime) -> Simulation:
    """Begin the simulation ten days before `now`; the same seed and `now` give the same prices and lines."""
    start = quarter_before(now - LOGGED)
    market = SimulatedMarket([demo_symbol.listing for demo_symbol in DEMO_SYMBOLS], random, start, now)
    traders = [
        Trader(symbol=demo_symbol.listing.symbol, order_usd=_ORDER_USD, phases=_phases(demo_symbol, start, now))
        for demo_symbol in DEMO_SYMBOLS
    ]
    return Simulation(market=market, bot=Bot(market, traders, random), start=start)


def quarter_before(at: datetime) -> datetime:
    """Return the last full quarter of an hour at or before a time."""
    return at - (at - datetime(1970, 1, 1, tzinfo=UTC)) % BAR


def _phases(demo_symbol: DemoSymbol, start: datetime, now: datetime) -> tuple[Phase, ...]:
    """Split the time from `start` on at each change of the order rate or of the conditions."""
    hours = {since for since, _ in demo_symbol.conditions} | {demo_symbol.first_order_hours, LIVE}
    if demo_symbol.last_order_hours is not None:
        hours |= {demo_symbol.last_order_hours}
    return tuple(
        Phase(
            since_seconds=max(start, now + timedelta(hours=since)).timestamp(),
            orders_per_hour=_orders_per_hour(demo_symbol, since),
            conditions=[conditions for begin, conditions in demo_symbol.conditions if begin <= since][-1],
        )
        for since in sorted(hours)
    )


def _orders_per_hour(demo_symbol: DemoSymbol, hours: float) -> float:
    if hours < demo_symbol.first_order_hours:
        return 0.0
    if demo_symbol.last_order_hours is not None and hours >= demo_symbol.last_order_hours:
        return 0.0
    return LIVE_ORDERS_PER_HOUR if hours >= LIVE else demo_symbol.orders_per_hour
