"""Values of a database query as text; one that is not readable text costs its own row, not the whole query."""

import codecs
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

# The control character for what cannot be represented. No column accepts it, so its row is rejected and counted.
_SUBSTITUTE = "\x1a"
SUBSTITUTE_ERRORS = "router_policy.substitute"
_TEXTS = (str, int, float, Decimal, UUID, date)
# No value of an order is as long; a row of several such texts would be longer than the lines that the engine reads.
_LONGEST_TEXT = 100_000


def _substitute(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError | UnicodeEncodeError)
    return _SUBSTITUTE, error.end


codecs.register_error(SUBSTITUTE_ERRORS, _substitute)


def decode(data: bytes) -> str:
    """Decode UTF-8; each sequence that is not UTF-8 becomes the control character SUBSTITUTE."""
    return data.decode("utf-8", SUBSTITUTE_ERRORS)


def text_of(value: object) -> object:
    """Return a value as it is written to a CSV file; None stays None.

    Of a value that is not text, a number, a flag or a time, such as a BLOB, only the name of its type is written, after
    the control character SUBSTITUTE; of a text of more than 100,000 characters likewise.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()
    is_text = isinstance(value, _TEXTS) and not (isinstance(value, str) and len(value) > _LONGEST_TEXT)
    return value if value is None or is_text else f"{_SUBSTITUTE}{type(value).__name__}"
