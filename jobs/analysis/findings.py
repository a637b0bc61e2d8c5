"""What `check` found: one line for each thing that was tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_NAMES_SHOWN = 4


class Severity(StrEnum):
    """How a thing was found: well, worth a look, or such that runs fail until it is mended."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was tried, and what is to be said of it."""

    what: str
    said: str
    word: Severity = Severity.OK

    @property
    def is_well(self) -> bool:
        """Whether runs can do with it; a note is well."""
        return self.word is not Severity.WRONG

    @property
    def record(self) -> dict[str, object]:
        """The finding for programs."""
        return {"what": self.what, "is_well": self.is_well, "word": self.word, "said": self.said}

    @property
    def line(self) -> str:
        """The finding for people: what is wrong stands out."""
        word = self.word.upper() if self.word is Severity.WRONG else self.word
        return f"{word:<5} {self.what}: {self.said}"


def note(what: str, said: str) -> Finding:
    """Return a finding that is worth a look."""
    return Finding(what=what, said=said, word=Severity.NOTE)


def listed(names: Sequence[str]) -> str:
    """Write the first few names, and how many more there are."""
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return f"{', '.join(names[:_NAMES_SHOWN])}{more}"
