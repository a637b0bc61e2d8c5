"""One message to some addresses by apprise, in a process of its own that is ended at a deadline.

The addresses hold secrets, such as a token in the place of a host: they go through standard input, so no list of
processes shows them, and nothing but their scheme is ever printed.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from jobs.notify.mailbox import Urgency

_NO_ANSWER = "no answer within the deadline"
_REFUSED = "it was refused, or nobody answered"
_NOT_KNOWN = "not an address that apprise knows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one address is told; `number` is its place in the settings, by which it is named."""

    number: int
    url: str
    title: str
    body: str
    urgency: Urgency = Urgency.INFO


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of a message: `failure` is empty if it was delivered."""

    number: int
    failure: str = ""


def send(messages: Sequence[Message], deadline: timedelta, *, is_trial: bool = False) -> list[Delivery]:
    """Send messages, all at once, and return what became of each, by their numbers; never raises for an address.

    It takes no longer than the deadline. With `is_trial` the addresses are read only, and nothing is sent.
    """
    rows = [asdict(each) for each in messages]
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs.notify.sending"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        output, _ = process.communicate(json.dumps([rows, is_trial]).encode(), timeout=deadline.total_seconds())
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    failures = {row["number"]: row["failure"] for row in map(json.loads, output.splitlines())}
    return [Delivery(number=each.number, failure=failures.get(each.number, _NO_ANSWER)) for each in messages]


def masked(url: str) -> str:
    """Return what may be printed of an address: its scheme."""
    scheme, separator, _ = url.partition("://")
    return f"{scheme}://..." if separator and scheme.isalnum() else "..."


def send_standard_input() -> None:
    """Send the messages of standard input, each from a thread, and print a line of JSON when one is done."""
    rows, is_trial = json.load(sys.stdin)
    threads = [threading.Thread(target=_send_row, args=(row, is_trial), daemon=True) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _send_row(row: Mapping[str, str], is_trial: bool) -> None:
    from apprise import Apprise, NotifyType

    server = Apprise.instantiate(row["url"], suppress_exceptions=True)
    if server is None:
        failure = _NOT_KNOWN
    else:
        kind = NotifyType(row["urgency"])
        is_sent = is_trial or bool(server.notify(body=row["body"], title=row["title"], notify_type=kind))
        failure = "" if is_sent else _REFUSED
    sys.stdout.write(f"{json.dumps({'number': row['number'], 'failure': failure})}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    send_standard_input()
