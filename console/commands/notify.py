"""`router-policy notify`: the addresses of the settings, tried."""

import sys
from typing import Annotated

import typer

from console.options import AsJson, Config
from console.settings.file import load
from console.settings.notify import require_apprise
from console.terminal.text import print_lines, print_page
from jobs.notify.sending import masked, messages_to, send

_Test = Annotated[bool, typer.Option("--test", help="Send a message to each address; without it they are only read.")]


def command(test: _Test = False, config: Config = None, as_json: AsJson = False) -> None:
    r"""Try the addresses of \[notify] urls; the exit code is 1 if one of them fails."""
    settings = load(config)
    urls = require_apprise(settings)
    title, body = f"router-policy {settings.scope}: test", "A test, sent by router-policy notify --test."
    deliveries = send(messages_to(urls, title, body), settings.notify.deadline, is_trial=not test)
    records = [
        {"number": each.number, "address": masked(url), "ok": not each.failure, "failure": each.failure or None}
        for each, url in zip(deliveries, urls, strict=True)
    ]
    if as_json:
        print_page(records)
    else:
        done = "delivered" if test else "can be used; --test sends a message"
        print_lines(f"{each['number']}  {each['address']} {each['failure'] or done}" for each in records)
    if not all(each["ok"] for each in records):
        sys.exit(1)
