"""What the store refuses or cannot do; each says what to do about it."""

from policy.errors import RouterPolicyError


class StoreError(RouterPolicyError):
    """The store could not do what was asked; nothing of it was written."""


class StoreUnavailableError(StoreError, ConnectionError):
    """The database cannot be reached, is locked for too long, or its disk is full."""


class StoreSettingsError(StoreError, ValueError):
    """The store's URL cannot be used."""


class SchemaError(StoreError):
    """The database does not hold the schema that this version needs."""


class StoredValueError(StoreError, ValueError):
    """What stands in a cell is nothing that this program writes there; `stored` is what it is."""

    def __init__(self, stored: object, expected: str) -> None:
        super().__init__(f"the database holds {stored!r} where {expected} must be; router-policy verify says where")
        self.stored = stored
        self.expected = expected


class SlotTakenError(StoreError):
    """The slot is published already, or another process holds it."""


class LeaseLostError(StoreError):
    """This process held the slot for too long and another has taken it over: what it computed is not published."""
