"""Symbols with nearly the same spelling."""

import re
from collections.abc import Collection


def letters(symbol: str) -> str:
    """Return a symbol without case, blanks and punctuation: equal for names that are likely one market."""
    return re.sub(r"[\W_]", "", symbol).casefold()


def spelt_alike(symbols: Collection[str]) -> list[list[str]]:
    """Group the symbols that differ in case, blanks and punctuation only."""
    by_letters: dict[str, list[str]] = {}
    for symbol in sorted(symbols):
        by_letters.setdefault(letters(symbol), []).append(symbol)
    return [names for names in by_letters.values() if len(names) > 1]
