"""What a verification reports if the store is not as it was published."""

from dataclasses import dataclass
from typing import NoReturn

from storage.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first value that is not as it was published: where it is, what is stored, what was derived."""

    entry: str
    symbol: str | None = None
    field: str
    stored: object
    derived: object


class TamperedError(StoreError):
    """The store is not as it was published; `difference` is the first value that shows it."""

    def __init__(self, difference: Difference) -> None:
        cell = f"{difference.entry}, {difference.symbol}" if difference.symbol else difference.entry
        super().__init__(f"{cell}: {difference.field} is {difference.stored!r}, derived {difference.derived!r}")
        self.difference = difference


def raise_tampered(entry: str, what: str, stored: object, derived: object, symbol: str | None = None) -> NoReturn:
    """Raise TamperedError for the first value that is not as it was published."""
    raise TamperedError(Difference(entry=entry, symbol=symbol, field=what, stored=stored, derived=derived))
