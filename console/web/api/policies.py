"""The API about policies: what is in force, what was, and what changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from sqlalchemy import RowMapping

from console.web.api.csv_response import csv_text
from console.web.api.policy_records import (
    ChangePage,
    ChangeRecord,
    HistoryPage,
    OverrideRecord,
    PastPolicyRecord,
    PolicyPage,
    PolicyRecord,
    SnapshotRecord,
)
from console.web.errors import Responses, documented
from console.web.parameters import SYMBOL_PATTERN, At, Limit, Moment, OneSymbol, Since, Symbol, Until, read_time
from console.web.policy_cache import PolicyCache
from console.web.responses import ThePolicyCache, known_already, next_page, no_policy, reading, utc
from policy.enums import Quality
from storage.read.pages import PageBounds, PageCursor, changed_symbols, changes, history_page, policies_at

router = APIRouter(prefix="/v1", tags=["policies"], responses=documented(422, 500, 503, 504))
_NOT_MODIFIED: Responses = {304: {"description": "The policies are those that If-None-Match names."}}
AfterSymbol = Annotated[
    str | None, Query(description="The last symbol of the page before.", max_length=200, pattern=SYMBOL_PATTERN)
]
AfterChange = Annotated[
    str | None,
    Query(
        description="Slot and symbol of the last change of the page before, with a blank between them.",
        max_length=240,
        pattern=SYMBOL_PATTERN,
        examples=["2026-04-26T00:15:00Z BTCUSDT"],
    ),
]


@router.get("/policies", response_model=PolicyPage, responses=_NOT_MODIFIED)
def policies(
    request: Request,
    response: Response,
    desk: ThePolicyCache,
    quality: Annotated[list[Quality] | None, Query(description="Of these qualities only.")] = None,
    maker_first: Annotated[bool | None, Query(description="That say maker first, or taker.")] = None,
    changed_since: Annotated[Moment | None, Query(description="Whose decision changed at this slot or later.")] = None,
    at: At = None,
    after: AfterSymbol = None,
    limit: Limit = 1000,
) -> PolicyPage | Response:
    """Return the policies in force by symbol, overrides included, or those that were in force at a moment.

    Without `at` the answer has an ETag: send it back in If-None-Match, and while nothing changes the answer is 304.
    """
    rows = _rows(request, response, desk, at)
    if isinstance(rows, Response):
        return rows
    changed = _changed_since(desk, changed_since)
    found = [
        row
        for row in rows
        if (quality is None or row["quality"] in quality)
        and (maker_first is None or row["maker_first"] == maker_first)
        and (changed is None or row["symbol"] in changed)
        and (after is None or row["symbol"] > after)
    ]
    more = next_page(request, response, after=found[limit - 1]["symbol"]) if len(found) > limit else None
    return PolicyPage.model_construct(items=_records(desk, found[:limit]), next=more)


def _rows(
    request: Request, response: Response, desk: PolicyCache, at: datetime | None
) -> Sequence[RowMapping] | Response:
    if at is not None:
        with reading(desk) as connection:
            return sorted(policies_at(connection, desk.scope, at), key=_symbol)
    newest = desk.newest()
    return known_already(request, response, newest) or sorted(newest.rows, key=_symbol)


def _symbol(row: RowMapping) -> str:
    """Sort as Python does, whatever the database's order of texts is: pages go on by it."""
    symbol: str = row["symbol"]
    return symbol


def _changed_since(desk: PolicyCache, since: datetime | None) -> set[str] | None:
    if since is None:
        return None
    with reading(desk) as connection:
        return changed_symbols(connection, desk.scope, since)


def _records(desk: PolicyCache, rows: Sequence[RowMapping]) -> list[PolicyRecord]:
    """All rows are of one run, so one slot and its bounds serve them all."""
    if not rows:
        return []
    stale_at, expired_at = desk.bounds(rows[0]["slot"])
    return [PolicyRecord.of(row, stale_at, expired_at) for row in rows]


@router.get(
    "/policies/{symbol:path}/history",
    response_model=HistoryPage,
    responses={**documented(404), 200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def history(
    request: Request,
    response: Response,
    desk: ThePolicyCache,
    symbol: Symbol,
    since: Since = None,
    until: Until = None,
    limit: Limit = 500,
    format: Annotated[Literal["json", "csv"], Query(description="JSON, or CSV for a spreadsheet.")] = "json",  # noqa: A002
) -> HistoryPage | Response:
    """Return one symbol's policies that came into force in a time, oldest first, each with the time it was in force."""
    with reading(desk) as connection:
        found = history_page(connection, desk.scope, symbol, PageBounds(since=since, until=until, limit=limit + 1))
        if not found and not history_page(connection, desk.scope, symbol, PageBounds(limit=1)):
            raise no_policy(desk, symbol)
    more = next_page(request, response, since=utc(found[limit]["valid_from"])) if len(found) > limit else None
    items = [PastPolicyRecord.of(row) for row in found[:limit]]
    if format == "csv":
        return Response(_as_csv(items), media_type="text/csv", headers=dict(response.headers))
    return HistoryPage.model_construct(items=items, next=more)


_BESIDE = [name for name in PastPolicyRecord.model_fields if name not in {*SnapshotRecord.model_fields, "override"}]
_OVERRIDE = {name: f"override_{name.removeprefix('override_')}" for name in OverrideRecord.model_fields}


def _as_csv(items: Sequence[PastPolicyRecord]) -> str:
    """Write the columns of the store; codes as the words alone, which the reason says in full."""
    columns = [*_BESIDE, *SnapshotRecord.model_fields, *_OVERRIDE.values()]
    return csv_text(columns, (_cells(one) for one in items))


def _cells(one: PastPolicyRecord) -> dict[str, object]:
    cells = one.model_dump(mode="json")
    override = cells.pop("override") or {}
    cells["codes"] = " ".join(code["code"] for code in cells["codes"])
    return cells | {column: override.get(name) for name, column in _OVERRIDE.items()}


@router.get("/policies/{symbol:path}", response_model=PolicyRecord, responses={**_NOT_MODIFIED, **documented(404)})
def one_policy(
    request: Request, response: Response, desk: ThePolicyCache, symbol: Symbol, at: At = None
) -> PolicyRecord | Response:
    """Return the policy in force for one symbol, an override included, or the one that was in force at a moment."""
    row: RowMapping | None
    if at is not None:
        row = desk.store.in_force(desk.scope, symbol, at)
    else:
        newest = desk.newest()
        row = newest.by_symbol.get(symbol)
        known = known_already(request, response, newest) if row is not None else None
        if known is not None:
            return known
    if row is None:
        raise no_policy(desk, symbol, at)
    return _records(desk, [row])[0]


@router.get("/changes", response_model=ChangePage, responses=documented(404))
def list_changes(
    request: Request,
    response: Response,
    desk: ThePolicyCache,
    since: Since = None,
    until: Until = None,
    symbol: OneSymbol = None,
    after: AfterChange = None,
    limit: Limit = 100,
) -> ChangePage:
    """Return the decisions that differ from those of the run before, the newest first; overrides are no changes."""
    window = PageBounds(since=since, until=until, limit=limit + 1)
    with reading(desk) as connection:
        found = changes(connection, desk.scope, window, symbol=symbol, after=_place(after))
    items = [ChangeRecord.model_validate(dict(row)) for row in found[:limit]]
    if len(found) <= limit:
        return ChangePage(items=items, next=None)
    last = items[-1]
    return ChangePage(items=items, next=next_page(request, response, after=f"{utc(last.slot)} {last.symbol}"))


def _place(after: str | None) -> PageCursor | None:
    if after is None:
        return None
    slot, _, symbol = after.partition(" ")
    try:
        return PageCursor(slot=read_time(slot), symbol=symbol)
    except ValueError:
        raise HTTPException(404, "after: no change stands there; follow the address in next as it is") from None
