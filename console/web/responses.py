"""What answers have in common: the desk, pages and their addresses, and answers that are known already."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import Depends, HTTPException, Request, Response
from sqlalchemy import Connection

from console.web.policy_cache import LatestPolicies, PolicyCache
from storage.database.transaction import transaction


async def _desk(request: Request) -> PolicyCache:
    return cast(PolicyCache, request.app.state.desk)


ThePolicyCache = Annotated[PolicyCache, Depends(_desk)]


@contextmanager
def reading(desk: PolicyCache) -> Iterator[Connection]:
    """Read from the store in one transaction. Raises as `storage.database.transaction.transaction`."""
    with transaction(desk.store.reader) as connection:
        yield connection


def next_page(request: Request, response: Response, **values: str) -> str:
    """Return the address of the next page, which differs from this one in these values, and name it in a header."""
    url = request.url.include_query_params(**values)
    address = f"{url.path}?{url.query}"
    response.headers["Link"] = f'<{address}>; rel="next"'
    return address


def known_already(request: Request, response: Response, newest: LatestPolicies) -> Response | None:
    """Name the version of the latest policies in the answer; return 304 instead where the asker has this version."""
    tag = f'W/"{newest.tag}"'
    response.headers["ETag"] = tag
    asked = request.headers.get("if-none-match", "")
    given = {one.strip().removeprefix("W/") for one in asked.split(",")}
    if "*" in given or tag.removeprefix("W/") in given:
        return Response(status_code=304, headers={"ETag": tag})
    return None


def no_policy(desk: PolicyCache, symbol: str, at: datetime | None = None) -> HTTPException:
    """Return the error that says that there is no policy for a symbol."""
    when = f" at {utc(at)}" if at is not None else ""
    return HTTPException(
        404, f"no policy for {symbol!r} in scope {desk.scope!r}{when}; /v1/policies lists what there is"
    )


def utc(at: datetime) -> str:
    """Write a time for an address."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
