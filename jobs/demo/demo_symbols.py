"""The 24 symbols of the demo: the market of each, and how its orders fill there.

Hours count from the start of the demo: -90 is 90 hours before it, 0 is when the schedule takes over.
"""

from dataclasses import dataclass

from jobs.demo.market import Listing
from jobs.demo.venue import MAKER_WAIT_SECONDS
from router_policy_client.simulated import Conditions

ALWAYS = -10_000.0
LIVE = 0.0
LIVE_ORDERS_PER_HOUR = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSymbol:
    """One symbol: its market, and how the bot trades it.

    `conditions` are pairs of an hour and the conditions from it on, the first of them ALWAYS. There are
    `orders_per_hour` from `first_order_hours` up to `last_order_hours` (None: without end), and many more once the
    demo is live.
    """

    listing: Listing
    conditions: tuple[tuple[float, Conditions], ...]
    orders_per_hour: float = 1.0
    first_order_hours: float = ALWAYS
    last_order_hours: float | None = None


def _conditions(fill_chance: float, reject_chance: float = 0.03, impact_bps: float = 0.5) -> Conditions:
    return Conditions(
        fill_chance=fill_chance,
        fill_seconds=MAKER_WAIT_SECONDS,
        reject_chance=reject_chance,
        refuse_chance=0.02,
        unpriced_chance=0.01,
        impact_bps=impact_bps,
        latency_seconds=0.15,
    )


_SMOOTH = _conditions(fill_chance=0.96, impact_bps=0.3)
_FAIR = _conditions(fill_chance=0.6, reject_chance=0.06)
_THIN = _conditions(fill_chance=0.45, reject_chance=0.06, impact_bps=3.0)
_POOR = _conditions(fill_chance=0.27, reject_chance=0.15, impact_bps=1.5)
_DEAD = _conditions(fill_chance=0.01, reject_chance=0.4, impact_bps=1.5)

_LULL = ((-20.0, 0.35),)
_STIR = ((-13.0, 2.1),)
_STORM = ((-13.0, 5.5),)
_PAST_STORM = ((-52.0, 5.5), (-42.0, 1.0))


def _market(
    symbol: str,
    price: float,
    decimals: int,
    spread_bps: float,
    volatility_bps: float,
    volatility_factors: tuple[tuple[float, float], ...] = (),
    candle_hours: float | None = None,
) -> Listing:
    return Listing(
        symbol=symbol,
        price=price,
        decimals=decimals,
        spread_bps=spread_bps,
        volatility_bps=volatility_bps,
        volatility_factors=volatility_factors,
        candle_hours=candle_hours,
    )


def _always(conditions: Conditions) -> tuple[tuple[float, Conditions], ...]:
    return ((ALWAYS, conditions),)


DEMO_SYMBOLS = (
    # liquid, one tick wide, mostly filled as maker
    DemoSymbol(listing=_market("BTCUSDT", 76_000.0, 1, 0.02, 3.0), conditions=_always(_SMOOTH), orders_per_hour=1.5),
    DemoSymbol(listing=_market("ETHUSDT", 2_350.0, 2, 0.05, 4.0), conditions=_always(_SMOOTH), orders_per_hour=1.5),
    DemoSymbol(listing=_market("SOLUSDT", 88.0, 2, 1.1, 5.0), conditions=_always(_SMOOTH)),
    DemoSymbol(listing=_market("BNBUSDT", 610.0, 2, 0.2, 3.5), conditions=_always(_SMOOTH)),
    DemoSymbol(listing=_market("XRPUSDT", 1.42, 4, 0.7, 5.0), conditions=_always(_SMOOTH)),
    # little volatility
    DemoSymbol(listing=_market("LTCUSDT", 54.0, 2, 1.9, 3.5, _LULL), conditions=_always(_SMOOTH)),
    DemoSymbol(listing=_market("ETCUSDT", 8.4, 3, 1.2, 3.5, _LULL), conditions=_always(_FAIR)),
    # more volatile than usual
    DemoSymbol(listing=_market("DOGEUSDT", 0.0952, 5, 1.1, 6.0, _STIR), conditions=_always(_SMOOTH)),
    DemoSymbol(listing=_market("SUIUSDT", 0.94, 4, 1.1, 6.5, _STIR), conditions=_always(_FAIR)),
    # in panic: short patience, and taker if the router is degraded as well
    DemoSymbol(listing=_market("WIFUSDT", 0.19, 4, 5.3, 7.0, _STORM), conditions=_always(_SMOOTH)),
    DemoSymbol(listing=_market("INJUSDT", 3.1, 3, 3.2, 6.0, _STORM), conditions=_always(_POOR)),
    # was in panic two days ago
    DemoSymbol(listing=_market("LINKUSDT", 9.2, 3, 1.1, 5.0, _PAST_STORM), conditions=_always(_SMOOTH)),
    # a router that is ok, a degraded one, and one that hardly ever fills as maker
    DemoSymbol(listing=_market("ADAUSDT", 0.248, 4, 4.0, 5.0), conditions=_always(_FAIR)),
    DemoSymbol(listing=_market("ARBUSDT", 0.124, 4, 8.0, 6.0), conditions=_always(_POOR)),
    DemoSymbol(listing=_market("APTUSDT", 0.95, 3, 10.5, 6.0), conditions=_always(_DEAD)),
    # wide spreads: expensive to cross, cheap to wait
    DemoSymbol(listing=_market("GMTUSDT", 0.0118, 5, 14.0, 6.5), conditions=_always(_SMOOTH), orders_per_hour=0.7),
    DemoSymbol(listing=_market("MASKUSDT", 0.43, 4, 20.0, 6.5), conditions=_always(_THIN), orders_per_hour=0.7),
    DemoSymbol(listing=_market("ILVUSDT", 3.9, 2, 45.0, 7.0), conditions=_always(_POOR), orders_per_hour=0.7),
    # better and worse over the history
    DemoSymbol(listing=_market("UNIUSDT", 3.3, 3, 3.0, 5.0), conditions=((ALWAYS, _POOR), (-145.0, _SMOOTH))),
    DemoSymbol(listing=_market("DOTUSDT", 1.25, 3, 8.0, 5.0), conditions=((ALWAYS, _SMOOTH), (-75.0, _DEAD))),
    # rarely traded so far; better or worse once the demo is live
    DemoSymbol(
        listing=_market("OPUSDT", 0.118, 4, 8.5, 6.0),
        conditions=((ALWAYS, _DEAD), (LIVE, _SMOOTH)),
        orders_per_hour=0.25,
    ),
    DemoSymbol(
        listing=_market("NEARUSDT", 1.34, 3, 7.5, 6.0),
        conditions=((ALWAYS, _SMOOTH), (LIVE, _DEAD)),
        orders_per_hour=0.25,
    ),
    # too young for a long range; no longer traded
    DemoSymbol(
        listing=_market("TIAUSDT", 0.37, 4, 2.7, 7.0, candle_hours=100.0),
        conditions=_always(_FAIR),
        first_order_hours=-100.0,
    ),
    DemoSymbol(
        listing=_market("ATOMUSDT", 1.75, 3, 5.7, 5.0),
        conditions=_always(_FAIR),
        last_order_hours=-190.0,
    ),
)
