"""Two days of ten symbols as the demo has them, small enough to know by heart: seed live, breaker1 in its shadow.

Hourly slots from 2026-04-25T00:00Z to 2026-04-26T23:00Z. At the last slot, the worst first:

    symbol      quality     fallback   median slippage   regime   route
    WIFUSDT     broken      0.95        6                normal   taker
    SUIUSDT     broken      0.50       25                normal   taker
    DOGEUSDT    degraded    0.70        6                normal   maker first
    SOLUSDT     ok          0.55        1                normal   maker first
    ETCUSDT     ok          0.52        2                normal   maker first
    XRPUSDT     ok          0.47        3                panic    maker first
    BNBUSDT     good        0.20        0.8              hot      maker first
    ETHUSDT     good        0.15        0.4              normal   maker first
    LTCUSDT     good        0.10        0.6              quiet    maker first
    BTCUSDT     good        0.08        0.2              normal   maker first

SOLUSDT is good with a fallback ratio of 0.12 until its router misses everything: from 2026-04-26T06:00Z to 16:00Z it is
broken with 0.95 and its own breaker is open.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import sin

from policy import Effectiveness, Evidence
from policy.rules import State
from policy.streaks import Streak
from storage.schema.tables import policy_run
from storage.store import Store
from tests.support.shadowed_history import BREAKER, FILLED, HOUR, MIDNIGHT, MISSES, SEED, STEADY, measured, publish_run
from tests.support.tampering import behind_the_triggers

FIRST_HOUR, LAST_HOUR = -24, 23
LAST_SLOT = MIDNIGHT + LAST_HOUR * HOUR
NOW = LAST_SLOT + timedelta(minutes=12)
BROKEN_FROM, BROKEN_UNTIL = 6, 16


@dataclass(frozen=True, slots=True)
class Market:
    """One symbol's fallback ratio, median slippage in bps and ATR ratio."""

    fallback: float
    slippage_bps: float
    atr_ratio: float = 1.0


MARKETS = {
    "BTCUSDT": Market(0.08, 0.2),
    "ETHUSDT": Market(0.15, 0.4),
    "SOLUSDT": Market(0.55, 1.0),
    "BNBUSDT": Market(0.20, 0.8, 1.9),
    "XRPUSDT": Market(0.47, 3.0, 2.9),
    "LTCUSDT": Market(0.10, 0.6, 0.4),
    "ETCUSDT": Market(0.52, 2.0),
    "DOGEUSDT": Market(0.70, 6.0),
    "SUIUSDT": Market(0.50, 25.0),
    "WIFUSDT": Market(0.95, 6.0),
}
WORST_FIRST = "WIFUSDT SUIUSDT DOGEUSDT SOLUSDT ETCUSDT XRPUSDT BNBUSDT ETHUSDT LTCUSDT BTCUSDT".split()


def publish_two_days(store: Store, first_hour: int = FIRST_HOUR) -> None:
    """Publish them into an empty store, from this hour on, as if each had been published two seconds after its slot."""
    states: dict[str, State | None] = {}
    for hour in range(first_hour, LAST_HOUR + 1):
        publish_hour(store, hour, states)
    with behind_the_triggers(store) as connection:
        for run_id, slot in connection.execute(
            policy_run.select().with_only_columns(policy_run.c.run_id, policy_run.c.slot)
        ).all():
            times = _times(slot)
            connection.execute(policy_run.update().where(policy_run.c.run_id == run_id).values(times))


def publish_hour(
    store: Store, hour: int, states: dict[str, State | None] | None = None, markets: dict[str, Market] | None = None
) -> None:
    """Publish one run; `hour` counts from midnight of 2026-04-26, `markets` differ from the usual ones."""
    shown = {**MARKETS, **(markets or {})}
    evidences = tuple(_evidence(symbol, market, hour) for symbol, market in shown.items())
    publish_run(store, hour, evidences, SEED, BREAKER, {} if states is None else states)


def _evidence(symbol: str, market: Market, hour: int) -> Evidence:
    if symbol == "SOLUSDT" and hour < BROKEN_UNTIL:
        market = Market(0.12 if hour < BROKEN_FROM else 0.95, 1.0)
    wave = sin((LAST_HOUR - hour) / 3) if hour < LAST_HOUR else 0.0
    fallback = market.fallback + 0.02 * wave
    usual = measured(symbol, hour, fallback, _streak(symbol, hour))
    return replace(
        usual,
        effectiveness=_effectiveness(usual.effectiveness, market, fallback, wave),
        volatility=replace(usual.volatility, atr_ratio=round(market.atr_ratio * (1 + 0.1 * wave), 9)),
    )


def _effectiveness(usual: Effectiveness, market: Market, fallback: float, wave: float) -> Effectiveness:
    median = market.slippage_bps * (1 + 0.2 * wave)
    return replace(
        usual,
        maker_fill_ratio=round(1 - fallback, 9),
        fallback_ratio=round(fallback, 9),
        slip_q25=round(median - 1.5 - 0.3 * wave, 9),
        slip_q50=round(median, 9),
        slip_q75=round(median + 2.5 + 0.6 * wave, 9),
    )


def _streak(symbol: str, hour: int) -> Streak:
    """Six misses in a row open the breaker, a probe that has filled since closes it."""
    if symbol != "SOLUSDT" or hour < BROKEN_FROM:
        return STEADY
    if hour < BROKEN_UNTIL:
        return MISSES
    return replace(FILLED, last_probe_at=MIDNIGHT + (BROKEN_UNTIL - 0.5) * HOUR)


def _times(slot: datetime) -> dict[str, datetime]:
    return {"started_at": slot + timedelta(seconds=1), "published_at": slot + timedelta(seconds=2)}
