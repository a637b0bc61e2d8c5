"""Rejected orders that stand among the usable ones, so that one pass over the log both measures and counts them.

In `order_outcome` a rejected row has `REJECT_PREFIX` and its reason in place of its symbol. No symbol begins with a
blank.
"""

from collections import Counter
from collections.abc import Iterable

from jobs.engines.engine import MetricRow

REJECT_PREFIX = " "
SYMBOL_OR_REASON = f"case when reason is null then symbol else '{REJECT_PREFIX}' || reason end"


def sorted_out(effectiveness: Iterable[MetricRow]) -> tuple[list[MetricRow], Counter[str]]:
    """Return the rows of the effectiveness query that are of symbols, and how many orders each reason rejects."""
    usable, counts = [], Counter[str]()
    for row in effectiveness:
        if row["symbol"].startswith(REJECT_PREFIX):
            counts[row["symbol"].removeprefix(REJECT_PREFIX)] += row["outcome_count"]
        else:
            usable.append(row)
    return usable, counts
