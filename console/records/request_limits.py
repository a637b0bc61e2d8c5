"""Limits of what a request may hold, in its address and in its body alike; both databases accept all within them."""

from typing import Annotated

from pydantic import Field, StringConstraints

LARGEST_NUMBER = 2**53 - 1
# Of all characters only NUL cannot be in a database's text.
TEXT_PATTERN = r"^[^\x00]+$"
MarketName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=TEXT_PATTERN)]
EntryNumber = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
LONGEST_OVERRIDE_SECONDS = 366 * 86400
