"""The API's download of the history: every symbol, as CSV or Parquet, sent while it is read."""

from collections.abc import Iterator
from enum import StrEnum
from importlib.util import find_spec
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import StreamingResponse

from console.records.history_rows import csv_pieces
from console.records.request_limits import MarketName
from console.web.errors import documented
from console.web.parameters import Since, Until
from console.web.responses import ThePolicyCache
from storage.read.history_blocks import HistorySelection, history_blocks
from storage.records import PolicyPeriod

router = APIRouter(prefix="/v1", tags=["policies"], responses=documented(422, 500, 503, 504))


class HistoryFormat(StrEnum):
    """The format of a download."""

    CSV = "csv"
    PARQUET = "parquet"


_MEDIA_TYPES = {HistoryFormat.CSV: "text/csv; charset=utf-8", HistoryFormat.PARQUET: "application/vnd.apache.parquet"}
_FILE = {"schema": {"type": "string", "format": "binary"}}
_Format = Annotated[HistoryFormat, Query(description="CSV for a spreadsheet, or Parquet with types.")]


@router.get(
    "/history",
    response_class=StreamingResponse,
    responses={**documented(501), 200: {"content": dict.fromkeys(_MEDIA_TYPES.values(), _FILE)}},
)
def history_file(
    cache: ThePolicyCache,
    symbol: Annotated[list[MarketName] | None, Query(description="Only these markets.", max_length=1000)] = None,
    since: Since = None,
    until: Until = None,
    format: _Format = HistoryFormat.CSV,  # noqa: A002
) -> StreamingResponse:
    """Return the policies of every symbol that came into force in a time, as the view policy_history has them.

    They are sorted by slot, begin and symbol, and sent while they are read, so any length needs little memory. Each
    block of some thousand is read at its own moment. A response that breaks off is not whole.
    """
    selection = HistorySelection(scope=cache.scope, symbols=symbol, since=since, until=until)
    blocks = history_blocks(cache.store.reading, selection)
    pieces = csv_pieces(blocks) if format == HistoryFormat.CSV else _parquet_pieces(blocks)
    name = f'attachment; filename="policy_history.{format}"'
    return StreamingResponse(pieces, media_type=_MEDIA_TYPES[format], headers={"Content-Disposition": name})


def _parquet_pieces(blocks: Iterator[list[PolicyPeriod]]) -> Iterator[bytes]:
    """Return the pieces of a Parquet file. Raises a 501 if this console cannot write one."""
    if find_spec("pyarrow") is None:
        raise HTTPException(501, "Parquet needs pyarrow where the console runs: pip install '.[export]'")
    from console.records.history_parquet import parquet_pieces

    return parquet_pieces(blocks)
