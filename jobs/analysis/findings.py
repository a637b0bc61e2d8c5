"""What `check` reports: one finding for each thing that was tried."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from policy.list_text import MOST_SHOWN


class Severity(StrEnum):
    """How serious a finding is.

    Runs work; they work, but something is probably a mistake; or they fail, or decide on figures that are not true.
    """

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was tried, and the result in a sentence."""

    what: str
    message: str
    severity: Severity = Severity.OK

    @property
    def ok(self) -> bool:
        """Whether runs can work with it; a note is ok."""
        return self.severity is not Severity.WRONG

    @property
    def record(self) -> dict[str, object]:
        """The finding for programs."""
        return {"what": self.what, "ok": self.ok, "severity": self.severity, "message": self.message}

    @property
    def line(self) -> str:
        """The finding for people: what is wrong is in upper case."""
        severity = self.severity.upper() if self.severity is Severity.WRONG else self.severity
        return f"{severity:<5} {self.what}: {self.message}"


def wrong(what: str, message: str) -> Finding:
    """Return a finding with which runs fail, or decide on what is not true."""
    return Finding(what=what, message=message, severity=Severity.WRONG)


def note(what: str, message: str) -> Finding:
    """Return a finding that is probably a mistake, although runs work."""
    return Finding(what=what, message=message, severity=Severity.NOTE)


def counted(count: int, noun: str) -> str:
    """Write a count with its noun, as in `1 row`, `2 rows`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def first_few(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the first few of findings of one kind, and how many more there are."""
    yield from findings[:MOST_SHOWN]
    if (more := len(findings) - MOST_SHOWN) > 0:
        yield note(findings[0].what, f"the same holds for {more} more")
