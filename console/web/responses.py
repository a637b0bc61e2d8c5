"""What answers have in common: the cache, pages and their addresses, and answers that are known already."""

from datetime import datetime
from typing import Annotated, cast
from urllib.parse import quote, urlencode

from fastapi import Depends, HTTPException, Request, Response

from console.web.policy_cache import LatestPolicies, PolicyCache
from policy.time_text import iso


async def _policy_cache(request: Request) -> PolicyCache:
    return cast(PolicyCache, request.app.state.cache)


ThePolicyCache = Annotated[PolicyCache, Depends(_policy_cache)]


def next_page(request: Request, response: Response, **values: str) -> str:
    """Return the address of the next page, which differs from this one in these values, and set the Link header."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in values]
    # Not from `request.url`: a symbol may hold ? and #, and letters that no header carries.
    address = f"{quote(request.scope['path'])}?{urlencode([*kept, *values.items()])}"
    response.headers["Link"] = f'<{address}>; rel="next"'
    return address


def not_modified(request: Request, response: Response, newest: LatestPolicies) -> Response | None:
    """Put the version of the latest policies in the ETag header; return a 304 if the client has it already."""
    tag = f'W/"{newest.tag}"'
    response.headers["ETag"] = tag
    asked = request.headers.get("if-none-match", "")
    known = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
    if "*" in known or f'"{newest.tag}"' in known:
        return Response(status_code=304, headers={"ETag": tag})
    return None


def policy_not_found(cache: PolicyCache, symbol: str, at: datetime | None = None) -> HTTPException:
    """Return the 404 for a symbol without a policy."""
    when = f" at {iso(at)}" if at is not None else ""
    return HTTPException(
        404, f"no policy for {symbol!r} in scope {cache.scope!r}{when}; /v1/policies lists all policies"
    )
