"""Error responses in one form: JSON for programs, a page for people; neither shows internals."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from console.error_kinds import error_kind
from console.not_found import explain_missing_store
from console.records.error_records import ErrorBody, ErrorEnvelope, Problem
from console.web.headers import NOT_KEPT, SAFE_HEADERS
from console.web.hosts import PROBES
from policy.errors import RouterPolicyError
from storage.errors import StoreUnavailableError

log = logging.getLogger("router_policy.web")
_WORDS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "unknown_rules",
    412: "outdated",
    422: "invalid_request",
    500: "internal",
    501: "not_installed",
    503: "unavailable",
    504: "timeout",
}


Responses = dict[int | str, dict[str, Any]]


def documented(*codes: int) -> Responses:
    """Return OpenAPI's descriptions of these answers."""
    return {
        code: {"model": ErrorEnvelope, "description": _WORDS[code].replace("_", " ").capitalize()} for code in codes
    }


def envelope(
    status: int,
    message: str,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
    code: str | None = None,
) -> JSONResponse:
    """Return an error as JSON, with the code of its status unless it has one of its own."""
    body = ErrorEnvelope(
        error=ErrorBody(code=code or _WORDS.get(status, "error"), message=message, problems=list(problems))
    )
    return JSONResponse(body.model_dump(), status, headers=dict(headers or {}))


ErrorPage = Callable[[Request, int, str], Response]
MayRead = Callable[[Request], Awaitable[bool]]


def is_for_programs(path: str) -> bool:
    """Return whether a path is answered in JSON."""
    return path.startswith("/v1/") or path in {"/v1", "/healthz", "/readyz", "/metrics"}


def add_error_handlers(app: FastAPI, page: ErrorPage, may_read: MayRead) -> None:
    """Answer every error in the same form; `page` renders it for people.

    A probe is answered for everyone, so only those who `may_read` learn why the console is not ready.
    """

    async def answer(
        request: Request,
        status: int,
        message: str,
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
        code: str | None = None,
    ) -> Response:
        if request.url.path in PROBES and not await may_read(request):
            return envelope(status, "not ready", headers=headers)
        if is_for_programs(request.url.path):
            return envelope(status, message, problems, headers, code)
        response = page(request, status, message)
        response.headers.update(headers or {})
        return response

    @app.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> Response:
        headers = {"Allow": ", ".join(_allowed_methods(request))} if error.status_code == 405 else error.headers
        return await answer(request, error.status_code, str(error.detail), headers=headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        problems = [_not_json()] if _is_other_than_json(request) else [_problem(detail) for detail in error.errors()]
        message = "; ".join(f"{problem.where}: {problem.message}" for problem in problems)
        return await answer(request, 422, message, problems)

    @app.exception_handler(RouterPolicyError)
    async def on_refusal(request: Request, error: RouterPolicyError) -> Response:
        if isinstance(error, StoreUnavailableError):
            error = explain_missing_store(request.app.state.cache.store, error)
        kind = error_kind(error)
        log.warning("%s was answered with %d: %s", request.url.path, kind.status, error)
        return await answer(request, kind.status, str(error), code=kind.code)

    @app.exception_handler(Exception)
    async def on_fault(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the server logs it
        return await answer(
            request, 500, "this is a fault of router-policy; see its log", headers={**SAFE_HEADERS, **NOT_KEPT}
        )


def _allowed_methods(request: Request) -> list[str]:
    """Return the methods of an address, over all of its routes: the framework names those of the first."""
    scopes = {method: {**request.scope, "method": method} for method in ("GET", "POST")}
    routes = request.app.router.routes
    return [
        method for method, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)
    ]


def _is_other_than_json(request: Request) -> bool:
    """Return whether a request brings a body that is not declared as JSON: then nothing in it was read."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return request.method == "POST" and kind != "application/json"


def _not_json() -> Problem:
    return Problem(where="body", message="send Content-Type: application/json")


def _problem(error: Mapping[str, Any]) -> Problem:
    """Describe an invalid value without repeating it."""
    where = ".".join(str(part) for part in error["loc"])
    return Problem(where=where, message=str(error["msg"]).removeprefix("Value error, "))
