"""Parameters of requests: texts, numbers and times, each within bounds that both databases accept."""

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import BeforeValidator, WithJsonSchema

from console.records.request_limits import EntryNumber, MarketName

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
# A plus sign in a query stands for a blank: `+02:00` arrives as ` 02:00` if it was not encoded.
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+ -]\d\d:\d\d)?)?", re.ASCII)


def read_time(text: object) -> datetime:
    """Read an ISO 8601 time, UTC without a zone; a time before 1970 or from 2200 on counts as that bound.

    Raises ValueError for any other text. No slot lies beyond the bounds.
    """
    if not isinstance(text, str) or _TIME.fullmatch(text) is None:
        raise ValueError("write a time as 2026-04-26T00:15:00Z")
    head, zone = text[:19], text[19:]
    at = datetime.fromisoformat(head + zone.replace(" ", "+"))
    try:
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return EARLIEST if at.year == 1 else LATEST
    return min(max(at, EARLIEST), LATEST)


def none_if_empty(text: object) -> object:
    """Return None for an empty text, as a form sends a field that nobody filled in."""
    return None if text == "" else text


Moment = Annotated[
    datetime,
    BeforeValidator(read_time),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-04-26T00:15:00Z"]}),
]
Symbol = Annotated[MarketName, Path(description="The market, as the order log names it.", examples=["BTCUSDT"])]
OneSymbol = Annotated[MarketName | None, Query(description="Of this market only.")]
At = Annotated[Moment | None, Query(description="As of this moment; now without it.")]
Since = Annotated[Moment | None, Query(description="From this time on, inclusive.")]
Until = Annotated[Moment | None, Query(description="Up to this time, exclusive.")]
Limit = Annotated[int, Query(description="At most so many in one answer.", ge=1, le=1000)]
RunNumber = Annotated[EntryNumber, Path(description="The run's number.")]
BeforeEntry = Annotated[EntryNumber | None, Query(description="The last number of the page before.")]
