"""The schema's version: which one a database has, and how it is upgraded to the one that this code needs."""

from typing import TYPE_CHECKING

from sqlalchemy import Engine, inspect

from storage.database.engine import describe_url
from storage.database.transaction import transaction
from storage.errors import SchemaError
from storage.schema.tables import policy_head

if TYPE_CHECKING:
    from alembic.config import Config


def is_compared(_: object, name: str | None, kind: str, *rest: object) -> bool:  # noqa: ARG001 - Alembic passes more
    """Return whether this object is compared between the tables of the code and those of the database.

    All are but the BRIN index on the slot of snapshots: only Postgres has it, and only the migration creates it.
    """
    return not (kind == "index" and (name or "").endswith("_brin"))


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "migrations:")
    config.set_main_option("path_separator", "os")
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Upgrade the schema to a revision in one transaction; a schema that has it already is left alone.

    Raises SchemaError if the database is at a revision that this program does not have.
    """
    from alembic import command
    from alembic.util import CommandError

    config = _config()
    try:
        with transaction(engine) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    except CommandError as error:
        raise SchemaError(
            f"{describe_url(engine.url)} is at a schema version that this program does not have ({error}): it belongs "
            "to a newer router-policy or another program; install that, or name another database in [store] url"
        ) from error


def downgrade(engine: Engine, revision: str) -> None:
    """Downgrade the schema to a revision, `base` for none, in one transaction; the rows of dropped tables are lost."""
    from alembic import command

    config = _config()
    with transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def version(engine: Engine, name: str) -> str | None:
    """Return the revision of the database, None if it has no table yet; nothing is written.

    Raises SchemaError, with the database as `name`, if it has only tables of another program.
    """
    from alembic.runtime.migration import MigrationContext

    with transaction(engine) as connection:
        inspector = inspect(connection)
        # Before the revision: if another process sets the store up meanwhile, both are visible or the revision alone.
        names = set(inspector.get_table_names()) - {"alembic_version"}
        revisions = MigrationContext.configure(connection).get_current_heads()
        is_store = bool(revisions) and inspector.has_table(policy_head.name)
    if is_store or not (names or revisions):
        return ", ".join(revisions) or None
    raise SchemaError(
        f"{name} holds tables of another program and none of router-policy; correct [store] url, or run "
        "router-policy init to put them side by side"
    )


def needed_version() -> str:
    """Return the revision that this code needs."""
    from alembic.script import ScriptDirectory

    needed = ScriptDirectory.from_config(_config()).get_current_head()
    assert needed is not None
    return needed
