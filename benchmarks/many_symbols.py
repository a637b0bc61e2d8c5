"""Processor time and peak memory of a run over 10,000 symbols, with a rule set in the shadow of the live one."""

from dataclasses import replace

from benchmarks import ours
from benchmarks.data import MANY_SYMBOLS, Data
from benchmarks.figure import Figure, processor_seconds_of
from benchmarks.memory import peak_mb
from jobs.plan import OrdersKind
from policy.rules import rule_set

TARGET_SECONDS = 7
TARGET_MB = 700


def figures(data: Data, repetitions: int = 1) -> list[Figure]:  # noqa: ARG001 - a peak is reached the first time
    """Run once in this process, which must be fresh, and read its processor time and its peak memory."""
    many = replace(data, candles=data.candles_of_many)
    seconds = ours.run(
        data.orders_of_many,
        OrdersKind.CANONICAL,
        many,
        (rule_set("breaker"),),
        symbol_count=MANY_SYMBOLS,
        timed=processor_seconds_of,
    )
    how = "10,000 symbols: 1 million orders, 5 million bars, Parquet, to a committed SQLite run with a shadow, once"
    return [
        _figure("processor time of a run over 10,000 symbols", seconds, TARGET_SECONDS, "s", how),
        _figure("peak memory of that run", peak_mb(), TARGET_MB, "MB", how),
    ]


def _figure(name: str, value: float, target: float, unit: str, how: str) -> Figure:
    return Figure(name=name, value=value, lowest=value, highest=value, target=target, how=how, unit=unit)
