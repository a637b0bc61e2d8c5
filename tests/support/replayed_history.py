"""A made history whose replays are kept in tests/data/replays.json, and how to write that file again.

`python -m tests.support.replayed_history` writes it, with the code as it is: only a change that is meant to change what
a replay returns may do so.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.analysis.replay import replay
from jobs.analysis.replay_result import Change, SymbolTotals
from policy import Effectiveness, Evidence, Volatility
from policy.fee_gap import FeeGap
from policy.maker_cost import CostEvidence, CostSample, MakerCost
from policy.outage_evidence import FillCount, OutageEvidence, WeighedOrder
from policy.rules import Judgement, RuleSet, State, rule_set
from policy.streaks import Streak, Streaks
from storage.store import Store
from tests.support.runs import claim, evidence, result

EXPECTED = Path(__file__).parents[1] / "data" / "replays.json"
LIVE = rule_set("breaker")
SHADOWS = (rule_set("measured"), rule_set("breaker1"))
REPLAYED = {
    "seed, broken later": rule_set("seed", {"broken_fallback_ratio": 0.99, "max_bar_age_seconds": 200.0}),
    "breaker, other probes": rule_set("breaker", {"probe_every": 7}),
    "breaker, opens early": rule_set("breaker", {"open_sum": 3.0, "pool_open_sum": 6.0}),
    "breaker, opens late": rule_set("breaker", {"open_sum": 20.0, "open_reject_streak": 9}),
    "breaker, one probe": rule_set("breaker", {"most_filled_probes": 1, "open_reject_streak": 1}),
    "breaker, other outages": rule_set("breaker", {"outage_fill_probability": 0.2, "highest_ratio": 0.8}),
    "breaker, low variance": rule_set("breaker", {"low_variance": True, "max_bar_age_seconds": 200.0}),
    "breaker, small fees": rule_set("breaker", {"act_on_fee_gap": True, "losing_fee_gap_bps": 1.5}),
    "breaker1": rule_set("breaker1"),
    "breaker1, opens early": rule_set("breaker1", {"open_probability": 0.05, "low_variance": True}),
    "measured": rule_set("measured"),
    "measured, few orders": rule_set("measured", {"least_own_orders": 5, "least_pool_orders": 5}),
    "measured, opens early": rule_set("measured", {"open_sum": 3.0, "low_variance": True}),
}
_FIRST_SLOT = datetime(2026, 4, 1, tzinfo=UTC)
_STEP = timedelta(hours=6)
_RUN_COUNT = 72
_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
_ABSENT = ("XRPUSDT", range(30, 36))  # the symbol, and the runs in which it has left
_POOL_OUTAGES = (range(12, 15), range(50, 52))

Result = dict[str, object]


def publish_history(store: Store) -> None:
    """Publish the history into an empty store: 18 days, with outages of each symbol and of all."""
    states: dict[str, dict[str, State]] = {rules.name: {} for rules in (LIVE, *SHADOWS)}
    for number in range(_RUN_COUNT):
        slot = _FIRST_SLOT + number * _STEP
        shown = list(_evidences(number, slot))
        judged = {rules.name: _judged(rules, shown, states[rules.name]) for rules in (LIVE, *SHADOWS)}
        live = judged[LIVE.name]
        whole = replace(
            result(shown),
            rule_set=LIVE,
            decisions=tuple((judgement.evidence, judgement.decision) for judgement in live),
            judgements=live,
            shadows=tuple((rules, judged[rules.name]) for rules in SHADOWS),
        )
        store.publish(claim(store, slot), whole)


def results(store: Store) -> dict[str, Result]:
    """Replay the history by each rule set; return every result by its name, as JSON has it."""
    return {name: _result(store, rules) for name, rules in REPLAYED.items()}


def _result(store: Store, rules: RuleSet) -> Result:
    *_, last = replay(store, "default", rules)
    names = ("recorded_by", "first_slot", "last_slot", "run_count", "skipped_run_count", "never_sent", "change_count")
    every = {
        **{name: getattr(last, name) for name in names},
        "symbols": {name: _totals(totals) for name, totals in last.symbols.items()},
        "changes": [" ".join(map(str, _parts(change))) for change in last.changes],
    }
    as_json: Result = json.loads(json.dumps(every, default=str))
    return as_json


def _totals(totals: SymbolTotals) -> dict[str, object]:
    tallies = {verdict: f"{tally.run_count} runs, {tally.seconds} s" for verdict, tally in totals.tallies.items()}
    return {**asdict(totals), "tallies": tallies}


def _parts(change: Change) -> Iterator[object]:
    yield from (change.symbol, change.start, change.until, change.run_count, change.verdict)
    for instruction in (change.live, change.replayed):
        yield from (instruction.maker_first, instruction.taker_bias)
    yield change.reason


def _judged(rules: RuleSet, shown: list[Evidence], states: dict[str, State]) -> tuple[Judgement, ...]:
    newcomer = rules.newcomer(states.values())
    judged = tuple(rules.decide_with_state(each, states.get(each.symbol, newcomer)) for each in shown)
    states.clear()
    states.update({each.evidence.symbol: each.after for each in judged if each.after is not None})
    return judged


def _evidences(number: int, slot: datetime) -> Iterator[Evidence]:
    draw = random.Random(number)
    is_pool_outage = any(number in outage for outage in _POOL_OUTAGES)
    pool = _streak(draw, slot, is_outage=is_pool_outage)
    pool_outage = _outage(draw, slot, is_outage=is_pool_outage)
    pool_cost = _cost(draw)
    for index, symbol in enumerate(_SYMBOLS):
        if symbol == _ABSENT[0] and number in _ABSENT[1]:
            continue
        is_outage = is_pool_outage or (number + 5 * index) % 17 < 2
        plain = evidence(symbol, fallback=draw.choice([0.1, 0.5, 0.7, 0.95]), atr_ratio=draw.choice([1.0, 2.0, 3.0]))
        yield replace(
            plain,
            effectiveness=_effectiveness(draw, plain),
            volatility=replace(plain.volatility, bar_age_seconds=draw.choice([100.0, 300.0]))
            if draw.random() < 0.9
            else Volatility(bar_count=40),
            fee_gap=FeeGap(gap_bps=draw.choice([None, 0.0, 1.0, 3.0]), is_one_tick=draw.choice([None, True, False])),
            streaks=Streaks(
                as_of=slot,
                own=_streak(draw, slot, is_outage=is_outage),
                reject_streak=draw.choice([0, 0, 0, 0, 1, 3]),
                pool=pool,
                own_outage=_outage(draw, slot, is_outage=is_outage),
                pool_outage=pool_outage,
            ),
            cost=CostEvidence(own=_cost(draw), pool=pool_cost),
        )


def _effectiveness(draw: random.Random, plain: Evidence) -> Effectiveness:
    return replace(plain.effectiveness, survivor_count=draw.choice([None, None, 0, 7]))


def _streak(draw: random.Random, slot: datetime, *, is_outage: bool) -> Streak:
    start_count = draw.randrange(20, 60)
    probe_count = draw.randrange(4)
    return Streak(
        miss_streak=draw.randrange(5, 12) if is_outage else draw.randrange(5),
        start_count=start_count,
        miss_count=draw.randrange(start_count // 3),
        probe_count=probe_count,
        probe_filled_count=0 if is_outage else draw.randrange(probe_count + 1),
        last_probe_at=slot - timedelta(hours=draw.randrange(9)) if probe_count else None,
    )


def _outage(draw: random.Random, slot: datetime, *, is_outage: bool) -> OutageEvidence:
    probes = 0 if is_outage else draw.randrange(4)
    if not is_outage and draw.random() < 0.6:
        sum_before = draw.choice([None, round(-5 * draw.random(), 9)])
        return OutageEvidence(sum_before=sum_before, order_count=draw.randrange(90), filled_probe_streak=probes)
    orders = tuple(
        WeighedOrder(
            symbol="BTCUSDT",
            order_id=draw.choice([None, f"order-{draw.randrange(10**6)}"]),
            ended_at=slot - timedelta(minutes=back),
            went_through=draw.choice([True, False, None]),
            is_filled=not is_outage and draw.random() < 0.5,
            so_far=FillCount(order_count=40 + back, fill_count=30 + draw.randrange(10)),
        )
        for back in range(8, 0, -1)
    )
    return OutageEvidence(
        sum_before=round(2 * draw.random(), 9), newest_orders=orders, order_count=90, filled_probe_streak=probes
    )


def _cost(draw: random.Random) -> MakerCost:
    return MakerCost(maker=_sample(draw), taker=_sample(draw))


def _sample(draw: random.Random) -> CostSample:
    if draw.random() < 0.2:
        return CostSample()
    return CostSample(
        order_count=draw.choice([8, 60, 4000]),
        mean_bps=round(draw.gauss(0, 2), 9),
        deviation_bps=round(5 * draw.random(), 9),
    )


def _write() -> None:
    with TemporaryDirectory() as folder, Store(f"sqlite:///{folder}/store.db") as store:
        store.set_up()
        publish_history(store)
        EXPECTED.write_text(json.dumps(results(store), indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    _write()
