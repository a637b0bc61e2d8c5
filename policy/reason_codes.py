"""Machine-readable reasons of a decision: a word, the measured value, and its threshold."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One reason of a decision.

    `value` is the measured value, None if it is missing or the code has none; `threshold` is the bound that it was
    compared with, None if there is none.
    """

    code: str
    value: float | None = None
    threshold: float | None = None

    @classmethod
    def missing(cls, name: str) -> Self:
        """Return the code of a figure that was not measured and counted as 0."""
        return cls(code=f"{name}_missing")


def codes_to_text(codes: Iterable[Code]) -> str:
    """Write codes as the JSON text that is stored: a list of objects, in order, keys sorted, no blanks.

    Written by hand, because the json module takes five times as long for such a short text; the repr of a number is
    valid JSON. Raises ValueError for a number that is not finite.
    """
    rows = [f"{_before_value(code.code, code.threshold)}{_number(code.value)}}}" for code in codes]
    return f"[{','.join(rows)}]"


@lru_cache(maxsize=1024)
def _before_value(code: str, threshold: float | None) -> str:
    return f'{{"code":{encode_basestring_ascii(code)},"threshold":{_number(threshold)},"value":'


def _number(value: float | None) -> str:
    if value is None:
        return "null"
    if value - value != 0:
        raise ValueError(f"a code's number must be finite, {value} is not JSON compliant")
    return repr(value)


def codes_from_text(text: str) -> tuple[Code, ...]:
    """Read what `codes_to_text` wrote. Raises ValueError for any other text."""
    return tuple(Code(**row) for row in json.loads(text))
