"""Which text is a symbol: the macros of the sources against the sentence that describes them."""

import random
from unicodedata import category

import duckdb

from jobs.sources.relation import MACROS

_CHARACTERS = [
    *(chr(code) for code in range(1, 0x200)),
    *"币安人生é😀\u200b\u0301\ufeff\U0010ffff",
    *" " * 60,
    *"?" * 9,
]
_LENGTHS = (0, 1, 2, 3, 8, 62, 63, 64, 65, 66, 70)
_EDGES = [
    "",
    " ",
    "a\n",
    "\na",
    "a\nb",
    "a\0b",
    "\x7f",
    "\x85",
    " BTC/USDT:USDT ",
    "币" * 64,
    "币" * 65,
    " " * 9 + "A" * 64,
]

_BLANKS = "".join(chr(code) for code in range(0x10000) if category(chr(code)) == "Zs")


def symbol(text: str, *, without: str = "") -> str | None:
    """Text of 1 to 64 characters without control characters, or any of `without`, blanks around it aside."""
    trimmed = text.strip(_BLANKS)
    is_clean = not any(category(character) == "Cc" or character in without for character in trimmed)
    return trimmed if is_clean and 1 <= len(trimmed) <= 64 else None


def test_a_symbol_is_short_text_without_control_characters_and_of_bytes_without_question_marks() -> None:
    chance = random.Random(3)
    drawn = ["".join(chance.choices(_CHARACTERS, k=chance.choice(_LENGTHS))) for _ in range(2000)]
    plain = ["".join(chance.choices("ABC xyz/:?", k=chance.choice(_LENGTHS))) for _ in range(2000)]
    texts = [*_EDGES, *drawn, *plain]

    with duckdb.connect() as connection:
        connection.execute(MACROS)
        rows = connection.execute(
            "select symbol_of_text(t), symbol_of_bytes(t) from (select unnest(cast($texts as varchar[])) as t)",
            {"texts": texts},
        ).fetchall()

    assert rows == [(symbol(text), symbol(text, without="?")) for text in texts]
    assert sum(of_text is not None for of_text, _ in rows) > 1000
