"""The evidence of an outage: what the query finds, held against plain Python, and what the bars show of an order."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import log
from pathlib import Path

import duckdb
import pytest
from hypothesis import strategies as st

from jobs.engines.streaks import States
from jobs.plan import CandlesSource, Location, Plan
from jobs.run.recompute import recompute
from policy.outage_evidence import OutageEvidence, OutageParameters, outage_sum
from policy.rules import Judgement, State, rule_set
from policy.rules.breaker_state import Breaker, OpenPeriod
from storage.records import Origin
from tests.support.families import family
from tests.support.small_runs import AS_OF, canonical
from tests.support.spark_server import spark_server

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
WEEK = timedelta(days=7)
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One maker order, `number` being its id."""

    ts: datetime
    number: int = 0
    symbol: str = "BTCUSDT"
    filled: bool = False
    through: bool | None = None
    probe: bool | None = None
    share: float | None = None


def write(path: Path, orders: Sequence[Sent]) -> Path:
    rows = [
        {
            "order_id": f"{order.number:04}",
            "ts": order.ts.isoformat(),
            "symbol": order.symbol,
            "maker_started": True,
            "maker_filled": order.filled,
            "fallback_used": not order.filled,
            "slippage_bps": 1.0,
            "went_through": order.through,
            "probe": order.probe,
            "maker_share": order.share,
        }
        for order in orders
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def plan_of(path: Path, candles: CandlesSource | None = None) -> Plan:
    return Plan(
        scope="default", orders=canonical(path), candles=candles, rule_set=rule_set("breaker"), symbols=("BTCUSDT",)
    )


def judged(plan: Plan, states: States | None = None) -> dict[str, Judgement]:
    result = recompute(plan, AS_OF, origin=Origin.MANUAL, started_at=AS_OF, states=states or {})
    return {judgement.evidence.symbol: judgement for judgement in result.judgements}


def outages(judgement: Judgement) -> tuple[OutageEvidence, OutageEvidence]:
    streaks = judgement.evidence.streaks
    assert streaks is not None
    assert streaks.own_outage is not None
    assert streaks.pool_outage is not None
    return streaks.own_outage, streaks.pool_outage


def is_within(ts: datetime, breaker: Breaker) -> bool:
    """Whether a breaker was open then."""
    periods = any(period.opened_at <= ts < period.closed_at for period in breaker.open_periods)
    return periods or (breaker.opened_at is not None and ts >= breaker.opened_at)


def walk(orders: Sequence[Sent], states: Mapping[str, State]) -> dict[str, list[float]]:
    """Walk through the orders one by one; return the increments of each symbol, and under '' those of the pool."""
    seen: Counter[tuple[str, bool | None]] = Counter()
    fills: Counter[tuple[str, bool | None]] = Counter()
    increments: dict[str, list[float]] = {}
    for order in sorted(orders, key=lambda each: (each.ts, each.number)):
        if not AS_OF - WEEK <= order.ts < AS_OF:
            continue
        state, key = states.get(order.symbol, State()), (order.symbol, order.through)
        if order.through:
            misses = seen[key] - fills[key]
            miss = min(0.9, max(0.01, (1 + misses) / (25 + seen[key])))
            x = log(0.03 / (1 - miss)) if order.filled else log(0.97 / miss)
        else:
            fill = min(0.9, max(0.05, (2 + fills[key]) / (5 + seen[key])))
            x = log(max(0.03 * fill, 0.01) / fill) if order.filled else log(0.985 / (1 - fill))
        if order.ts >= (state.own.restarted_at or AS_OF - WEEK):
            increments.setdefault(order.symbol, []).append(x)
        own_open, pool_open = is_within(order.ts, state.own), is_within(order.ts, state.pool)
        if order.ts >= (state.pool.restarted_at or AS_OF - WEEK) and not own_open:
            increments.setdefault("", []).append(x)
        if not (own_open or pool_open or order.probe or (order.share or 1) < 1):
            seen[key] += 1
            fills[key] += order.filled
    return increments


def filled_in_a_row(orders: Sequence[Sent], opened_at: datetime | None) -> int:
    """Count how many of the orders since then filled in a row, at most."""
    if opened_at is None:
        return 0
    probes = [order for order in orders if max(opened_at, AS_OF - WEEK) <= order.ts < AS_OF]
    in_order = sorted(probes, key=lambda each: (each.ts, each.number))
    return max((len(list(run)) for filled, run in groupby(order.filled for order in in_order) if filled), default=0)


# Minutes on a grid, so that some orders end at the same time, and some on a bound.
ages = st.one_of(st.integers(0, 60), st.integers(0, 200 * 60)).map(lambda minutes: AS_OF - minutes * MINUTE)
sent = st.builds(
    Sent,
    ts=ages,
    symbol=st.sampled_from(SYMBOLS),
    filled=st.booleans(),
    through=st.sampled_from((True, True, False, None)),
    probe=st.sampled_from((None, None, False, True)),
    share=st.sampled_from((None, None, 1.0, 0.05)),
)
lengths = st.integers(1, 40)


@st.composite
def breakers(draw: st.DrawFn) -> Breaker:
    """A breaker that was open once, maybe, and may be open again since then."""
    closed_at, opened_at = draw(st.none() | ages), draw(st.none() | ages)
    periods: tuple[OpenPeriod, ...] = ()
    if closed_at is not None:
        periods = (OpenPeriod(opened_at=closed_at - draw(lengths) * HOUR, closed_at=closed_at),)
        opened_at = max(opened_at, closed_at) if opened_at is not None else None
    return Breaker(opened_at=opened_at, restarted_at=closed_at, open_periods=periods)


@family(
    short=6,
    long=200,
    drawn=st.lists(sent, max_size=40),
    own=st.lists(breakers(), min_size=3, max_size=3),
    pool=breakers(),
)
def test_the_query_finds_what_a_walk_through_the_orders_finds(
    tmp_path: Path, drawn: list[Sent], own: list[Breaker], pool: Breaker
) -> None:
    orders = [replace(order, number=number) for number, order in enumerate(drawn)]
    path = write(tmp_path / "log.jsonl", [*orders, Sent(ts=AS_OF - 200 * HOUR, number=9999)])
    states = {symbol: State(own=breaker, pool=pool) for symbol, breaker in zip(SYMBOLS, own, strict=True)}
    expected = walk(orders, states)

    for symbol, judgement in judged(plan_of(path), {"breaker": states}).items():
        mine = [order for order in orders if order.symbol == symbol]
        for owner, outage, opened_at, theirs in (
            (symbol, outages(judgement)[0], states[symbol].own.opened_at, mine),
            ("", outages(judgement)[1], pool.opened_at, orders),
        ):
            increments = expected.get(owner, [])
            total = outage.outage_sum(OutageParameters())
            assert total == (pytest.approx(outage_sum(increments), abs=1e-6) if increments else None)
            assert outage.order_count == len(increments)
            assert outage.filled_probe_streak == filled_in_a_row(theirs, opened_at)


def test_a_sum_of_0_or_more_comes_with_its_newest_orders_oldest_first(tmp_path: Path) -> None:
    fills = [Sent(ts=AS_OF - (60 + n) * MINUTE, number=n, filled=True, through=True) for n in range(50)]
    misses = [Sent(ts=AS_OF - n * MINUTE, number=100 - n, through=True) for n in range(1, 11)]

    quiet, _ = outages(judged(plan_of(write(tmp_path / "quiet.jsonl", fills)))["BTCUSDT"])
    outage, pool = outages(judged(plan_of(write(tmp_path / "outage.jsonl", [*fills, *misses])))["BTCUSDT"])

    assert quiet.newest_orders == ()
    assert quiet.sum_before is not None
    assert quiet.sum_before < 0
    assert [order.order_id for order in outage.newest_orders] == [f"{number:04}" for number in range(92, 100)]
    assert outage == pool
    assert outage.newest_orders[0].so_far.order_count == 52  # 50 fills, and the two misses that are not shown
    assert outage.newest_orders[0].so_far.fill_count == 50


@pytest.mark.parametrize("seed", range(3))
def test_the_newest_orders_decide_as_all_of_them_do(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    orders = [
        Sent(
            ts=AS_OF - chance.randrange(1, 30 * 60) * MINUTE,
            number=number,
            filled=chance.random() < 0.85,
            through=chance.choice((True, True, True, False, None)),
        )
        for number in range(900)
    ]
    own, pool = outages(judged(plan_of(write(tmp_path / "log.jsonl", orders)))["BTCUSDT"])

    every = outage_sum(walk(orders, {})["BTCUSDT"])
    assert own.order_count < 900
    assert own.outage_sum(OutageParameters()) == pytest.approx(every, abs=1e-6)
    assert pool.outage_sum(OutageParameters()) == pytest.approx(every, abs=1e-6)


def notes_of_run(plan: Plan) -> list[str]:
    sources = json.loads(recompute(plan, AS_OF, origin=Origin.MANUAL, started_at=AS_OF, states={}).sources)
    return [note for note in sources.get("notes", []) if "traded through their price" in note]


def test_the_notes_of_a_run_say_once_if_it_is_not_known_of_most_misses_why(tmp_path: Path) -> None:
    fills = [Sent(ts=AS_OF - n * MINUTE, number=n, filled=True) for n in range(1, 9)]
    misses = [Sent(ts=AS_OF - n * HOUR, number=100 + n, through=n % 2 == 0 or None) for n in range(1, 6)]
    plan = plan_of(write(tmp_path / "log.jsonl", [*fills, *misses]))
    known = plan_of(write(tmp_path / "known.jsonl", [*fills, *misses[:4]]))

    (note,) = notes_of_run(plan)

    assert note.startswith("orders: of 3 of 5 maker orders of the last 24 hours that missed, it is not known whether")
    assert notes_of_run(known) == []  # of 2 of 4
    assert notes_of_run(plan_of(write(tmp_path / "fills.jsonl", fills))) == []
    assert notes_of_run(replace(plan, rule_set=rule_set("breaker1"))) == []


def bar(at: datetime, low: float, high: float, symbol: str = "BTCUSDT") -> dict[str, object]:
    return {"ts": at.isoformat(), "symbol": symbol, "high": high, "low": low, "close": low}


def rested(number: int, start: datetime, seconds: int, **changes: object) -> dict[str, object]:
    """A maker order that missed: a buy at 100."""
    return {
        "order_id": f"{number}",
        "ts": (start + timedelta(seconds=seconds)).isoformat(),
        "symbol": "BTCUSDT",
        "side": "BUY",
        "maker_started": True,
        "maker_filled": False,
        "fallback_used": True,
        "slippage_bps": 1.0,
        "maker_price": 100.0,
        "maker_from": start.isoformat(),
        "maker_until": (start + timedelta(seconds=seconds)).isoformat(),
    } | changes


START = AS_OF - 6 * timedelta(days=1)  # older than the 1000 bars of a minute that the volatility needs
BELOW, ABOVE, AT = (99.0, 99.9), (100.1, 101.0), (100.0, 100.5)


@pytest.mark.parametrize(
    ("bars", "changes", "expected"),
    [
        ([AT, AT, BELOW, AT, AT], {}, True),
        ([AT, AT, AT, AT, AT], {}, False),  # at the price is not through it
        ([ABOVE, ABOVE, ABOVE, ABOVE, ABOVE], {}, False),
        ([ABOVE, ABOVE, ABOVE, ABOVE, ABOVE], {"side": "SELL"}, True),
        ([AT, AT, AT, AT, BELOW], {}, False),  # the last bar is half outside
        ([BELOW, AT, AT, AT, AT], {"shift": 1}, False),  # the first bar began before the order
        ([AT, None, AT, AT, AT], {}, None),  # a bar is missing
        ([AT, None, BELOW, AT, AT], {}, True),
        ([AT, AT, BELOW, AT, AT], {"posts": 2}, None),  # the price was another
        ([AT, AT, BELOW, AT, AT], {"posts": 1}, True),
        ([AT, AT, BELOW, AT, AT], {"side": None}, None),
        ([AT, AT, BELOW, AT, AT], {"maker_price": None}, None),
        ([AT, AT, BELOW, AT, AT], {"maker_until": None}, None),
        ([AT, AT, BELOW, AT, AT], {"went_through": False}, False),  # the log says it itself
        ([AT, AT, AT, AT, AT], {"went_through": True}, True),
        ([AT, AT, BELOW, AT, AT], {"seconds": 239}, None),  # less than four bars
    ],
)
def test_bars_show_whether_the_market_traded_through_an_order(
    tmp_path: Path, bars: Sequence[tuple[float, float] | None], changes: dict[str, object], expected: bool | None
) -> None:
    shift, seconds = changes.pop("shift", 0), changes.pop("seconds", 270)
    assert isinstance(shift, int)
    assert isinstance(seconds, int)
    start = START.replace(second=0) + timedelta(seconds=shift)
    order = rested(1, start, seconds, **changes)
    (tmp_path / "log.jsonl").write_text(json.dumps(order) + "\n", "utf-8")
    rows = [bar(START + n * MINUTE, *sides) for n, sides in enumerate(bars) if sides is not None]
    candles = candles_of(tmp_path, [*rows, bar(AS_OF - 5 * MINUTE, 1.0, 2.0)])

    own, _ = outages(judged(plan_of(tmp_path / "log.jsonl", candles))["BTCUSDT"])
    total = own.outage_sum(OutageParameters())

    # By its first order a symbol has 1 miss in 25 where the market traded through, else 2 fills in 5.
    missed = {True: log(0.97 / 0.04), False: log(0.985 / 0.6), None: log(0.985 / 0.6)}[expected]
    assert total == pytest.approx(missed)
    if own.newest_orders:
        assert own.newest_orders[0].went_through is expected


@pytest.mark.parametrize(
    ("told", "is_by_log", "price", "expected"),
    [
        (True, True, 100.0, 0.96),
        (False, True, 100.0, 0.96),
        (None, True, 100.0, 0.4),  # nothing is told of misses: a fill is as unknown as they are
        (None, False, 100.0, 0.96),  # bars tell it
        (True, True, None, 0.4),
    ],
)
def test_a_fill_shows_that_the_price_came_if_it_is_told_of_misses_too(
    tmp_path: Path, told: bool | None, is_by_log: bool, price: float | None, expected: float
) -> None:
    filled = rested(2, START + HOUR, 30, maker_filled=True, fallback_used=False, maker_price=price)
    rows = [rested(1, START, 270, went_through=told), filled]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    bars = [bar(START + n * MINUTE, *AT) for n in range(5)] if not is_by_log else []
    candles = candles_of(tmp_path, [*bars, bar(AS_OF - 5 * MINUTE, 1.0, 2.0)])

    own, _ = outages(judged(plan_of(tmp_path / "log.jsonl", candles))["BTCUSDT"])
    total = own.outage_sum(OutageParameters())

    # By the first of its kind 24 in 25 fill where the market traded through, else 2 in 5; of the other kind 2 in 6.
    missed = log(0.97 / 0.04) if told else log(0.985 / 0.6)
    fill_ratio = 2 / 6 if told is None and is_by_log else expected
    filled_log = log(0.03 / 0.96) if expected == 0.96 else log(max(0.03 * fill_ratio, 0.01) / fill_ratio)
    if told is True and expected == 0.96:
        filled_log = log(0.03 / (1 - 2 / 26))  # of its kind one of one missed
    assert total == pytest.approx(outage_sum([missed, filled_log]))


def candles_of(folder: Path, rows: Sequence[Mapping[str, object]]) -> CandlesSource:
    path = folder / "bars.csv"
    names = ("ts", "symbol", "high", "low", "close")
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return CandlesSource(location=Location(path=str(path)), interval=MINUTE)


def test_spark_finds_the_same_evidence(tmp_path: Path) -> None:
    pytest.importorskip("pysail", reason="pysail, the Spark Connect server, is not installed")
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    from jobs.plan import EngineChoice, EngineKind

    chance = random.Random(7)
    rows = [
        rested(
            number,
            AS_OF - chance.randrange(30, 9000) * MINUTE + timedelta(seconds=chance.randrange(60)),
            chance.choice((120, 240, 600)),
            symbol=chance.choice(SYMBOLS),
            side=chance.choice(("BUY", "SELL")),
            maker_filled=(filled := chance.random() < 0.6),
            fallback_used=not filled,
            went_through=chance.choice((None, None, True, False)),
            probe=chance.choice((None, True)),
            posts=chance.choice((None, 1, 2)),
            maker_share=chance.choice((None, 1.0, 0.05)),
        )
        for number in range(300)
    ]
    bars = [
        bar(AS_OF - n * MINUTE, low := 99.5 + chance.random(), low + 0.5, symbol)
        for n in range(1, 9100)
        for symbol in SYMBOLS
    ]
    log_path, bars_path = tmp_path / "log.parquet", tmp_path / "bars.parquet"
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (tmp_path / "bars.jsonl").write_text("".join(json.dumps(row) + "\n" for row in bars), "utf-8")
    duckdb.execute(f"copy (select * from read_json('{tmp_path / 'log.jsonl'}')) to '{log_path}'")
    duckdb.execute(f"copy (select * from read_json('{tmp_path / 'bars.jsonl'}')) to '{bars_path}'")
    opened, closed = AS_OF - 20 * HOUR, AS_OF - 90 * HOUR
    period = OpenPeriod(opened_at=closed - 9 * HOUR, closed_at=closed)
    breaker = Breaker(opened_at=opened, restarted_at=closed, open_periods=(period,))
    states = {"breaker": {"BTCUSDT": State(own=breaker, pool=breaker), "ETHUSDT": State(pool=breaker)}}
    plan = replace(
        plan_of(log_path, CandlesSource(location=Location(path=str(bars_path)), interval=MINUTE)),
        engine=EngineChoice(kind=EngineKind.DUCKDB),
    )
    with spark_server() as address:
        on_spark = replace(plan, engine=EngineChoice(kind=EngineKind.SPARK, remote=address))
        results = [judged(engine, states) for engine in (plan, on_spark)]

    assert results[0] == results[1]
    assert results[0].keys() == set(SYMBOLS)
    assert AS_OF.astimezone(UTC) == AS_OF
