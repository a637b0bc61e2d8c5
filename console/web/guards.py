"""Guards before every response: the token, and a time limit."""

import asyncio
import logging
import secrets
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.params import Depends as Dependency
from fastapi.security import HTTPAuthorizationCredentials, HTTPBasic, HTTPBasicCredentials, HTTPBearer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.errors import envelope
from console.web.hosts import BY_UNKNOWN_NAME

log = logging.getLogger("router_policy.web")
_REALM = 'Basic realm="router-policy: the token is the password", charset="UTF-8"'
_READS = ("GET", "HEAD")
_bearer = HTTPBearer(auto_error=False, description="The token of the settings, `web.token`.")
_basic = HTTPBasic(auto_error=False, description="Any name, and the token as the password: what browsers ask for.")


def token_required(token: str, challenge: str) -> Dependency:
    """Return a dependency that refuses requests without the token, as a bearer token or as a password."""

    async def check(
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        basic: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
    ) -> None:
        if not _is_token(token, bearer, basic):
            raise HTTPException(
                401, "send the token, as in Authorization: Bearer TOKEN", {"WWW-Authenticate": challenge}
            )

    return Dependency(check)


def _is_token(token: str, bearer: HTTPAuthorizationCredentials | None, basic: HTTPBasicCredentials | None) -> bool:
    shown = bearer.credentials if bearer is not None else basic.password if basic is not None else ""
    return secrets.compare_digest(shown.encode(), token.encode())


async def may_read(request: Request, token: str | None) -> bool:
    """Return whether a request shows the token; without a token in the settings, whether its host name is known."""
    if token is None:
        return not request.scope.get(BY_UNKNOWN_NAME, False)
    try:
        return _is_token(token, await _bearer(request), await _basic(request))
    except HTTPException:  # a header that is not a valid one
        return False


def guards_of(token: str | None, *, for_people: bool) -> list[Dependency]:
    """Return the dependencies of a router's routes: none without a token."""
    return [] if token is None else [token_required(token, _REALM if for_people else "Bearer")]


class TimeLimit:
    """Responds with an error if no response has begun in time.

    A thread cannot be stopped: its query goes on, and its result is thrown away.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and wait for its response up to the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        gate = _Gate(send)
        task = asyncio.ensure_future(self.app(scope, receive, gate.send))
        done, _ = await asyncio.wait({task}, timeout=self.seconds)
        if done or gate.is_begun:
            await task
            return
        gate.is_shut = True
        self._late.add(task)
        task.add_done_callback(self._forget)
        log.warning("%s took longer than %g s", scope["path"], self.seconds)
        advice = "ask for less" if scope["method"] in _READS else "look whether it was written before you try again"
        await envelope(504, f"no answer within {self.seconds:g} s; {advice}")(scope, receive, send)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._late.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("a late response failed as well: %s", task.exception())


class _Gate:
    """Lets a response through until it is shut."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_begun = False
        self.is_shut = False

    async def send(self, message: Message) -> None:
        if not self.is_shut:
            self.is_begun = True
            await self._send(message)
