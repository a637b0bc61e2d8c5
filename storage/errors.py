"""Errors of the store; each message ends in the remedy."""

from policy.errors import RouterPolicyError


class StoreError(RouterPolicyError):
    """The store could not do what was asked; nothing of it was written."""


class StoreUnavailableError(StoreError, ConnectionError):
    """The database cannot be reached, is locked for too long, or its disk is full."""


class StoreFileMovedError(StoreUnavailableError):
    """The SQLite file was moved, deleted or replaced while it was open."""


class StoreSettingsError(StoreError, ValueError):
    """The store's URL cannot be used."""


class SchemaError(StoreError):
    """The database does not hold the schema that this version needs."""


class StoredValueError(StoreError, ValueError):
    """A cell holds a value (`stored`) that this program never writes there."""

    def __init__(self, stored: object, expected: str) -> None:
        super().__init__(
            f"the database holds {stored!r} instead of {expected}; run router-policy verify to find the cell"
        )
        self.stored = stored
        self.expected = expected


class SlotTakenError(StoreError):
    """The slot is published already, or another process holds its lease."""


class LeaseLostError(StoreError):
    """This process held the slot for too long and another has taken it over; nothing was published."""
