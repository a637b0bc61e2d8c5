"""The schema's version: bring a database up to this code's, or tell that it is not."""

from typing import TYPE_CHECKING

from sqlalchemy import Engine

from storage.connection import transaction

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
    """Bring the schema up to a revision; nothing happens where it is there already. One transaction."""
    from alembic import command

    config = _config()
    with transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the schema back to a revision, `base` for none; what the dropped tables held is gone. One transaction."""
    from alembic import command

    config = _config()
    with transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def versions(engine: Engine) -> tuple[str | None, str]:
    """Return the revision that the database is at (None for an empty one) and the one that this code needs."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    needed = ScriptDirectory.from_config(_config()).get_current_head()
    assert needed is not None
    with transaction(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision(), needed
