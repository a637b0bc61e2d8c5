"""The formulas: one standard SQL query per metric over the canonical tables, for all symbols at once.

Each .sql file runs on every engine. `order_outcome` and `candle` are the canonical tables; the words with a colon in
front are parameters: times in UTC, and the hour of the day. `quartiles(x)` is the one aggregate that engines spell
differently, a macro of each: the three quartiles as one list, so that the values are sorted once. `maker_order.sql`
has no parameters: it is the table of maker orders over which the two queries of the order of events run.
"""

import re
from importlib.resources import files

# A parameter in the text of a query, with its name as the group; a cast, which has two colons, is none.
PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")

EFFECTIVENESS = files(__name__).joinpath("effectiveness.sql").read_text("utf-8")
VOLATILITY = files(__name__).joinpath("volatility.sql").read_text("utf-8")
STREAKS = files(__name__).joinpath("streaks.sql").read_text("utf-8")
EXPECTANCY = files(__name__).joinpath("expectancy.sql").read_text("utf-8")
_IS_ASKED = "symbol in (select symbol from asked_symbol)"
_PRICE_UNITS = files(__name__).joinpath("price_units.sql").read_text("utf-8")
_PRICE_GRID = files(__name__).joinpath("price_grid.sql").read_text("utf-8")
PRICE_GRID = _PRICE_GRID.format(price_units=_PRICE_UNITS.format(asked="true"))
PRICE_GRID_OF_ASKED = _PRICE_GRID.format(price_units=_PRICE_UNITS.format(asked=_IS_ASKED))
_PRICE_STEPS = files(__name__).joinpath("price_steps.sql").read_text("utf-8")
PRICE_STEPS = _PRICE_STEPS.format(price_units=_PRICE_UNITS.format(asked="true"))
_HALF_SPREAD = files(__name__).joinpath("half_spread.sql").read_text("utf-8")
HALF_SPREAD = _HALF_SPREAD.format(asked="true")
HALF_SPREAD_OF_ASKED = _HALF_SPREAD.format(asked=_IS_ASKED)
OUTAGE_EVIDENCE = files(__name__).joinpath("outage_evidence.sql").read_text("utf-8")
TRADED_THROUGH = files(__name__).joinpath("traded_through.sql").read_text("utf-8")
MAKER_ORDER = files(__name__).joinpath("maker_order.sql").read_text("utf-8")
MAKER_COST = files(__name__).joinpath("maker_cost.sql").read_text("utf-8")
UNKNOWN_MISSES = files(__name__).joinpath("unknown_misses.sql").read_text("utf-8")
HAS_LOGGED_PASSAGE = (
    "select symbol from usable_order where went_through is not null and ts >= :window_start and ts < :as_of limit 1"
)
_CHECKED_ORDER = files(__name__).joinpath("checked_order.sql").read_text("utf-8")
# Without bars: a join with nothing would take as long as the metric.
_UNCHECKED_ORDER = "select *, cast(null as boolean) as went_through_by_bars, {is_logged} as is_told from usable_order"


def checked_order(*, is_logged: bool, has_bars: bool) -> str:
    """Return the query of `checked_order`; `is_logged` is whether the log says it of any order."""
    query = _CHECKED_ORDER if has_bars else _UNCHECKED_ORDER
    return query.format(is_logged="true" if is_logged else "false")
