"""Whether a market's spread is one tick, from candles on disk to the words of `check`, on both engines.

Real candles lie in the folder that REAL_INPUTS names, else in `../shared/real` beside the checkout.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from math import exp
from pathlib import Path
from typing import Any

import duckdb
import pytest

from console.commands import check
from jobs.engines.duckdb_engine import _DuckDBEngine
from jobs.engines.duckdb_tables import metric_rows
from jobs.engines.engine import MetricRow
from jobs.engines.measure import measure
from jobs.engines.measurement import market_ticks
from jobs.plan import CandlesSource, EngineChoice, EngineKind, Fees, Location, OrdersKind, OrdersSource, Plan
from jobs.run.recompute import recompute
from policy import metrics
from policy.fee_gap import FeeGap
from policy.rules import rule_set
from policy.window import Window
from storage.records import Origin
from tests.support.bots import write_bot
from tests.support.outcomes import outcome, write_parquet
from tests.support.spark_server import spark_server

REAL = Path(os.environ.get("REAL_INPUTS", Path(__file__).parents[3] / "shared" / "real")) / "candles-1m"
MINUTE = timedelta(minutes=1)
AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
FEES = {"": Fees(maker_bps=2.0, taker_bps=2.4)}
Bar = tuple[str, datetime, float, float, float]
needs_spark = pytest.mark.skipif(
    find_spec("pyspark") is None or find_spec("pysail") is None, reason="pyspark-client or pysail is not installed"
)


def write_candles(path: Path, bars: Sequence[Bar]) -> Path:
    """Write bars as Parquet, by way of JSON, which keeps every digit of a float."""
    names = ("symbol", "ts", "high", "low", "close")
    plain = [dict(zip(names, (bar[0], bar[1].isoformat(), *bar[2:]), strict=True)) for bar in bars]
    text = path.with_suffix(".json")
    text.write_text(json.dumps(plain))
    types = "{symbol: 'varchar', ts: 'timestamptz', high: 'double', low: 'double', close: 'double'}"
    duckdb.connect().execute(f"copy (from read_json('{text}', columns = {types})) to '{path}' (format parquet)")
    return path


def planned(folder: Path, candles: Path | str, **changes: Any) -> Plan:
    orders = write_parquet(folder / "orders.parquet", [outcome(1)])
    plan = Plan(
        scope="default",
        orders=OrdersSource(kind=OrdersKind.CANONICAL, location=Location(path=str(orders))),
        candles=CandlesSource(location=Location(path=str(candles)), interval=MINUTE),
        rule_set=rule_set("seed"),
        fees=FEES,
    )
    return replace(plan, **changes)


def one_tick_symbols(plan: Plan, as_of: datetime = AS_OF) -> dict[str, bool]:
    return dict(measure(plan, Window(as_of=as_of, bar_interval=MINUTE), {}).is_one_tick)


GRIDS = [
    ("0.1", "60000"),
    ("0.01", "170"),
    ("0.0001", "3.3"),
    ("0.00001", "0.27"),
    ("0.5", "4000"),
    ("5", "100000"),
    ("0.25", "5000"),
    ("0.125", "110"),
    ("0.00000001", "0.00001234"),
    ("0.00000001", "0.3"),
    ("0.00000001", "60000"),
    ("0.05", "9.95"),  # prices of one, two and three digits before the point
    ("100", "1000000000"),
]


def prices(tick: str, base: str, count: int = 240) -> list[float]:
    """Prices that are multiples of a tick, as the nearest floats, none of them on purpose on a coarser grid."""
    first, chance = int(Decimal(base) / Decimal(tick)), random.Random(f"{tick} {base}")
    return [float(Decimal(tick) * (first + chance.randrange(400))) for _ in range(count)]


def rows_over(query: str, priced: dict[str, list[float]]) -> list[MetricRow]:
    """The rows of a query over the bars of these prices; three prices make a bar."""
    first = AS_OF.replace(tzinfo=None) - timedelta(hours=12)
    with duckdb.connect() as connection:
        connection.execute("create table candle (symbol varchar, ts timestamp, high double, low double, close double)")
        for symbol, values in priced.items():
            bars = [sorted(values[at : at + 3]) for at in range(0, len(values), 3)]
            rows = [(symbol, first + at * MINUTE, bar[2], bar[0], bar[1]) for at, bar in enumerate(bars)]
            connection.executemany("insert into candle values (?, ?, ?, ?, ?)", rows)
        bounds = {"first_bar_open": first, "first_priced_open": first, "last_bar_open": AS_OF.replace(tzinfo=None)}
        return metric_rows(connection, query, bounds)


def found_ticks(priced: dict[str, list[float]]) -> dict[str, float | None]:
    """The ticks by the query that is run and the function that reads its rows."""
    return dict.fromkeys(priced) | market_ticks(rows_over(metrics.PRICE_GRID, priced))


def test_the_tick_is_found_whatever_its_size_and_the_prices() -> None:
    ticks = found_ticks({f"{tick} at {base}": prices(tick, base) for tick, base in GRIDS})

    assert ticks == {f"{tick} at {base}": float(tick) for tick, base in GRIDS}


def test_the_steps_that_show_no_tick_are_those_of_the_grid_one_by_one() -> None:
    priced = {"fine": prices("0.01", "170"), "still": [100.0] * 30, "coarse": [100.0, 100.5, 102.0] * 20}
    priced["none"] = [100 * exp(random.Random(number).gauss(0, 0.01)) for number in range(60)]

    steps = {row["symbol"]: Counter[int](row["steps"]) for row in rows_over(metrics.PRICE_STEPS, priced)}
    grid = rows_over(metrics.PRICE_GRID, priced)

    assert steps == {row["symbol"]: dict(zip(row["steps"], row["step_counts"], strict=True)) for row in grid}
    assert steps["coarse"] == {5 * 10**11: 1, 15 * 10**11: 1}  # 102 has three digits before the point: units of 1e-12
    assert "still" not in steps


def test_no_tick_is_found_in_figures_that_lie_on_no_grid() -> None:
    chance = random.Random(5)
    averages = [100 * exp(chance.gauss(0, 0.01)) for _ in range(240)]
    few = [100.0, 100.1, 100.3] * 80

    assert found_ticks({"averages": averages, "few": few}) == {"averages": None, "few": None}


def test_a_price_off_the_grid_and_the_noise_of_arithmetic_do_not_hide_the_tick() -> None:
    one_print = [*prices("0.01", "170", 600), 171.467, 171.46, 171.46]
    summed = [sum([0.1] * (n % 200)) + 50 for n in range(300)]

    assert found_ticks({"print": one_print, "summed": summed}) == {"print": 0.01, "summed": 0.1}


def simulated(symbol: str, *, half_spread_bps: float, volatility_bps: float, tick: float, base: float) -> list[Bar]:
    """1000 bars of 20 trades at either side of a middle that moves at random, each price on the grid."""
    chance, middle, bars = random.Random(symbol), base, []
    for number in range(1000):
        traded = []
        for _ in range(20):
            middle *= exp(chance.gauss(0, volatility_bps / 10_000 / 20**0.5))
            price = middle * (1 + chance.choice((-1, 1)) * half_spread_bps / 10_000)
            traded.append(round(round(price / tick) * tick, 8))
        bars.append((symbol, AS_OF - (1000 - number) * MINUTE, max(traded), min(traded), traded[-1]))
    return bars


@cache
def markets() -> list[Bar]:
    """The bars of five markets, made when a test first asks for them."""
    return [
        *simulated("TIGHT", half_spread_bps=0.5, volatility_bps=6, tick=0.01, base=100),
        *simulated("COARSE", half_spread_bps=6, volatility_bps=10, tick=0.12, base=100),
        *simulated("WIDE", half_spread_bps=20, volatility_bps=8, tick=0.0001, base=100),
        *simulated("WILD", half_spread_bps=3, volatility_bps=60, tick=0.0001, base=100),
        *simulated("YOUNG", half_spread_bps=0.5, volatility_bps=6, tick=0.01, base=100)[-80:],
    ]


EXPECTED = {"TIGHT": True, "COARSE": True, "WIDE": False}  # WILD and YOUNG do not show it


def test_a_wide_spread_and_one_of_a_tick_are_told_apart_and_the_rest_is_unknown(tmp_path: Path) -> None:
    plan = planned(tmp_path, write_candles(tmp_path / "candles.parquet", markets()))

    assert one_tick_symbols(plan) == EXPECTED
    assert one_tick_symbols(replace(plan, candles=None)) == {}
    assert one_tick_symbols(replace(plan, fees={})) == {}


def test_the_steps_of_a_market_whose_newest_bars_show_no_tick_are_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    load = _DuckDBEngine.load_asked_symbols

    def noted(engine: _DuckDBEngine, symbols: Sequence[str]) -> None:
        asked.extend(symbols)
        load(engine, symbols)

    monkeypatch.setattr(_DuckDBEngine, "load_asked_symbols", noted)
    smooth = [
        ("SMOOTH", at, high * exp(number / 1e7), low * exp(number / 3e7), close * exp(number / 2e7))
        for number, (symbol, at, high, low, close) in enumerate(markets())
        if symbol == "TIGHT"
    ]
    tight = [bar for bar in markets() if bar[0] == "TIGHT"]
    standing = [
        ("STANDING", at, *((100.0,) * 3 if number >= len(tight) - 60 else prices))
        for number, (_, at, *prices) in enumerate(tight)
    ]
    plan = planned(tmp_path, write_candles(tmp_path / "candles.parquet", [*markets(), *smooth, *standing]))

    assert one_tick_symbols(plan).items() >= EXPECTED.items()
    assert sorted(asked) == ["COARSE", "STANDING", "TIGHT", "WIDE", "WILD", "YOUNG"]


def test_a_run_decides_on_it_where_it_is_told_to_act_on_the_fee_gap(tmp_path: Path) -> None:
    plan = planned(
        tmp_path,
        write_candles(tmp_path / "candles.parquet", markets()),
        symbols=("TIGHT", "WIDE", "WILD"),
        rule_set=rule_set("breaker1", {"act_on_fee_gap": True}),
    )

    result = recompute(plan, AS_OF, origin=Origin.MANUAL, started_at=AS_OF)

    decided = {
        measured.symbol: (measured.fee_gap, decision.policy.maker_first) for measured, decision in result.decisions
    }
    assert decided["TIGHT"] == (FeeGap(gap_bps=0.4, is_one_tick=True), False)
    assert decided["WIDE"] == (FeeGap(gap_bps=0.4, is_one_tick=False), True)
    assert decided["WILD"] == (FeeGap(gap_bps=0.4, is_one_tick=None), True)


@needs_spark
@pytest.mark.xdist_group("spark")
def test_spark_tells_the_same(tmp_path: Path, spark_remote: str) -> None:
    plan = planned(tmp_path, write_candles(tmp_path / "candles.parquet", markets()))

    assert one_tick_symbols(replace(plan, engine=EngineChoice(kind=EngineKind.SPARK, remote=spark_remote))) == EXPECTED


@pytest.fixture
def spark_remote() -> Iterator[str]:
    """The address of a Spark Connect server in this process."""
    with spark_server() as address:
        yield address


@pytest.mark.skipif(not REAL.is_dir(), reason="no real candles here: name their folder in REAL_INPUTS")
@pytest.mark.parametrize("day", [8, 20, 32])
def test_eight_real_perpetuals_are_markets_of_one_tick(tmp_path: Path, day: int) -> None:
    plan = planned(tmp_path, REAL / "*.parquet")

    verdicts = one_tick_symbols(plan, datetime(2025, 5, 1, tzinfo=UTC) + timedelta(days=day))

    assert verdicts == dict.fromkeys([path.stem.removesuffix("-1m") for path in REAL.glob("*.parquet")], True)
    assert len(verdicts) == 8


def checked(folder: Path, capsys: pytest.CaptureFixture[str], settings: str = "") -> str:
    """What `check` prints for a bot whose candles never move, so that nobody can tell the spread of its two markets."""
    check.command(write_bot(folder, datetime.now(UTC).replace(microsecond=0), more=settings))
    return capsys.readouterr().out


def test_check_says_what_the_fees_mean_once_for_all_of_which_it_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = checked(
        tmp_path,
        capsys,
        """
[fees]
maker_bps = 2
taker_bps = 2.4
[fees.symbols]
BADUSDT = {maker_bps = 2, taker_bps = 5}
BATUSDT = {maker_bps = 2, taker_bps = 5}
""",
    )

    by_fees = "maker-first can save, by the fees alone: the fee gap of 3 bps is 1.25 or more"
    assert f"ok    fees: BADUSDT: {by_fees}; router-policy costs shows what the orders cost\n" in printed
    assert "ok    fees: GOODUSDT: maker-first loses if the spread is one tick, which the candles do not show" in printed
    assert "note  fees: set for BATUSDT, of which there is no order in these 7 days; misspelt?\n" in printed


def test_check_does_not_ask_whether_symbols_are_misspelt_if_there_is_no_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fees = "[fees]\nmaker_bps = 2\ntaker_bps = 5\n[fees.symbols]\nBADUSDT = {maker_bps = 2, taker_bps = 5}\n"
    check.command(write_bot(tmp_path, datetime.now(UTC).replace(microsecond=0) - timedelta(days=30), more=fees))

    printed = capsys.readouterr().out

    assert "no order counts in the last 7 days" in printed
    assert "misspelt" not in printed


def test_check_says_the_same_of_several_symbols_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "ok    fees: BADUSDT, GOODUSDT: no fees are set" in checked(tmp_path, capsys)
