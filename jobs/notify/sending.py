"""One message to some addresses by apprise, in a process of its own that is ended at a deadline.

The addresses hold secrets, such as a token in the place of a host: they go through standard input, so no list of
processes shows them, and nothing but their scheme is ever printed. Errors may quote them: of these the kind is told.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from jobs.notify.mailbox import Urgency

_NO_ANSWER = "no answer within the deadline"
_DIED = "the process that sends it has died"
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


def messages_to(urls: Iterable[str], title: str = "", body: str = "") -> list[Message]:
    """Return the same message for each address, numbered as in the settings."""
    return [Message(number=number, url=url, title=title, body=body) for number, url in enumerate(urls, 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of a message: `failure` is empty if it was delivered."""

    number: int
    failure: str = ""


def send(messages: Sequence[Message], deadline: timedelta, *, is_trial: bool = False) -> list[Delivery]:
    """Send messages, all at once, and return what became of each, by their numbers; never raises for an address.

    It takes no longer than the deadline. With `is_trial` the addresses are read only, and nothing is sent.
    """
    try:
        answers, otherwise = _answers([asdict(each) for each in messages], deadline, is_trial=is_trial)
    except OSError as error:
        answers, otherwise = b"", f"no process could be started to send it: {error}"
    failures = {row["number"]: row["failure"] for row in map(json.loads, answers.splitlines())}
    return [Delivery(number=each.number, failure=failures.get(each.number, otherwise)) for each in messages]


def _answers(rows: Sequence[Mapping[str, object]], deadline: timedelta, *, is_trial: bool) -> tuple[bytes, str]:
    """Return a line of JSON for each message of which it is known what became of it, and why there is none of others.

    Raises OSError if no process can be started.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs.notify.sending"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        answers, _ = process.communicate(json.dumps([rows, is_trial]).encode(), timeout=deadline.total_seconds())
    except subprocess.TimeoutExpired:
        process.kill()
        answers, _ = process.communicate()
        return answers, _NO_ANSWER
    return answers, _DIED


def masked(url: str) -> str:
    """Return what may be printed of an address: its scheme."""
    scheme, separator, _ = url.partition("://")
    return f"{scheme}://..." if separator and scheme.isalnum() else "..."


def send_standard_input() -> None:
    """Send the messages of standard input, each from a thread, and answer with a line of JSON when one is done.

    The answers are what standard output gets; whatever else a library or a program that it starts prints goes to
    standard error.
    """
    answers = os.dup(1)
    os.dup2(2, 1)
    rows, is_trial = json.load(sys.stdin)
    threads = [threading.Thread(target=_answer, args=(row, is_trial, answers), daemon=True) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _answer(row: Mapping[str, str], is_trial: bool, answers: int) -> None:
    """Send a message, and write what became of it at once, so that no line is torn or mixed with another."""
    try:
        failure = _failure(row, is_trial)
    except Exception as error:  # noqa: BLE001 - what a library of one address raises is told as its failure
        failure = f"apprise failed with {type(error).__name__}"
    os.write(answers, f"{json.dumps({'number': row['number'], 'failure': failure})}\n".encode())


def _failure(row: Mapping[str, str], is_trial: bool) -> str:
    """Send a message, or read its address only; return why it was not delivered, empty if it was."""
    from apprise import Apprise, NotifyType

    server = Apprise.instantiate(row["url"], suppress_exceptions=True)
    if server is None:
        return _NOT_KNOWN
    kind = NotifyType(row["urgency"])
    is_sent = is_trial or bool(server.notify(body=row["body"], title=row["title"], notify_type=kind))
    return "" if is_sent else _REFUSED


if __name__ == "__main__":
    send_standard_input()
