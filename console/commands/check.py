"""`router-policy check`: everything that a run needs, tried; what is wrong, and how to fix it."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from console.errors import SettingsError
from console.options import AsJson, Config, parse_time
from console.settings.file import load
from console.settings.model import Settings
from console.settings.notify import require_apprise
from console.settings.plan import plan_of
from console.terminal.text import print_lines, print_page
from jobs.analysis.check import check
from jobs.analysis.findings import Finding, wrong
from jobs.notify.sending import messages_to, send
from policy.list_text import listed

_AsOf = Annotated[
    datetime | None,
    typer.Option(parser=parse_time, metavar="TIME", help="The time as of which the sources are tried; by default now."),
]


def command(config: Config = None, as_json: AsJson = False, as_of: _AsOf = None) -> None:
    """Try every source, the database and the schedule; report what is wrong and how to fix it."""
    settings = load(config)
    findings = check(plan_of(settings), settings.store.url, lambda: settings.schedule.slots, as_of)
    findings += _find_in_addresses(settings)
    if as_json:
        print_page(finding.record for finding in findings)
    else:
        print_lines(finding.line for finding in findings)
    if not all(finding.ok for finding in findings):
        sys.exit(1)


def _find_in_addresses(settings: Settings) -> list[Finding]:
    """Return what apprise cannot read of [notify] urls; no address is ever shown."""
    if not settings.notify.urls:
        return []
    try:
        urls = require_apprise(settings)
    except SettingsError as error:
        return [wrong("notify", str(error))]
    failed = [each for each in send(messages_to(urls), settings.notify.deadline, is_trial=True) if each.failure]
    if not failed:
        kinds = listed([str(kind) for kind in settings.notify.on])
        return [Finding(what="notify", message=f"{len(urls)} addresses are told of {kinds}")]
    return [wrong("notify", f"urls, address {each.number}: {each.failure}") for each in failed]
