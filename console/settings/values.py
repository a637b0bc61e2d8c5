"""Kinds of values that settings have: durations, names of symbols, texts of one line; and what every section shares."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo, field_validator

from console.settings.duration import parse_duration
from console.settings.line import line_of

_LONGEST_BAR = timedelta(days=31)  # a run reads 1000 bars, and the first of them needs a date too


def _read_duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError('write a duration as text, as in "15m"')
    return parse_duration(value)


def _read_bar(value: object) -> object:
    duration = _read_duration(value)
    if isinstance(duration, timedelta) and duration > _LONGEST_BAR:
        raise ValueError(f"{value!r} is longer than a bar lasts; {_LONGEST_BAR.days}d is the most")
    return duration


def _checked_symbol(text: str) -> str:
    if not 1 <= len(text) <= 64 or text != text.strip() or re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError(
            f"{text!r} is not a valid symbol; use 1 to 64 characters, without control characters and without spaces "
            "at either end"
        )
    return text


def _checked_author(text: str) -> str:
    if not 1 <= len(text) <= 64 or text != text.strip() or not text.isprintable():
        raise ValueError("a name has 1 to 64 printable characters, without spaces at either end")
    return text


def read_line(value: object, info: ValidationInfo) -> object:
    """Read a text as one line; a query may have many. Raises ValueError for another control character."""
    return line_of(value) if isinstance(value, str) and info.field_name != "query" else value


Duration = Annotated[timedelta, BeforeValidator(_read_duration)]
BarInterval = Annotated[timedelta, BeforeValidator(_read_bar)]
SymbolName = Annotated[str, AfterValidator(_checked_symbol)]
AuthorName = Annotated[str, AfterValidator(_checked_author)]


class Section(BaseModel):
    """A section of the settings: every key is known, and a text has one line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    _lines = field_validator("*", mode="before")(read_line)
