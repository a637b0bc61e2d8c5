"""What a value of any type plainly is in a field of an order, in plain Python; and values of every type to draw."""

import json
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from math import isfinite

from hypothesis import strategies as st

COUNTED = "counted"  # in place of a value that its field cannot have: its row is rejected
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as the canonical tables have times, in UTC without a zone
_FIRST_SECOND, _END_SECOND = 946_684_800, 4_102_444_800  # 2000 to before 2100
_NUMBER = re.compile(r" *[+-]?(\d(_?\d)*(\.\d*)?|\.\d+)(e[+-]?\d+)? *", re.IGNORECASE)
_INTEGER = re.compile(r" *[+-]?\d+(\.0*)? *")

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [0, 1, -0.0, 1e18, 1.1e18, 1e-18, 9e-19, 9999.5, 10_000, -10_000, 5e-324, 1.7e308, 10**40, 10**400]
    ),
    st.floats(-100, 100),
)
PLAIN = ["", " ", "true", "False", " T ", "no", "yes", "1.0", " 1", "-0", "+1", ".5", "5.", "1e2", "0,5", "1_000"]
NOT_PLAIN = ["nan", "inf", "-Infinity", "None", "N/A", "much", "0x11", "1.5.2", "1 USDT", "0.0008 BNB", "--1"]
TEXTS = st.one_of(NUMBERS.map(str), st.sampled_from(PLAIN), st.sampled_from(NOT_PLAIN))
VALUES = st.one_of(
    st.none(), st.booleans(), NUMBERS, TEXTS, st.lists(NUMBERS, max_size=2), st.dictionaries(st.just("BNB"), NUMBERS)
)
# Written by hand: half past ten in UTC, and what is not that.
TIMES = {
    "2026-04-25T10:30:00Z": datetime(2026, 4, 25, 10, 30),  # noqa: DTZ001
    "2026-04-25 12:30:00,0+0200": datetime(2026, 4, 25, 10, 30),  # noqa: DTZ001
    "20260425T1030": datetime(2026, 4, 25, 10, 30),  # noqa: DTZ001
}
NO_TIMES = ["2026-04-31", "25.04.2026 10:30", "2026-W17-6", "10:30", "2026-04-25 10:30 BST", "yesterday"]
SYMBOLS = ["BTC/USDT:USDT", " ETHUSDT ", "币安人生USDT", "S" * 64, "S" * 65, "BTC\tUSDT", "BTC\x7f", "   "]


def number_of(value: object) -> float | str | None:
    """The number that a value plainly is, None if nothing is there, or COUNTED."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return COUNTED
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return COUNTED
    try:
        number = float(value)
    except OverflowError:
        return COUNTED
    return number if isfinite(number) else COUNTED


def amount_of(field: str, value: object) -> float | str | None:
    """The number if it is one that this field of the canonical rows can have."""
    number = number_of(value)
    if not isinstance(number, float):
        return number
    is_in_range = {
        "slippage_bps": abs(number) < 10_000,
        "notional": number == 0 or 1e-18 <= number <= 1e18,
        "realized_pnl": abs(number) <= 1e18,
        "fees": abs(number) <= 1e18,
        "maker_price": number == 0 or 1e-18 <= number <= 1e18,
        "maker_share": 0 < number <= 1,
        "arrival_quote_bps": abs(number) <= 1e18,
        "propensity": 0 < number <= 1,
    }
    return number if is_in_range[field] else COUNTED


def flag_of(value: object) -> bool | str | None:
    """The flag that a value plainly is, None if nothing is there, or COUNTED."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.strip(" ").lower() in ("true", "t", "yes", "false", "f", "no"):
        return value.strip(" ").lower() in ("true", "t", "yes")
    number = float(value) if isinstance(value, bool) else number_of(value)
    return {1.0: True, 0.0: False}.get(number, COUNTED) if isinstance(number, float) else COUNTED


def integer_of(value: object) -> int | str | None:
    """The integer of 64 bits that a value plainly is, None if nothing is there, or COUNTED."""
    if value is None or value == "":
        return None
    text = value if isinstance(value, str) else "" if isinstance(value, bool) else json.dumps(value)
    if not _INTEGER.fullmatch(text):
        return COUNTED
    number = int(text.partition(".")[0])
    return number if -(2**63) <= number < 2**63 else COUNTED


def word_of(value: object) -> str | float | None:
    """The text or number that a value is, None if there is none but what programs write for nothing, or COUNTED."""
    if value is None or isinstance(value, str):
        word = (value or "").strip(" ")
        return None if word.lower() in ("", "none", "null", "nan", "nil", "<na>") else word
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return COUNTED
    return str(value) if isinstance(value, int) else value


def symbol_of(value: object) -> str:
    """The symbol that a text is, or COUNTED."""
    symbol = value.strip(" ") if isinstance(value, str) else ""
    is_shown = all(unicodedata.category(letter) != "Cc" for letter in symbol)
    return symbol if 1 <= len(symbol) <= 64 and is_shown else COUNTED


def optional_time_of(value: object) -> datetime | str | None:
    """The time that a value is, None if nothing is there, or COUNTED."""
    return None if value is None or value == "" else time_of(value)


def count_of(value: object) -> int | str | None:
    """The number of things that a value plainly is, None if nothing is there, or COUNTED."""
    count = integer_of(value)
    return COUNTED if isinstance(count, int) and count < 0 else count


def time_of(value: object) -> datetime | str:
    """The time in UTC, without a zone, that a text of TIMES or a number of a time from 2000 to 2099 is, or COUNTED."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, str) and value in TIMES:
        return TIMES[value]
    number = number_of(value)
    if isinstance(number, float):
        for units in (1, 10**3, 10**6, 10**9):
            if _FIRST_SECOND * units <= number < _END_SECOND * units:
                return _EPOCH + timedelta(seconds=number / units)
    return COUNTED
