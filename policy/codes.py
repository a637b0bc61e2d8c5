"""Machine-readable grounds of a decision: a word, the measured value, and the threshold it met."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One ground of a decision.

    `value` is what was measured, None where it is missing or the code stands for a word; `threshold` is what it was
    held against, None where there is none.
    """

    code: str
    value: float | None = None
    threshold: float | None = None

    @classmethod
    def missing(cls, name: str) -> Self:
        """Say that the figure of this name was not measured and counted as 0."""
        return cls(code=f"{name}_missing")


def codes_to_text(codes: Iterable[Code]) -> str:
    """Write codes as the JSON text that is stored: a list of objects, in order, keys sorted, no blanks."""
    rows = [{"code": c.code, "threshold": c.threshold, "value": c.value} for c in codes]
    return json.dumps(rows, allow_nan=False, separators=(",", ":"))


def codes_from_text(text: str) -> tuple[Code, ...]:
    """Read what `codes_to_text` wrote. Raises ValueError for any other text."""
    return tuple(Code(**row) for row in json.loads(text))
