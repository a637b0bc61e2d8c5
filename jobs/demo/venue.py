"""The venue of the demo: the client's simulated venue at the prices of the demo's market."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from random import Random

from jobs.demo.market import SimulatedMarket
from router_policy_client import Quality, Reading, Status, TakerBias
from router_policy_client.clock import Clock
from router_policy_client.leg import Patience
from router_policy_client.routing import Routing
from router_policy_client.simulated import Conditions, SimulatedVenue
from router_policy_client.venue import Quote

MAKER_WAIT_SECONDS = 4.0
ROUTING = Routing(patience=Patience(maker_wait_seconds=MAKER_WAIT_SECONDS, poll_seconds=1.0))
_UNKNOWN = Reading(
    symbol="",
    status=Status.MISSING,
    age_seconds=None,
    run_id=None,
    slot=None,
    maker_first=True,
    taker_bias=TakerBias.BALANCED,
    quality=Quality.UNKNOWN,
    regime="unknown",
    reason="the bot reads no policies yet",
    maker_offset_bps=None,
    probe_every=None,
    maker_posts=1,
    probe_share=None,
    holdout_share=None,
    holdout_salt=None,
    policy=None,
)


class NoPolicies:
    """The policies of a bot without a store: its own choice, half the wait."""

    def get(self, symbol: str) -> Reading:
        """Return the reading of an unknown symbol."""
        return replace(_UNKNOWN, symbol=symbol)


class MarketPrices:
    """The prices of a simulated venue, taken from the demo's market."""

    def __init__(self, market: SimulatedMarket) -> None:
        self._market = market

    def quote(self, symbol: str, at: datetime) -> Quote:
        """Return the best prices at a time."""
        quote = self._market.quote(symbol, at.timestamp())
        return Quote(bid=Decimal(str(quote.bid)), ask=Decimal(str(quote.ask)))

    def tick(self, symbol: str) -> Decimal:
        """Return the smallest step of a price."""
        return Decimal(1).scaleb(-self._market.listing(symbol).decimals)


def venue_of(
    market: SimulatedMarket, conditions: Callable[[str, datetime], Conditions], clock: Clock, random: Random
) -> SimulatedVenue:
    """Make a venue on the demo's market."""
    return SimulatedVenue(MarketPrices(market), conditions, clock, random)
