"""The upgrade of a store with its net: a verified copy first, then schema and verification in one transaction."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine

from storage.audit import chain
from storage.audit.backup import back_up
from storage.audit.schema_objects import expected_objects
from storage.audit.verify import Progress, verify
from storage.database.transaction import transaction
from storage.errors import StoreError, StoreUnavailableError
from storage.schema import upgrade


class UpgradeError(StoreError):
    """A store that could not be upgraded; it is as it was, and the text names the copy of it."""


def upgrade_safely(reader: Engine, writer: Engine, backup: Path) -> Iterator[Progress]:
    """Copy the store to a new file, upgrade it to this version and verify it, while progress is yielded.

    The copy keeps the schema of the store, so that the earlier program can go on with it. It is upgraded and verified
    for trial in a temporary file before the store is touched. The store changes only when all of it verifies: other
    writers wait until then. Raises BackupError if the copy cannot be made, UpgradeError if the upgrade fails; the store
    is then as it was.
    """
    yield from back_up(reader, backup)
    try:
        expected = expected_objects(writer)
        with transaction(writer) as connection:
            upgrade.upgrade_within(connection)
            chain.wait_for_writer(connection)
            yield from verify(connection, expected)
    except StoreUnavailableError as error:
        raise UpgradeError(
            f"{error}; the upgrade happened whole or not at all: run it again with another file, and it goes on or has "
            f"nothing to do; {backup} is the store as it was"
        ) from error
    except StoreError as error:
        raise UpgradeError(f"{error}; the store was not changed, and {backup} is a copy of it") from error
