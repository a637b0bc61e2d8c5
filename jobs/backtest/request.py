"""A backtest as the plan and a person's options describe it, with the candles and orders read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from jobs.backtest.backtest import BacktestRequest
from jobs.backtest.errors import NothingTradedError
from jobs.backtest.execution import Execution
from jobs.backtest.fill_evidence import fill_evidence
from jobs.backtest.market import Market
from jobs.backtest.options import BacktestOptions
from jobs.backtest.orders import coin_profile
from jobs.backtest.outages import OutagePlan, Reach, usual_count
from jobs.backtest.reading import read_log, read_markets
from jobs.plan import CandlesSource, Fees, Plan
from jobs.slots import Slots
from policy.fee_gap import FeeGap
from policy.rules import RuleSet

ASSUMED_FEES = Fees(maker_bps=2.0, taker_bps=5.0)
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def build_request(
    plan: Plan, candles: CandlesSource, options: BacktestOptions, rule_sets: Mapping[str, RuleSet], slots: Slots
) -> BacktestRequest:
    """Read the candles and the order log, and return what is to be computed; without fees, `ASSUMED_FEES` are used.

    Raises NothingTradedError if no symbol of the log has candles, and SourceError, EngineError and BacktestError as the
    readers do.
    """
    since = options.since or _EARLIEST
    markets = read_markets(candles, since, _LATEST)
    logged = read_log(plan.orders, since, _LATEST) if options.orders_per_day is None else None
    profiles = logged.profiles if logged else dict.fromkeys(markets, coin_profile(options.orders_per_day or 0.0))
    traded = [market for symbol, market in markets.items() if symbol in profiles]
    if not traded:
        raise NothingTradedError(
            "no symbol of the order log has candles; give --orders-per-day to trade those that have"
        )
    return BacktestRequest(
        markets=traded,
        profiles=profiles,
        fees={market.symbol: _fees(plan, market.symbol) for market in traded},
        fee_gaps={market.symbol: _fee_gap(plan, market) for market in traded},
        rule_sets=rule_sets,
        slots=_slots_of(slots, traded),
        execution=_execution(options),
        fill_evidence=fill_evidence(logged.rested, markets) if logged else None,
        maker_posts=options.maker_posts,
        drift_bps=options.drift_bps,
        outages=_outages(options),
        repetition_count=options.repetition_count,
        seed=options.seed,
    )


def _fees(plan: Plan, symbol: str) -> Fees:
    return plan.fees.get(symbol, plan.fees.get("", ASSUMED_FEES))


def _fee_gap(plan: Plan, market: Market) -> FeeGap:
    """Return the fee gap as the rules get it from a run, but with the spread that all candles show."""
    return FeeGap(gap_bps=plan.fee_gap_bps(market.symbol), is_one_tick=market.is_one_tick)


def _slots_of(slots: Slots, markets: Sequence[Market]) -> list[datetime]:
    """Return the slots from the newest before the first candle to the last candle."""
    first = min(int(market.bars.open_seconds[0]) for market in markets)
    last = max(int(market.bars.close_seconds[-1]) for market in markets)
    start = slots.newest(datetime.fromtimestamp(first, UTC))
    return [start, *slots.between(start, datetime.fromtimestamp(last, UTC))]


def _execution(options: BacktestOptions) -> Execution:
    return Execution(
        offset_bps=options.offset_bps,
        wait_bars=options.wait_bars,
        impact_bps=options.impact_bps,
        half_spread_bps=options.half_spread_bps,
        fill_rule=options.fill_rule,
    )


def _outages(options: BacktestOptions) -> OutagePlan | None:
    length = options.outage_length
    if length is None:
        return None
    return OutagePlan(
        duration=length,
        count=options.outage_count or usual_count(length),
        miss_share=options.outage_miss_share,
        penalty_bps=options.outage_penalty_bps,
        reach=Reach.VENUE if options.is_venue_wide else Reach.SYMBOL,
        is_rejected=options.is_rejected,
    )
