"""The templates of the pages, and the responses that are made from them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from console.outage_words import outage_title, sum_move_words
from console.web.banner import FreshnessPhase, phase_at
from console.web.headers import NOT_KEPT
from console.web.pages import formats
from console.web.pages.columns import COLUMNS
from console.web.pages.order_pages import orders_behind
from console.web.pages.sparkline import STEP_COUNT
from policy.enums import Quality, Regime

CLOCK_HEADER = "Router-Policy-Clock"  # seconds since the epoch; the database's clock, which ages are counted by
_TEMPLATES = Path(__file__).parent / "templates"


def _phases_as_json(phases: Sequence[FreshnessPhase]) -> str:
    return json.dumps([phase.record for phase in phases])


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        figure=formats.figure,
        exact=formats.exact,
        moment=formats.moment,
        path=lambda text: quote(text, safe=""),
        phases=_phases_as_json,
        query=urlencode,
    )
    environment.globals.update(
        decision=formats.decision,
        orders_behind=orders_behind,
        outage_title=outage_title,
        sum_move_words=sum_move_words,
        phase_at=phase_at,
        qualities=list(Quality),
        regimes=list(Regime),
        step_count=STEP_COUNT,
        columns=COLUMNS,
    )
    return environment


_templates = Jinja2Templates(env=_environment())


def page(
    request: Request,
    name: str,
    values: Mapping[str, object],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Render a page, which no browser may keep: shown again later, it would take an old time for now."""
    sent = {**NOT_KEPT, **(headers or {})}
    return _templates.TemplateResponse(request, name, dict(values), status_code=status, headers=sent)


def fragment(name: str, values: Mapping[str, object]) -> Markup:
    """Render a piece of a page, to be put into another."""
    return Markup(_templates.get_template(name).render(values))  # noqa: S704 - it escapes itself


def part(request: Request, name: str, values: Mapping[str, object], tag: str, now: datetime) -> Response:
    """Render what a page asks for again and again, or return 304 if the client has it; with the console's clock."""
    weak_tag = f'W/"{tag}"'
    headers = {"ETag": weak_tag, CLOCK_HEADER: str(now.timestamp())}
    if request.headers.get("if-none-match") == weak_tag:
        return Response(status_code=304, headers=headers)
    return page(request, name, values, headers=headers)


def error_page(request: Request, status: int, message: str) -> Response:
    """Return the page for an error, with links to go on from."""
    return page(request, "error.html", {"status": status, "message": message}, status)
