"""Settings of one line: a secret that was kept in a file often ends in a line break."""

import re

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
_HEADER_TEXT = re.compile(r"[\x20-\x7e]*")


def line_of(text: str) -> str:
    """Return a text without the line breaks at its end.

    Raises ValueError for any other control character; the text is not repeated, since it may be a secret.
    """
    line = text.rstrip("\r\n")
    if _CONTROL_CHARACTERS.search(line):
        raise ValueError(
            "has a line break or another control character in it; if it was put together from a secret, "
            "remove the line break at the end of the secret"
        )
    return line


def header_text(value: object) -> object:
    """Return a text without blanks at its ends, as it arrives in a header of a request.

    Raises ValueError for characters that a header does not carry unchanged; the text is not repeated.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not _HEADER_TEXT.fullmatch(text):
        raise ValueError("has characters that a request cannot carry; use ASCII letters, digits and punctuation")
    return text
