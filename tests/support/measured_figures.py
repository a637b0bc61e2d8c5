"""Sources whose every measured figure is kept in tests/data/measured_figures.json, and how to write that file again.

`python -m tests.support.measured_figures` writes it, with the code as it is: only a change that is meant to change a
figure may do so.
"""

import json
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.engines.measure import measure
from jobs.plan import CandlesSource, OrdersSource, Plan
from policy.rules import RuleSet, State, rule_set
from policy.rules.breaker_state import Breaker, OpenPeriod
from tests.support import bars, order_logs, outcomes
from tests.support.order_logs import Line
from tests.support.small_runs import AS_OF, INTERVAL, candles, canonical, order_log

EXPECTED = Path(__file__).parents[1] / "data" / "measured_figures.json"
REAL = Path(os.environ.get("REAL_INPUTS", Path(__file__).parents[3] / "shared" / "real"))
_LEGACY_AS_OF = datetime(2025, 11, 6, 14, 0, tzinfo=UTC)
_SYMBOLS = ("BTCUSDT", "ETHUSDT", " SOL/USDT:USDT ", "币安人生USDT")
_ROW_COUNT = 900
# Values that are rejected, repeated, or read as nothing.
_ODD_VALUES: tuple[dict[str, object], ...] = (
    {"slippage_bps": 10000.0},
    {"slippage_bps": None},
    {"maker_filled": True, "fallback_used": True},
    {"maker_filled": None, "fallback_used": None},
    {"notional": -1.0},
    {"notional": 1e19},
    {"realized_pnl": 1e300},
    {"order_id": "NULL"},
    {"order_id": " nan "},
    {"order_id": "order-1"},
    {"order_id": ""},
    {"side": "<na>"},
    {"symbol": "A\tB"},
    {"symbol": "A\x7fB"},
    {"symbol": "A\x85B"},
    {"symbol": "?"},
    {"symbol": ""},
    {"symbol": "S" * 65},
    {"symbol": None},
    {"ts": None},
)

Figures = dict[str, object]


def made_sources(folder: Path) -> Iterator[tuple[str, Plan, datetime]]:
    """Write the made sources into the folder, and yield each by its name as a plan with the slot to measure."""
    rows = [_row(number) for number in range(_ROW_COUNT)]
    typed = folder / "parquet"
    typed.mkdir()
    outcomes.write_parquet(typed / "b.parquet", rows[: _ROW_COUNT // 2])
    outcomes.write_parquet(typed / "a.parquet", rows[_ROW_COUNT // 2 :])
    bar_rows = [row for symbol in ("BTCUSDT", "ETHUSDT", "SOL/USDT:USDT") for row in bars.named(symbol, bars.bars(700))]
    quarter_hours = candles(bars.write_parquet(folder / "bars.parquet", bar_rows))
    for kind, orders in {
        "parquet": canonical(typed / "*.parquet"),
        "parquet without repeats": canonical(typed / "*.parquet", deduplicate=True),
        "csv": canonical(outcomes.write_csv(folder / "orders.csv", rows)),
        "jsonl": canonical(outcomes.write_jsonl(folder / "orders.jsonl", rows)),
        "order log": order_log(order_logs.write_lines(folder / "log.jsonl", _lines())),
    }.items():
        yield kind, _plan(orders, quarter_hours, rule_set("breaker")), AS_OF


def real_sources() -> Iterator[tuple[str, Plan, datetime]]:
    """Yield the order logs that programs of users wrote, by their names, as `made_sources` does."""
    log = order_log(REAL / "order-log" / "*.jsonl")
    yield "real order log", _plan(log, candles(REAL / "candles" / "*.parquet"), rule_set("breaker")), AS_OF
    legacy = order_log(REAL / "order-log-legacy" / "order_metrics.jsonl")
    yield "real order log without flags", _plan(legacy, None, rule_set("seed")), _LEGACY_AS_OF


def figures(plan: Plan, as_of: datetime, folder: Path) -> dict[str, Figures]:
    """Measure the plan, without states and with open breakers, and return every figure by its name, as JSON has them.

    Samples name their files without the folder.
    """
    with_states = {"closed": {}, "open": {rules.name: _open_states(as_of) for rules in plan.rule_sets_with_state}}
    measured: dict[str, Figures] = {}
    for name, states in with_states.items():
        measurement = measure(plan, plan.window(as_of), states)
        every = {
            "evidence": {symbol: asdict(evidence) for symbol, evidence in measurement.evidence.items()},
            "traded_symbols": sorted(measurement.traded_symbols),
            "rejects": [asdict(reject) for reject in measurement.rejects],
            "streaks": {rules: asdict(streaks) for rules, streaks in measurement.streaks.items()},
            "is_one_tick": measurement.is_one_tick,
        }
        measured[name] = json.loads(json.dumps(every, default=str).replace(f"{folder}/", ""))
    return measured


def kept(expected: object, actual: object) -> object:
    """Return the part of `actual` that `expected` has: what is measured in addition changes no figure."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        return {name: kept(value, actual.get(name, "missing")) for name, value in expected.items()}
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [kept(wanted, measured) for wanted, measured in zip(expected, actual, strict=True)]
    return actual


def _plan(orders: OrdersSource, bars_of_markets: CandlesSource | None, rules: RuleSet) -> Plan:
    return Plan(scope="default", orders=orders, candles=bars_of_markets, rule_set=rules)


def _open_states(as_of: datetime) -> dict[str, State]:
    hour = timedelta(hours=1)
    pool = Breaker(open_periods=(OpenPeriod(opened_at=as_of - 60 * hour, closed_at=as_of - 50 * hour),))
    own = Breaker(
        opened_at=as_of - 9 * hour,
        open_periods=(OpenPeriod(opened_at=as_of - 80 * hour, closed_at=as_of - 70 * hour),),
    )
    return {
        "BTCUSDT": State(own=own, pool=pool),
        "ETHUSDT": State(own=Breaker(restarted_at=as_of - 20 * hour), pool=pool),
    }


def _row(number: int) -> dict[str, object]:
    """Return an outcome of eight days, at most some of whose values are odd."""
    draw = random.Random(number)
    started = draw.random() < 0.9
    filled = started and draw.random() < 0.7
    row = outcomes.outcome(
        number,
        symbol=draw.choices(_SYMBOLS, weights=(6, 3, 2, 1))[0],
        at=AS_OF - timedelta(minutes=13 * number, seconds=draw.randrange(60), microseconds=draw.randrange(10**6)),
        side=draw.choice(["BUY", "sell"]),
        maker_started=started,
        maker_filled=filled,
        fallback_used=started and not filled and draw.random() < 0.8,
        slippage_bps=draw.gauss(0, 3),
        notional=round(draw.uniform(50, 1000), 2),
        realized_pnl=draw.gauss(0, 5) if draw.random() < 0.5 else None,
    )
    return row | (draw.choice(_ODD_VALUES) if draw.random() < 0.1 else {})


def _lines() -> Iterator[Line]:
    """Yield the lines of an order log: orders, orders that say how they rested, closes, and lines that are odd."""
    for number in range(_ROW_COUNT):
        draw = random.Random(number)
        at = AS_OF - timedelta(minutes=13 * number, seconds=draw.randrange(60))
        symbol = draw.choice(["BTCUSDT", "ETHUSDT", "SOL/USDT:USDT"])
        is_fallback = draw.random() < 0.3
        row = order_logs.logged(number, symbol=symbol, fallback=is_fallback, slippage_bps=draw.gauss(0, 3), at=at)
        if draw.random() < 0.3:
            rested = {"maker_price": 100.0 + draw.gauss(0, 2), "maker_from": (at - 9 * INTERVAL).timestamp()}
            row |= rested | {"maker_until": at.timestamp(), "posts": 1}
        odd: dict[int, Line] = {
            0: row | {"ts": "soon"},
            1: row | {"symbol": "A\tB"},
            2: row | {"attempt_id": "None", "intent_id": None},
            3: row | {"slippage_bps": "1.5"},
            4: row | {"slippage_bps": "much"},
            5: row | {"result": "PARTIALLY_FILLED"},
            6: "{torn",
            7: row | {"maker_start": "yes"},
        }
        yield odd.get(draw.randrange(80), row)
        if draw.random() < 0.4:
            yield order_logs.close(row, draw.gauss(0, 5))


def _write() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        made = {source: figures(plan, as_of, folder) for source, plan, as_of in made_sources(folder)}
    real = {source: figures(plan, as_of, REAL) for source, plan, as_of in real_sources()} if REAL.is_dir() else {}
    EXPECTED.write_text(json.dumps({"made": made, "real": real}, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    _write()
