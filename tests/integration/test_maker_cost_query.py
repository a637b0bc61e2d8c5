"""What maker orders cost beyond crossing: the query held against plain Python, its sixty days, and both engines."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, pstdev

import duckdb
import pytest
from hypothesis import strategies as st

from jobs.engines.measure import measure, measuring
from jobs.plan import EngineChoice, EngineKind, Fees, Plan
from jobs.run.recompute import recompute
from policy.maker_cost import CostEvidence, CostSample, MakerCost
from policy.rules import rule_set
from storage.records import Origin, RunResult
from tests.support.families import family
from tests.support.small_runs import AS_OF, canonical
from tests.support.spark_server import spark_server

DAY = timedelta(days=1)
SYMBOLS = ("BTCUSDT", "ETHUSDT")
GAPS = {"BTCUSDT": 3.0, "ETHUSDT": 0.5}
FEES = {symbol: Fees(maker_bps=1.0, taker_bps=1.0 + gap) for symbol, gap in GAPS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One order: as maker or not, `number` being its id."""

    ts: datetime
    number: int = 0
    symbol: str = "BTCUSDT"
    maker: bool | None = True
    filled: bool = False
    slippage_bps: float | None = 1.0
    quote_bps: float | None = 0.5
    probe: bool | None = None
    share: float | None = None


def write(path: Path, orders: Sequence[Sent]) -> Path:
    rows = [
        {
            "order_id": f"{order.number:04}",
            "ts": order.ts.isoformat(),
            "symbol": order.symbol,
            "maker_started": order.maker,
            "maker_filled": bool(order.maker and order.filled),
            "fallback_used": bool(order.maker and not order.filled),
            "slippage_bps": order.slippage_bps,
            "arrival_quote_bps": order.quote_bps,
            "probe": order.probe,
            "maker_share": order.share,
        }
        for order in orders
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def plan_of(path: Path, **parameters: object) -> Plan:
    rules = rule_set("measured", parameters)
    return Plan(scope="default", orders=canonical(path), candles=None, rule_set=rules, symbols=SYMBOLS, fees=dict(FEES))


def run(plan: Plan) -> RunResult:
    return recompute(plan, AS_OF, origin=Origin.MANUAL, started_at=AS_OF, states={})


def costs_of(result: RunResult) -> dict[str, CostEvidence]:
    costs = {judgement.evidence.symbol: judgement.evidence.cost for judgement in result.judgements}
    return {symbol: cost for symbol, cost in costs.items() if cost is not None}


def counted(order: Sent, days: int) -> float | None:
    """What an order cost beyond its quote, None if it does not count."""
    if order.slippage_bps is None or order.quote_bps is None or order.maker is None or order.probe:
        return None
    if (order.share or 1) < 1 or not AS_OF - days * DAY <= order.ts < AS_OF:
        return None
    gap = GAPS[order.symbol] if order.maker and order.filled else 0.0
    return max(-150.0, min(150.0, order.slippage_bps - order.quote_bps)) - gap


def expected(orders: Sequence[Sent], *, maker: bool, days: int = 60) -> CostSample:
    costs = [cost for order in orders if order.maker is maker and (cost := counted(order, days)) is not None]
    if not costs:
        return CostSample()
    return CostSample(order_count=len(costs), mean_bps=fmean(costs), deviation_bps=pstdev(costs))


def assert_is(sample: CostSample, hand: CostSample) -> None:
    assert sample.order_count == hand.order_count
    assert sample.mean_bps == pytest.approx(hand.mean_bps, abs=1e-7)
    assert sample.deviation_bps == pytest.approx(hand.deviation_bps, abs=1e-6)


sent = st.builds(
    Sent,
    ts=st.integers(0, 61 * 24).map(lambda hours: AS_OF - hours * timedelta(hours=1)),
    symbol=st.sampled_from(SYMBOLS),
    maker=st.sampled_from((True, True, False, None)),
    filled=st.booleans(),
    slippage_bps=st.none() | st.floats(-200.0, 200.0).map(lambda bps: round(bps, 3)),
    quote_bps=st.none() | st.sampled_from((0.5, 1.25, 40.0)),
    probe=st.sampled_from((None, None, False, True)),
    share=st.sampled_from((None, None, 1.0, 0.05)),
)


@family(short=6, long=200, drawn=st.lists(sent, max_size=40))
def test_the_query_finds_what_plain_python_finds(tmp_path: Path, drawn: list[Sent]) -> None:
    orders = [replace(order, number=number) for number, order in enumerate(drawn)]
    recent = Sent(ts=AS_OF - DAY, number=9999, maker=None)

    costs = costs_of(run(plan_of(write(tmp_path / "log.jsonl", [*orders, recent]))))

    for symbol, cost in costs.items():
        mine = [order for order in orders if order.symbol == symbol]
        assert_is(cost.own.maker, expected(mine, maker=True))
        assert_is(cost.own.taker, expected(mine, maker=False))
        assert_is(cost.pool.maker, expected(orders, maker=True))
        assert_is(cost.pool.taker, expected(orders, maker=False))


def history() -> list[Sent]:
    """Four orders a day of 65 days: maker orders that fill or miss, every tenth order a taker."""
    return [
        Sent(
            ts=AS_OF - hours * timedelta(hours=6),
            number=hours,
            symbol=SYMBOLS[hours % 2],
            maker=hours % 10 != 0,
            filled=hours % 3 != 0,
            slippage_bps=(hours * 7919 % 200 - 100) / 7,
        )
        for hours in range(1, 65 * 4)
    ]


@pytest.mark.parametrize("days", [60, 30])
def test_costs_are_of_so_many_days_and_all_else_is_of_seven(tmp_path: Path, days: int) -> None:
    orders = history()
    path = write(tmp_path / "log.jsonl", orders)
    plan = plan_of(path, cost_days=days)

    result = run(plan)
    plain = run(replace(plan, rule_set=rule_set("breaker")))

    maker = costs_of(result)["BTCUSDT"].pool.maker
    assert_is(maker, expected(orders, maker=True, days=days))
    assert maker.order_count == days * 4 * 9 // 10
    assert (result.event_count, result.rejects) == (plain.event_count, plain.rejects)
    assert result.event_count == 7 * 4
    measured = [replace(judgement.evidence, cost=None) for judgement in result.judgements]
    assert measured == [judgement.evidence for judgement in plain.judgements]


def test_a_shadow_asks_for_costs_too_and_rule_sets_that_do_not_read_seven_days(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", history())
    plan = replace(plan_of(path), rule_set=rule_set("seed"), shadows=(rule_set("measured"),))

    ((_, judgements),) = run(plan).shadows
    pools = [judgement.evidence.cost.pool for judgement in judgements if judgement.evidence.cost is not None]

    assert [pool.maker.order_count for pool in pools] == [216, 216]
    assert plan.outcome_window == 60 * DAY
    assert replace(plan, shadows=(rule_set("breaker"),)).outcome_window == 7 * DAY


def test_a_backfill_measures_what_single_runs_do(tmp_path: Path) -> None:
    plan = plan_of(write(tmp_path / "log.jsonl", history()))
    windows = [plan.window(AS_OF - days * DAY) for days in (3, 0)]

    with measuring(plan, windows) as measured:
        together = [measured(window, {}).costs for window in windows]

    assert together == [measure(plan, window, {}).costs for window in windows]


def test_the_notes_of_a_run_name_what_the_costs_of_orders_lack(tmp_path: Path) -> None:
    orders = [replace(order, quote_bps=None) for order in history()]
    plan, quoted = plan_of(write(tmp_path / "log.jsonl", orders)), plan_of(write(tmp_path / "quoted.jsonl", history()))

    def notes_of(plan: Plan) -> list[str]:
        return [note for note in json.loads(run(plan).sources).get("notes", []) if "so measured cannot" in note]

    (note,) = notes_of(plan)
    assert note.startswith("orders: of no order is it known what it cost beyond the quote at its arrival")
    assert notes_of(replace(plan, rule_set=rule_set("breaker"))) == []
    assert notes_of(quoted) == []
    assert notes_of(replace(quoted, fees={})) == [
        "orders: the settings have no fees for any symbol that is traded, so measured cannot compare maker orders with "
        "crossing; set [fees]"
    ]


def test_a_symbol_without_fees_has_no_costs_and_is_no_part_of_the_pool(tmp_path: Path) -> None:
    orders = history()
    plan = replace(plan_of(write(tmp_path / "log.jsonl", orders)), fees={"BTCUSDT": FEES["BTCUSDT"]})

    costs = costs_of(run(plan))

    assert costs["ETHUSDT"].own == MakerCost()
    assert costs["ETHUSDT"].pool == costs["BTCUSDT"].own
    assert costs["BTCUSDT"].own.maker.order_count > 0


@pytest.mark.xdist_group("spark")
@pytest.mark.skipif(find_spec("pyspark") is None, reason="pyspark-client is not installed (extra spark)")
@pytest.mark.skipif(find_spec("pysail") is None, reason="pysail, the Spark Connect server, is not installed")
def test_spark_measures_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", history())
    duckdb.sql(
        f"copy (select * replace (cast(ts as timestamp) as ts) from read_json('{path}')) "
        f"to '{tmp_path}/log.parquet' (format parquet)"
    )
    plan = plan_of(tmp_path / "log.parquet")

    with spark_server() as address:
        remote = EngineChoice(kind=EngineKind.SPARK, remote=address)
        spark = run(replace(plan, engine=remote))

    assert [judgement.evidence for judgement in spark.judgements] == [
        judgement.evidence for judgement in run(plan).judgements
    ]
    assert costs_of(spark)["BTCUSDT"].pool.maker.order_count == 216
