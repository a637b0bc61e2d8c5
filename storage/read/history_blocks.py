"""The history of many symbols, a block of runs at a time, so that memory does not grow with its length."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, func, select

from storage.read.rows import policy_period
from storage.records import PolicyPeriod
from storage.schema.tables import policy_run
from storage.schema.views import policy_history

Reading = Callable[[], AbstractContextManager[Connection]]
_ROWS_OF_A_BLOCK = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySelection:
    """Which policies are wanted: of a scope, of `symbols` or all if None, with `since <= valid_from < until`."""

    scope: str
    symbols: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None


def history_blocks(reading: Reading, selection: HistorySelection) -> Iterator[list[PolicyPeriod]]:
    """Yield the policies of a selection by slot, `valid_from` and symbol, in blocks of some thousand.

    `reading` opens a connection for each block: give one that is open already, and all blocks are of one snapshot;
    give `store.reading`, and none is kept open between two blocks. A run that is published meanwhile is left out.
    """
    with reading() as connection:
        blocks = _blocks_of_runs(connection, selection)
    for run_ids in blocks:
        with reading() as connection:
            periods = _periods_of(connection, run_ids, selection)
        if periods:
            yield periods


def _blocks_of_runs(connection: Connection, selection: HistorySelection) -> list[list[int]]:
    """Divide the runs of the selection, by slot, so that no block but that of a single run has too many policies."""
    blocks: list[list[int]] = []
    room = 0
    for run_id, symbol_count in connection.execute(_runs(selection)):
        wanted = symbol_count if selection.symbols is None else min(symbol_count, len(selection.symbols))
        if wanted > room or not blocks:
            blocks.append([])
            room = _ROWS_OF_A_BLOCK
        blocks[-1].append(run_id)
        room -= wanted
    return blocks


def _runs(selection: HistorySelection) -> Select[int, int]:
    """Select the runs whose policies may begin in the selection's time: an override may begin long after its run."""
    run = policy_run
    query = select(run.c.run_id, run.c.symbol_count).where(run.c.scope == selection.scope).order_by(run.c.slot)
    if selection.since is not None:
        before = select(func.max(run.c.slot)).where(run.c.scope == selection.scope, run.c.slot < selection.since)
        query = query.where(run.c.slot >= func.coalesce(before.scalar_subquery(), selection.since))
    return query if selection.until is None else query.where(run.c.slot < selection.until)


def _periods_of(connection: Connection, run_ids: Sequence[int], selection: HistorySelection) -> list[PolicyPeriod]:
    view = policy_history
    query = select(view).where(view.c.scope == selection.scope, view.c.run_id.in_(run_ids))
    if selection.symbols is not None:
        query = query.where(view.c.symbol.in_(selection.symbols))
    if selection.since is not None:
        query = query.where(view.c.valid_from >= selection.since)
    if selection.until is not None:
        query = query.where(view.c.valid_from < selection.until)
    periods = [policy_period(row) for row in connection.execute(query).mappings()]
    return sorted(periods, key=lambda period: (period.policy.snapshot.slot, period.valid_from, period.policy.symbol))
