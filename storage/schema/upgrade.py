"""The schema's version: bring a database up to this code's, or tell that it is not."""

from typing import TYPE_CHECKING

from sqlalchemy import Engine, inspect

from storage.database.engine import describe_url
from storage.database.transaction import transaction
from storage.errors import SchemaError
from storage.schema.tables import policy_head

if TYPE_CHECKING:
    from alembic.config import Config


def is_compared(_: object, name: str | None, kind: str, *rest: object) -> bool:  # noqa: ARG001 - Alembic passes more
    """Tell whether tables in the code and in the database are held against each other in this thing.

    All but the BRIN index on the slot of snapshots, which only Postgres has; the migration alone knows it.
    """
    return not (kind == "index" and (name or "").endswith("_brin"))


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "migrations:")
    config.set_main_option("path_separator", "os")
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema up to a revision; nothing happens where it is there already. One transaction.

    Raises SchemaError where the database is at a revision that this program does not have.
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
            f"{describe_url(engine.url)} is at a schema version that this program does not have ({error}): it is of a "
            "newer router-policy, or of something else; install the newer one, or name another database in [store] url"
        ) from error


def downgrade(engine: Engine, revision: str) -> None:
    """Take the schema back to a revision, `base` for none; what the dropped tables held is gone. One transaction."""
    from alembic import command

    config = _config()
    with transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def version(engine: Engine, where: str) -> str | None:
    """Return the revision that the database is at, None where it has no table yet; nothing is written.

    Raises SchemaError, which names it as `where`, where it has tables and they are not the store's.
    """
    from alembic.runtime.migration import MigrationContext

    with transaction(engine) as connection:
        there = inspect(connection)
        # Before the revision: where another process sets the store up meanwhile, both are seen or the revision alone.
        names = set(there.get_table_names()) - {"alembic_version"}
        revisions = MigrationContext.configure(connection).get_current_heads()
        is_store = bool(revisions) and there.has_table(policy_head.name)
    if is_store or not (names or revisions):
        return ", ".join(revisions) or None
    raise SchemaError(
        f"{where} holds tables of something else and none of router-policy; correct [store] url, or "
        "run router-policy init if they are to lie side by side there"
    )


def needed_version() -> str:
    """Return the revision that this code needs."""
    from alembic.script import ScriptDirectory

    needed = ScriptDirectory.from_config(_config()).get_current_head()
    assert needed is not None
    return needed
