"""`router-policy check`: everything that a run needs, tried; what is wrong, and how to fix it."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from console.options import AsJson, Config, parse_time
from console.settings.file import load
from console.settings.plan import plan_of
from console.terminal.text import print_lines, print_page
from jobs.analysis.check import check

_AsOf = Annotated[
    datetime | None,
    typer.Option(parser=parse_time, metavar="TIME", help="The time as of which the sources are tried; by default now."),
]


def command(config: Config = None, as_json: AsJson = False, as_of: _AsOf = None) -> None:
    """Try every source, the database and the schedule; report what is wrong and how to fix it."""
    settings = load(config)
    findings = check(plan_of(settings), settings.store.url, lambda: settings.schedule.slots, as_of)
    if as_json:
        print_page(finding.record for finding in findings)
    else:
        print_lines(finding.line for finding in findings)
    if not all(finding.ok for finding in findings):
        sys.exit(1)
