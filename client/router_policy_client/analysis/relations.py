"""What an analyst reads: each relation of the store with the column that its time bounds apply to, and its order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Text, TextClause, bindparam, text

_OVERRIDES = (
    "(select override.entry_id as override_id, override.scope, override.symbol, override.maker_first, "
    "override.taker_bias, override.author, override.reason, override.from_at, override.until_at, "
    "ended.ended_at, ended.author as ended_by, ended.reason as end_reason "
    "from policy_override override left join policy_override_end ended on ended.override_id = override.entry_id"
    ") as overrides"
)
_OF_DAY = "(select figures.*, day.as_of from {table} figures join policy_day day using (scope, day)) as figures_of_days"
_SYMBOL_BY_CODE_POINT = 'symbol collate "C"'  # as SQLite sorts; a database's own order depends on its language


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A view, table or query of the store; `time` is None if it is not read by time."""

    source: str
    order: str
    time: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which rows are wanted: of a scope, of `symbols` if they are not None, with `since <= time < until`."""

    scope: str
    symbols: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None


HISTORY = Relation(source="policy_history", time="valid_from", order="valid_from, symbol")
LATEST = Relation(source="policy_latest", order="symbol")
CHANGES = Relation(source="policy_change", time="slot", order="slot, symbol")
RUNS = Relation(source="policy_run", time="slot", order="slot")
OVERRIDES = Relation(source=_OVERRIDES, time="from_at", order="from_at, override_id")
SAVINGS = Relation(source="policy_saving", time="slot", order="slot, symbol, comparison")
COSTS = Relation(source=_OF_DAY.format(table="policy_day_cost"), time="day", order="day, symbol, route")
DRIFT = Relation(source=_OF_DAY.format(table="policy_day_drift"), time="day", order="day, symbol")
GAPS = Relation(source="policy_gap", time="slot", order="slot")


def query(relation: Relation, selection: Selection, *, is_sqlite: bool) -> tuple[TextClause, Mapping[str, object]]:
    """Return the query of a selection and its parameters; times are compared as the database keeps them."""
    conditions, values = ["scope = :scope"], dict[str, object](scope=selection.scope)
    if selection.symbols is not None:
        conditions.append("symbol in :symbols")
        values["symbols"] = list(selection.symbols)
    for name, sign in (("since", ">="), ("until", "<")):
        bound: datetime | None = getattr(selection, name)
        if bound is not None and relation.time is not None:
            conditions.append(f"{relation.time} {sign} :{name}")
            values[name] = _sqlite_text(bound) if is_sqlite else bound
    order = relation.order if is_sqlite else relation.order.replace("symbol", _SYMBOL_BY_CODE_POINT)
    clause = text(f"select * from {relation.source} where {' and '.join(conditions)} order by {order}")
    return clause.bindparams(
        bindparam("symbols", expanding=True, type_=Text())
    ) if "symbols" in values else clause, values


def scopes(connection: Connection) -> Sequence[str]:
    """Return the scopes that have a run or a slot without one, sorted; empty before the first."""
    known = text("select scope from policy_scope union select scope from policy_gap")
    return sorted(connection.scalars(known).all())


def _sqlite_text(time: datetime) -> str:
    """Write a time as the store keeps it on SQLite, where texts are compared."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
