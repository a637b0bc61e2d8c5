"""The simulation as a whole: the market and the bot of the demo, from ten days before its start on."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from jobs.demo.bot import Bot, Phase, Trader
from jobs.demo.cast import DEMO_SYMBOLS, LIVE, LIVE_ORDERS_PER_HOUR, DemoSymbol
from jobs.demo.market import BAR, Market

LOGGED = timedelta(days=10)
_ORDER_USD = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A market and the bot that trades on it; both begin at `start`, on a quarter of an hour."""

    market: Market
    bot: Bot
    start: datetime


def simulate(random: Random, now: datetime) -> Simulation:
    """Begin the simulation ten days before `now`; the same seed and `now` give the same prices and lines."""
    start = quarter_before(now - LOGGED)
    market = Market([member.listing for member in DEMO_SYMBOLS], random, start, now)
    traders = [
        Trader(symbol=member.listing.symbol, order_usd=_ORDER_USD, phases=_phases(member, start, now))
        for member in DEMO_SYMBOLS
    ]
    return Simulation(market=market, bot=Bot(market, traders, random), start=start)


def quarter_before(at: datetime) -> datetime:
    """Return the last full quarter of an hour at or before a time."""
    return at - (at - datetime(1970, 1, 1, tzinfo=UTC)) % BAR


def _phases(member: DemoSymbol, start: datetime, now: datetime) -> tuple[Phase, ...]:
    """Cut the time from `start` on wherever how often or under which conditions the symbol is traded changes."""
    hours = {since for since, _ in member.conditions} | {member.first_order_hours, LIVE}
    if member.last_order_hours is not None:
        hours |= {member.last_order_hours}
    return tuple(
        Phase(
            since_seconds=max(start, now + timedelta(hours=since)).timestamp(),
            orders_per_hour=_orders_per_hour(member, since),
            conditions=[conditions for begin, conditions in member.conditions if begin <= since][-1],
        )
        for since in sorted(hours)
    )


def _orders_per_hour(member: DemoSymbol, hours: float) -> float:
    if hours < member.first_order_hours:
        return 0.0
    if member.last_order_hours is not None and hours >= member.last_order_hours:
        return 0.0
    return LIVE_ORDERS_PER_HOUR if hours >= LIVE else member.orders_per_hour
