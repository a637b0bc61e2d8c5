"""The named parts of a metric query, as the Spark engine takes them apart."""

import pytest

from jobs.engines.spark_parts import Part, split
from policy import metrics

QUERY = """-- What it computes, from bar and from pair.
with bar as (
    select symbol, (ts) as ts
    from candle
),

-- Read twice.
pair as (
    select a.symbol, barn.ts
    from bar as a
    join barn on barn.symbol = a.symbol
),
barn as (
    select 1 from pair
)

select symbol
from pair
cross join barn
"""


def test_a_query_is_its_named_parts_and_what_reads_them() -> None:
    parts, rest = split(QUERY)
    assert parts == [
        Part(name="bar", query="    select symbol, (ts) as ts\n    from candle\n", is_shared=False),
        Part(
            name="pair",
            query="    select a.symbol, barn.ts\n    from bar as a\n    join barn on barn.symbol = a.symbol\n",
            is_shared=True,
        ),
        Part(name="barn", query="    select 1 from pair\n", is_shared=False),
    ]
    assert rest == "\nselect symbol\nfrom pair\ncross join barn\n"


def test_a_query_without_named_parts_is_itself() -> None:
    assert split(metrics.EFFECTIVENESS) == ([], metrics.EFFECTIVENESS)


@pytest.mark.parametrize(
    ("query", "part_count"),
    [
        (metrics.VOLATILITY, 3),
        (metrics.STREAKS, 7),
        (metrics.OUTAGE_EVIDENCE, 21),
        (metrics.PRICE_GRID, 3),
        (metrics.PRICE_STEPS, 1),
        (metrics.HALF_SPREAD, 2),
        (metrics.TRADED_THROUGH, 3),
    ],
)
def test_each_metric_is_written_so_that_its_parts_are_found(query: str, part_count: int) -> None:
    parts, rest = split(query)
    assert len(parts) == part_count == query.count(" as (\n")
    assert rest.strip().startswith("select")
