"""The columns of the table of symbols: what each is named, means, and which end of it is the worst."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "rank", "number"]
Order = Literal["ascending", "descending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column that can be sorted: `worst` is the order that has the worst first, `meaning` empty if the name is plain.

    A `text` sorts by what it shows, a `rank` and a `number` by the value behind it.
    """

    key: str
    name: str
    kind: Kind = "number"
    worst: Order = "descending"
    meaning: str = ""


COLUMNS = (
    Column(key="symbol", name="Symbol", kind="text", worst="ascending"),
    Column(key="quality", name="Quality", kind="rank", worst="ascending"),
    Column(key="maker", name="Maker first", kind="text", worst="ascending"),
    Column(key="bias", name="Taker bias", kind="text"),
    Column(key="regime", name="Regime", kind="text", worst="ascending"),
    Column(key="fallback", name="Fallback", meaning="fell back to taker, of the orders started as maker"),
    Column(key="fill", name="Maker fill", worst="ascending", meaning="filled as maker, of the orders started as maker"),
    Column(key="slippage", name="Median slip bps", meaning="against the mid at the decision; more is worse"),
    Column(key="offset", name="Offset bps", meaning="distance of the maker price from the mid"),
    Column(key="cost", name="Cost bps", meaning="mean of slippage and fee of an order of seven days; more is worse"),
    Column(
        key="evidence", name="Orders", worst="ascending", meaning="started as maker, of all orders of the seven days"
    ),
)
