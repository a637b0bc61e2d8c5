"""The schema's version: which one a database has, and how it is upgraded to the one that this code needs."""

from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, Inspector, inspect, text

from storage.database.engine import describe_url
from storage.database.transaction import transaction
from storage.errors import SchemaError
from storage.schema.tables import policy_head

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

# Alembic's own name, `alembic_version`, belongs to the migrations of the program that shares the database.
VERSION_TABLE = "policy_schema_version"
_EARLIER_VERSION_TABLE = "alembic_version"
_ONE_UPGRADE_AT_A_TIME = 5_310_904_227_811_526  # the key of an advisory lock, which ends with its transaction


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
    config.attributes["version_table"] = VERSION_TABLE
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Upgrade the schema to a revision in one transaction; a schema that has it already is left alone.

    Several processes may do so at once: the others wait for the first and find its work done.

    Raises SchemaError if the database is at a revision that this program does not have.
    """
    with transaction(engine) as connection:
        upgrade_within(connection, revision)


def upgrade_within(connection: Connection, revision: str = "head") -> None:
    """Upgrade the schema in the transaction of a connection, as `upgrade` does in one of its own."""
    from alembic.util import CommandError

    try:
        _wait_for_other_upgrades(connection)
        _move_version(connection)
        run_migrations(connection, revision)
    except CommandError as error:
        raise SchemaError(
            f"{describe_url(connection.engine.url)} is at a schema version that this program does not have ({error}): "
            "it belongs to a newer router-policy or another program; install that, or name another database in "
            "[store] url"
        ) from error


def run_migrations(connection: Connection, revision: str = "head") -> None:
    """Run the migrations up to a revision in the transaction of a connection, in the schema that its search path names.

    Raises Alembic's CommandError if the database is at a revision that this program does not have.
    """
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


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
    with transaction(engine) as connection:
        inspector = inspect(connection)
        # Before the revision: if another process sets the store up meanwhile, both are visible or the revision alone.
        names = set(inspector.get_table_names()) - {VERSION_TABLE}
        revisions = _revisions(connection, inspector, VERSION_TABLE)
        is_store = bool(revisions) and inspector.has_table(policy_head.name)
        earlier = _earlier_version(connection, inspector)
    if earlier is not None:
        return f"{earlier}, kept in {_EARLIER_VERSION_TABLE}"
    if is_store or not (names or revisions):
        return ", ".join(revisions) or None
    raise SchemaError(
        f"{name} holds tables of another program and none of router-policy; correct [store] url, or run "
        "router-policy init to put them side by side"
    )


def _wait_for_other_upgrades(connection: Connection) -> None:
    """Lock out other upgrades until commit; SQLite's write transaction has done so already."""
    if connection.dialect.name != "postgresql":
        return
    connection.execute(text("set local lock_timeout = '60s'"))
    connection.execute(text("set local statement_timeout = 0"))  # a large table may take its time
    connection.execute(text(f"select pg_advisory_xact_lock({_ONE_UPGRADE_AT_A_TIME})"))


def _move_version(connection: Connection) -> None:
    """Move the revision of a store made before it had a table of its own; another program's revision stays."""
    revision = _earlier_version(connection, inspect(connection))
    if revision is None:
        return
    from alembic.runtime.migration import MigrationContext

    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    context.stamp(_scripts(), revision)
    connection.execute(text(f"drop table {_EARLIER_VERSION_TABLE}"))


def _earlier_version(connection: Connection, inspector: Inspector) -> str | None:
    """Return the revision in Alembic's table if it is that of this store: it has tables, and no other revision."""
    if inspector.has_table(VERSION_TABLE) or not inspector.has_table(policy_head.name):
        return None
    revisions = _revisions(connection, inspector, _EARLIER_VERSION_TABLE)
    known = {script.revision for script in _scripts().walk_revisions()}
    return revisions[0] if len(revisions) == 1 and revisions[0] in known else None


def _revisions(connection: Connection, inspector: Inspector, table: str) -> list[str]:
    if not inspector.has_table(table):
        return []
    return list(connection.scalars(text(f"select version_num from {table}")))


def _scripts() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def needed_version() -> str:
    """Return the revision that this code needs."""
    needed = _scripts().get_current_head()
    assert needed is not None
    return needed
