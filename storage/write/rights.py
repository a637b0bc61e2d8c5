"""Whether this database user may write overrides, found out before a person tries to."""

import os
from pathlib import Path

from sqlalchemy import Connection, text

from storage.schema.roles import WRITER

_RIGHTS = text(
    "select current_user, pg_is_in_recovery(), "
    "has_table_privilege(current_user, to_regclass('policy_override'), 'insert') "
    "and has_table_privilege(current_user, to_regclass('policy_override_end'), 'insert') "
    "and has_table_privilege(current_user, to_regclass('policy_head'), 'update')"
)


def why_no_overrides(connection: Connection) -> str | None:
    """Return a sentence that says why overrides cannot be written here, with the remedy; None if they can.

    On Postgres it asks for the user's rights, on SQLite for those of the file. Nothing is written.
    """
    if connection.dialect.name == "sqlite":
        return _why_not_on_sqlite(connection)
    user, is_standby, may_write = connection.execute(_RIGHTS).one()
    if is_standby:
        return "this database is a standby, which only reads; let the console use the primary"
    if not may_write:
        return f"the database user {user} only reads; to let it override, run: grant {WRITER} to {user}"
    return None


def _why_not_on_sqlite(connection: Connection) -> str | None:
    path = Path(connection.exec_driver_sql("pragma database_list").one()[2])
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return None
    return f"this user may only read {path}; give it the right to write the file and its folder"
