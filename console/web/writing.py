"""Who may override from the console: those with a token of their own, from the console's own pages or a program."""

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, cast
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request
from fastapi.security import APIKeyHeader

log = logging.getLogger("router_policy.web")
TOKEN_HEADER = "Router-Policy-Write-Token"  # noqa: S105 - the header's name
_token = APIKeyHeader(name=TOKEN_HEADER, auto_error=False, description="A token of the settings, `web.write_token`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """The tokens that may write, by the author that each stands for, and how long an override may last."""

    tokens: Mapping[str, str] = field(repr=False)
    longest: timedelta


async def author_of(request: Request, token: Annotated[str | None, Depends(_token)] = None) -> str:
    """Return who has the token of a request. Raises a 403 without a valid one, and for a page of another origin.

    A browser adds this header to no request by itself, unlike a cookie or a password. So a page of another site cannot
    write with what the browser knows.
    """
    _refuse_other_origins(request)
    tokens = cast(Writing, request.app.state.writing).tokens
    shown = (token or "").encode()
    owners = [author for author, own in tokens.items() if secrets.compare_digest(own.encode(), shown)]
    if not owners:
        log.warning("%s %s was refused: no valid write token", request.method, request.url.path)
        raise HTTPException(403, f"nothing was written: send a token of web.write_token in the header {TOKEN_HEADER}")
    return owners[0]


def _refuse_other_origins(request: Request) -> None:
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    is_own = origin is None or urlsplit(origin).netloc == host
    if is_own and request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}:
        return
    log.warning("%s %s was refused: its origin is %r", request.method, request.url.path, origin)
    raise HTTPException(
        403,
        f"nothing was written: the request comes from another page than those of {host}; "
        "a proxy before the console must pass on the Host header",
    )


Author = Annotated[str, Depends(author_of)]


async def _writing(request: Request) -> Writing | None:
    return cast(Writing | None, request.app.state.writing)


TheWriting = Annotated[Writing | None, Depends(_writing)]
