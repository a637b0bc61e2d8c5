"""`python -m benchmarks routing`: the cost of rule sets against the better fixed way, in worlds of fees and outages.

The markets are those of the benchmark `backtest`, or of your own candles. Rule sets of other packages take part by the
entry points `router_policy.rule_sets`. Scores are in basis points an order: the regret is the cost above that of the
better of always taker and always maker first, in each world. The oracle knows the better way of a world, and its
outages; its gain over always maker first is the most that can be gained.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from benchmarks.backtest import real_markets
from console.settings.duration import parse_duration
from jobs.backtest.backtest import Backtest, BacktestRequest, run_backtest
from jobs.backtest.comparison import ALWAYS_MAKER, ALWAYS_TAKER, ORACLE, PLAIN_POLICIES
from jobs.backtest.execution import Execution
from jobs.backtest.fill_rule import FillRule
from jobs.backtest.market import Market
from jobs.backtest.orders import coin_profile
from jobs.backtest.outages import OutagePlan
from jobs.backtest.reading import read_markets
from jobs.backtest.routing_rules import RoutingRules, plugin_rules
from jobs.plan import CandlesSource, Fees, Location
from jobs.slots import Slots
from policy.fee_gap import FeeGap
from policy.rules import RULE_SET_NAMES, rule_set

_MAKER_BPS = 2.0
_GAPS_BPS = (0.0, 1.0, 3.0)
_FILL_RULES = (FillRule.AT_LIMIT, FillRule.THROUGH, FillRule.TWO_BPS_BEYOND)
_OUTAGES = (None, OutagePlan(duration=timedelta(hours=24), count=2))
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_LEAST_GAIN_BPS = 0.02
HEADER = (
    "| rule set | regret, mean of the worlds | regret, worst world | share of the oracle's gain |\n|---|---|---|---|"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One world: the fee gap, how far the price must trade to fill an order, and outages, None without any."""

    gap_bps: float
    fill_rule: FillRule
    outages: OutagePlan | None

    @property
    def name(self) -> str:
        """The world in words."""
        outages = "outages of 24 h" if self.outages else "no outages"
        return f"fee gap {self.gap_bps:g}, fills {self.fill_rule.value}, {outages}"


WORLDS = tuple(
    World(gap_bps=gap_bps, fill_rule=fill_rule, outages=outages)
    for gap_bps, fill_rule, outages in product(_GAPS_BPS, _FILL_RULES, _OUTAGES)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldScore:
    """A rule set in one world, in basis points an order.

    `regret_bps` is against the better fixed way. `gain_bps` is over always maker first, and so is `oracle_gain_bps`,
    which is 0 or more.
    """

    world: World
    regret_bps: float
    gain_bps: float
    oracle_gain_bps: float


def main(arguments: Sequence[str]) -> None:
    """Print the score of every rule set, and with `--worlds` the regret in each world."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks routing", description=__doc__)
    parser.add_argument("--candles", help="a folder or pattern of your own candles: ts, symbol, high, low, close")
    parser.add_argument("--interval", type=parse_duration, default=timedelta(minutes=1), help="how long a bar is")
    parser.add_argument("--orders-per-day", type=float, default=20.0, help="orders a day and market")
    parser.add_argument("--repetitions", type=int, default=1, help="how often orders are drawn")
    parser.add_argument("--worlds", action="store_true", help="also print the regret in each world")
    options = parser.parse_args(arguments)
    markets = _markets(options.candles, options.interval)
    print(f"{len(markets)} markets, {options.orders_per_day:g} orders a day each, {len(WORLDS)} worlds\n\n{HEADER}")
    scores = scores_of(markets, rule_sets(), WORLDS, options.orders_per_day, options.repetitions)
    for name, of_worlds in scores.items():
        print(score_row(name, of_worlds), flush=True)
    if options.worlds:
        print("\n".join(("", *world_rows(scores))))


def rule_sets() -> Mapping[str, RoutingRules]:
    """Return every rule set of router-policy with its defaults, then those of other packages."""
    return {**{name: rule_set(name) for name in RULE_SET_NAMES}, **plugin_rules()}


def _markets(candles: str | None, interval: timedelta) -> list[Market]:
    if candles is None:
        return real_markets()
    path = f"{candles}/*" if Path(candles).is_dir() else candles
    source = CandlesSource(location=Location(path=path), interval=interval)
    return list(read_markets(source, _EARLIEST, _LATEST).values())


def scores_of(
    markets: Sequence[Market],
    rules: Mapping[str, RoutingRules],
    worlds: Sequence[World],
    orders_per_day: float,
    repetitions: int,
) -> dict[str, list[WorldScore]]:
    """Backtest the rule sets in every world; return the scores by rule set, those of the two fixed ways first."""
    scores: dict[str, list[WorldScore]] = {}
    for world in worlds:
        backtest = run_backtest(_request(markets, rules, world, orders_per_day, repetitions))
        for result in backtest.results:
            if result.name in (ALWAYS_MAKER, ALWAYS_TAKER) or result.name not in PLAIN_POLICIES:
                scores.setdefault(result.name, []).append(_score(backtest, result.name, world))
    return scores


def _request(
    markets: Sequence[Market], rules: Mapping[str, RoutingRules], world: World, orders_per_day: float, repetitions: int
) -> BacktestRequest:
    slots = Slots("0 * * * *")
    start = slots.newest(datetime.fromtimestamp(min(int(market.bars.open_seconds[0]) for market in markets), UTC))
    end = datetime.fromtimestamp(max(int(market.bars.close_seconds[-1]) for market in markets), UTC)
    symbols = [market.symbol for market in markets]
    return BacktestRequest(
        markets=markets,
        profiles=dict.fromkeys(symbols, coin_profile(orders_per_day)),
        fees=dict.fromkeys(symbols, Fees(maker_bps=_MAKER_BPS, taker_bps=_MAKER_BPS + world.gap_bps)),
        fee_gaps={each.symbol: FeeGap(gap_bps=world.gap_bps, is_one_tick=each.is_one_tick) for each in markets},
        rule_sets=rules,
        slots=[start, *slots.between(start, end)],
        execution=Execution(fill_rule=world.fill_rule),
        outages=world.outages,
        repetition_count=repetitions,
    )


def _score(backtest: Backtest, name: str, world: World) -> WorldScore:
    cost, maker, taker = (backtest.of(each).cost.mean for each in (name, ALWAYS_MAKER, ALWAYS_TAKER))
    oracle = min(maker, taker, backtest.of(ORACLE).cost.mean if world.outages else maker)
    return WorldScore(
        world=world, regret_bps=cost - min(maker, taker), gain_bps=maker - cost, oracle_gain_bps=maker - oracle
    )


def oracle_share(scores: Sequence[WorldScore]) -> float | None:
    """Return the share of the oracle's gain over all worlds; None if it gains less than 0.02 bps a world."""
    possible = sum(score.oracle_gain_bps for score in scores)
    if possible < _LEAST_GAIN_BPS * len(scores):
        return None
    return sum(score.gain_bps for score in scores) / possible


def score_row(name: str, scores: Sequence[WorldScore]) -> str:
    """Write a rule set's scores as a row of the table that `HEADER` begins."""
    worst = max(scores, key=lambda score: score.regret_bps)
    mean, share = sum(score.regret_bps for score in scores) / len(scores), oracle_share(scores)
    worst_words = f"{worst.regret_bps:+.3f} ({worst.world.name})"
    return f"| {name} | {mean:+.3f} | {worst_words} | {'none to gain' if share is None else f'{share:.0%}'} |"


def world_rows(scores: Mapping[str, Sequence[WorldScore]]) -> Iterator[str]:
    """Write the regret of every rule set in every world as a table."""
    yield f"| world | {' | '.join(scores)} |"
    yield f"|---|{'---|' * len(scores)}"
    for of_world in zip(*scores.values(), strict=True):
        regrets = " | ".join(f"{score.regret_bps:+.3f}" for score in of_world)
        yield f"| {of_world[0].world.name} | {regrets} |"
