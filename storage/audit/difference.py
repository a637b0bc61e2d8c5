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

    def __init__(self, difference: Difference, message: str | None = None) -> None:
        cell = f"{difference.entry}, {difference.symbol}" if difference.symbol else difference.entry
        derived = f"{cell}: {difference.field} is {difference.stored!r}, derived {difference.derived!r}"
        super().__init__(message or derived)
        self.difference = difference


class AnchorError(TamperedError):
    """No entry of the store has the digest that was kept elsewhere (`anchor`); `head` is the store's newest digest."""

    def __init__(self, anchor: str, head: str) -> None:
        super().__init__(
            Difference(entry="chain", field="anchor", stored=head, derived=anchor),
            f"chain: no entry has the anchor {anchor}; the newest entry of the store has {head or 'no digest'}. The "
            "end of the history was cut off, or it was rewritten, or the anchor is of another store",
        )


def raise_tampered(entry: str, what: str, stored: object, derived: object, symbol: str | None = None) -> NoReturn:
    """Raise TamperedError for the first value that is not as it was published."""
    raise TamperedError(Difference(entry=entry, symbol=symbol, field=what, stored=stored, derived=derived))
