"""What runs found of savings: the newest figures before a slot, and one figure over time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, and_, func, select

from policy.experiment.saving import Comparison
from policy.experiment.saving_figure import FigureKey, SavingFigure, key_of
from storage.read.pages import PageBounds
from storage.records import StoredSaving
from storage.schema.tables import policy_run, policy_saving


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSavings:
    """What the runs before a slot found: the newest figure of each symbol and comparison.

    `since` is the slot from which on orders may have been sent by chance; None if no run before held any out.
    """

    since: datetime | None = None
    newest: Mapping[FigureKey, StoredSaving] = field(default_factory=dict)

    def elapsed(self, slot: datetime | None) -> timedelta:
        """Return how long orders may have been sent by chance until a slot; zero if none were, and without a slot."""
        return slot - self.since if slot is not None and self.since is not None else timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingPoint:
    """A figure as it was found at a slot; it holds until the next point."""

    slot: datetime
    saving: StoredSaving


def known_savings(
    connection: Connection, scope: str, slot: datetime | None = None, *, symbol: str | None = None
) -> KnownSavings:
    """Return what the runs of a scope before a slot found, all runs without one.

    With `symbol` only the figures of it are read; "" is all symbols together. The orders count from the slot that the
    stored figures name, so that a prune of the first runs does not move it.
    """
    newest = _newest(connection, scope, slot, symbol)
    since = min((saving.since for saving in newest.values()), default=None) or _first_experiment(
        connection, scope, slot
    )
    return KnownSavings(since=since, newest=newest)


def saving_series(
    connection: Connection, scope: str, symbol: str, comparison: Comparison, bounds: PageBounds
) -> list[SavingPoint]:
    """Return the figures of a symbol, "" for all symbols, whose slot is in the bounds, the newest first.

    A run that found the same as the one before it has no point.
    """
    table = policy_saving
    query = (
        select(table)
        .where(table.c.scope == scope, table.c.symbol == symbol, table.c.comparison == comparison.value)
        .where(bounds.holds(table.c.slot))
        .order_by(table.c.slot.desc())
        .limit(bounds.limit)
    )
    return [SavingPoint(slot=row["slot"], saving=_saving(row)) for row in connection.execute(query).mappings()]


def _newest(
    connection: Connection, scope: str, slot: datetime | None, symbol: str | None
) -> Mapping[FigureKey, StoredSaving]:
    table = policy_saving
    before = () if slot is None else (table.c.slot < slot,)
    of_symbol = () if symbol is None else (table.c.symbol == symbol,)
    here = (table.c.scope == scope, *before, *of_symbol)
    last = (
        select(table.c.symbol, table.c.comparison, func.max(table.c.slot).label("slot"))
        .where(*here)
        .group_by(table.c.symbol, table.c.comparison)
        .subquery()
    )
    same = and_(table.c.symbol == last.c.symbol, table.c.comparison == last.c.comparison, table.c.slot == last.c.slot)
    query = select(table).join(last, same).where(table.c.scope == scope)
    savings = [_saving(row) for row in connection.execute(query).mappings()]
    return {key_of(saving.figure): saving for saving in savings}


def _first_experiment(connection: Connection, scope: str, slot: datetime | None) -> datetime | None:
    run = policy_run
    first = select(func.min(run.c.slot)).where(run.c.scope == scope, run.c.experiment.is_not(None))
    at: datetime | None = connection.scalar(first if slot is None else first.where(run.c.slot < slot))
    return at


def _saving(row: RowMapping) -> StoredSaving:
    values = {column.name: row[column.name] for column in fields(SavingFigure) if column.name != "comparison"}
    figure = SavingFigure(comparison=Comparison(row["comparison"]), **values)
    return StoredSaving(since=row["since"], figure=figure)
