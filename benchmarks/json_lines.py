"""The same run over 1 million lines of JSON, in both layouts, against DuckDB's own reader of JSON."""

from functools import partial
from pathlib import Path

from benchmarks import bare, ours
from benchmarks.data import Data
from benchmarks.figure import Figure, alternate, processor_seconds_of, ratio
from jobs.plan import OrdersKind

REPETITIONS = 5
TARGET = 1.8

_CANONICAL = "select * replace (try_cast(ts as timestamp) as ts) from read_json('{path}')"
_ORDER_LOG = """
    select
        make_timestamp(cast(ts * 1000000 as bigint)) as ts,
        symbol,
        maker_start as maker_started,
        is_maker_final as maker_filled,
        used_fallback as fallback_used,
        slippage_bps
    from read_json('{path}')
    where event is null
"""


def figures(data: Data, repetitions: int = REPETITIONS) -> list[Figure]:
    """Time a committed run of each layout against both queries over the types that `read_json` detects."""
    return [
        _figure("canonical JSONL", data.canonical_lines, OrdersKind.CANONICAL, _CANONICAL, data, repetitions),
        _figure("order log", data.order_log, OrdersKind.ORDER_LOG, _ORDER_LOG, data, repetitions),
    ]


def _figure(name: str, path: Path, kind: OrdersKind, outcomes: str, data: Data, repetitions: int) -> Figure:
    seconds = alternate(
        {
            "run": partial(ours.run, path, kind, data, timed=processor_seconds_of),
            "read_json": partial(processor_seconds_of, partial(bare.run, outcomes.format(path=path), data)),
        },
        repetitions,
    )
    how = (
        "1 million lines, to a committed SQLite run, against the two queries over read_json with detected types, "
        "by processor time"
    )
    return ratio(f"{name} / DuckDB's read_json", seconds, "run", "read_json", TARGET, how)
