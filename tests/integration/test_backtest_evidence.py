"""What the rules see in an evaluation is what the job would have measured from the same outcomes and candles."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from jobs.backtest.execution import Execution
from jobs.backtest.market import Market
from jobs.backtest.orders import Orders, coin_profile, draw_orders
from jobs.backtest.outages import OutagePlan, Reach, arriving_within, draw_outages
from jobs.backtest.outcomes import OutcomesByAction
from jobs.backtest.reading import read_log, read_markets
from jobs.backtest.routing import BacktestContext, RoutedOrders, route
from jobs.plan import CandlesSource, Location, Plan
from jobs.run.recompute import recompute
from policy import Evidence
from policy.fee_gap import NO_FEES
from policy.maker_cost import CostParameters
from policy.outage_evidence import OutageEvidence, OutageParameters
from policy.rules import Judgement, RuleSet, State, rule_set
from policy.streaks import Streaks
from storage.records import Origin
from tests.support.backtest_markets import FEES, START, walking, write_candles
from tests.support.outcomes import NAMES, outcome, write_csv
from tests.support.small_runs import canonical

DAYS = 12
QUARTER = timedelta(minutes=15)
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
END = START + timedelta(days=DAYS)


@dataclass
class Recording:
    """The breaker, of which all that it was shown and what it remembered is kept, slot by slot."""

    rules: RuleSet
    judged: list[Judgement] = field(default_factory=list)
    has_state: bool = True

    @property
    def outage_parameters(self) -> OutageParameters | None:
        return self.rules.outage_parameters

    @property
    def cost_parameters(self) -> CostParameters | None:
        return self.rules.cost_parameters

    def newcomer(self, states: Sequence[State]) -> State | None:
        return self.rules.newcomer(states)

    def decide_with_state(self, evidence: Evidence, before: State | None) -> Judgement:
        judgement = self.rules.decide_with_state(evidence, before)
        self.judged.append(judgement)
        return judgement


def markets() -> list[Market]:
    """The first without 500 of its bars: of the last thousand times it has just as many as the long range needs."""
    whole, *others = [walking(symbol, DAYS * 96) for symbol in SYMBOLS]
    there = np.r_[0:300, 800 : DAYS * 96]
    bars = whole.bars
    holed = replace(
        bars,
        open_seconds=bars.open_seconds[there],
        high=bars.high[there],
        low=bars.low[there],
        close=bars.close[there],
    )
    return [replace(whole, bars=holed), *others]


def rows_of(orders: Orders, outcomes: OutcomesByAction, routing: RoutedOrders) -> list[dict[str, object]]:
    """The orders as a bot's log would have them."""
    rows, sent = [], outcomes.sent(routing.actions, routing.action)
    for number in range(len(orders)):
        is_maker, is_filled = routing.actions[routing.action[number]].is_maker, bool(sent.is_filled[number])
        rows.append(
            outcome(
                number,
                symbol=SYMBOLS[orders.market[number]],
                at=datetime.fromtimestamp(int(sent.ends_seconds[number]), UTC),
                maker_started=is_maker,
                maker_filled=is_filled,
                fallback_used=is_maker and not is_filled,
                slippage_bps=float(sent.slippage_bps[number]),
                post_only_rejected=is_maker and bool(outcomes.is_rejected[number]),
                probe=bool(routing.is_probe[number]),
                went_through=bool(sent.went_through[number]) if is_maker else None,
                order_id=f"{number:06}",  # of those that end together, the order of the numbers
            )
        )
    return rows


def candles_of(folder: Path, of: Sequence[Market]) -> CandlesSource:
    return CandlesSource(location=Location(path=str(write_candles(folder / "candles.csv", of))), interval=QUARTER)


def near(evidence: Evidence) -> Evidence:
    """Volatility to 8 digits: sums that run on differ in the last of 9 now and then.

    Without the fee gap, which a backtest is given: of it the job measures whether the spread is one tick.
    """
    volatility = evidence.volatility
    rounded: dict[str, Any] = {
        name: value if (value := getattr(volatility, name)) is None else round(value, 7)
        for name in ("atr_short_pct", "atr_long_pct", "atr_ratio")
    }
    rounded_volatility, streaks = replace(volatility, **rounded), _near(evidence.streaks)
    return replace(evidence, volatility=rounded_volatility, fee_gap=NO_FEES, streaks=streaks)


def _near(streaks: Streaks | None) -> Streaks | None:
    """Sums of the evidence of an outage to 6 digits: the job shows the newest orders apart, and sums no old ones."""
    return streaks and replace(streaks, own_outage=_whole(streaks.own_outage), pool_outage=_whole(streaks.pool_outage))


def _whole(outage: OutageEvidence | None) -> OutageEvidence | None:
    if outage is None:
        return None
    total = outage.outage_sum(OutageParameters())
    return replace(outage, sum_before=None if total is None else round(total, 6), newest_orders=(), order_count=0)


def test_the_evidence_of_each_slot_is_what_the_job_measures_of_the_same_outcomes(tmp_path: Path) -> None:
    of = markets()
    plan = OutagePlan(duration=timedelta(hours=30), count=1, reach=Reach.VENUE, is_rejected=True)
    drawn = draw_orders(of, dict.fromkeys(SYMBOLS, coin_profile(40)), 4, seed=3, repetition=0)
    struck = arriving_within(drawn, draw_outages(plan, of, seed=3, repetition=0)) & (drawn.failure_draw < 0.9)
    outcomes = OutcomesByAction(drawn, of, [FEES] * 3, Execution(), struck, plan)
    slots = [START + number * timedelta(hours=1) for number in range(DAYS * 24 + 1)]
    recording = Recording(rule_set("breaker"))
    setting = BacktestContext.of(of, slots, [NO_FEES] * 3)
    routing = route(cast(RuleSet, recording), drawn, outcomes, setting, lambda _: None)
    log = write_csv(
        tmp_path / "log.csv", rows_of(drawn, outcomes, routing), (*NAMES, "post_only_rejected", "probe", "went_through")
    )
    job = Plan(
        scope="default",
        orders=canonical(log, deduplicate=False),
        candles=candles_of(tmp_path, of),
        rule_set=rule_set("breaker"),
        symbols=SYMBOLS,
    )
    opened = [
        number
        for number, judgement in enumerate(recording.judged)
        if judgement.before and judgement.before.pool.opened_at
    ]
    assert opened
    # early, with bars missing, before, in and after the outage, when the breaker had just closed, and the last ones
    moved = (opened[0] // 3, opened[len(opened) // 2] // 3, opened[-1] // 3 + 1)
    for number in (0, 5, 130, 200, *moved, *range(len(slots) - 4, len(slots))):
        mine = recording.judged[3 * number : 3 * number + 3]
        states = {
            "breaker": {
                judgement.evidence.symbol: judgement.before for judgement in mine if judgement.before is not None
            }
        }
        run = recompute(job, slots[number], origin=Origin.MANUAL, started_at=END, states=states)

        assert [near(judgement.evidence) for judgement in run.judgements] == [
            near(judgement.evidence) for judgement in mine
        ]
        assert [judgement.after for judgement in run.judgements] == [judgement.after for judgement in mine]


def test_markets_are_read_with_their_tick_and_each_bar_once(tmp_path: Path) -> None:
    of = markets()
    source = candles_of(tmp_path, of)
    with (tmp_path / "candles.csv").open("a") as file:
        file.write("2026-04-01 00:00:00+00:00,BTCUSDT,5,6,5.5\n")  # below its low
        file.write("2026-04-01 00:00:00+00:00,BTCUSDT,500,400,450\n")  # once more, higher

    by_symbol = read_markets(source, START + QUARTER, END)

    assert sorted(by_symbol) == sorted(SYMBOLS)
    for market in of:
        read = by_symbol[market.symbol]
        assert read.tick == pytest.approx(0.01)
        assert read.bars.close.tolist() == market.bars.close[1:].tolist()
        assert read.bars.open_seconds.tolist() == market.bars.open_seconds[1:].tolist()


def test_the_profile_is_how_often_which_way_and_how_much_the_log_trades(tmp_path: Path) -> None:
    at = [START + timedelta(days=day) for day in range(5)]
    rows = [
        outcome(1, at=at[0], side="buy", notional=10.0),
        outcome(2, at=at[1], side="SELL", notional=30.0),
        outcome(3, at=at[2], side=None, notional=None),
        outcome(4, at=at[3], slippage_bps=10_000.0),  # is not a sample
        outcome(5, at=at[4], symbol="ETHUSDT", notional=None),
        outcome(6, at=at[0] - timedelta(days=9), notional=5.0),  # too early
    ]
    source = canonical(write_csv(tmp_path / "log.csv", rows))

    profiles = read_log(source, START, END).profiles

    assert sorted(profiles) == ["BTCUSDT", "ETHUSDT"]
    mine = profiles["BTCUSDT"]
    assert mine.orders_per_day == pytest.approx(3 / 4)  # three in the four days of the log
    # what is not known is a coin's toss, and the mean of the others
    assert list(zip(mine.sides.tolist(), mine.notionals.tolist(), strict=True)) == [(1, 10.0), (-1, 30.0), (0, 20.0)]
    assert np.isnan(profiles["ETHUSDT"].notionals).all()
