"""Views, triggers and indexes: whether a store has those that the migrations make."""

import re
from collections.abc import Mapping
from functools import lru_cache

from sqlalchemy import Connection, StaticPool, create_engine, text

from storage.audit.difference import raise_tampered
from storage.database.engine import sqlite_driver
from storage.schema import upgrade

_ON_SQLITE = text(
    "select type || ' ' || name, sql from sqlite_master "
    "where type in ('view', 'trigger', 'index') and tbl_name like 'policy\\_%' escape '\\' and sql is not null"
)
_TRIGGERS_ON_POSTGRES = text(
    "select tgname from pg_trigger join pg_proc on pg_proc.oid = tgfoid "
    "where tgenabled in ('O', 'A') and proname = 'policy_refuse_change' and tgrelid = any(array("
    "select oid from pg_class where relnamespace = (select relnamespace from pg_class "
    "where oid = to_regclass('policy_head'))))"
)


def check_schema_objects(connection: Connection) -> None:
    """Raise TamperedError if a view, trigger or index is missing or other than the migrations make it.

    A trigger that was added is reported too; views and indexes may be added. On Postgres only the triggers are checked,
    by their names and whether they are enabled.
    """
    if connection.dialect.name == "postgresql":
        _check_triggers_on_postgres(connection)
        return
    stored, expected = _objects(connection), _expected()
    for name, sql in expected.items():
        if stored.get(name) != sql:
            raise_tampered("schema", name, "changed" if name in stored else None, "as router-policy init makes it")
    added = sorted(name for name in stored.keys() - expected.keys() if name.startswith("trigger "))
    if added:
        raise_tampered("schema", added[0], "added", None)


def _check_triggers_on_postgres(connection: Connection) -> None:
    stored = set(connection.scalars(_TRIGGERS_ON_POSTGRES))
    tables = [name.split()[1].removesuffix("_no_update") for name in _expected() if name.endswith("_no_update")]
    for name in sorted(f"{table}{suffix}" for table in tables for suffix in ("_no_change", "_no_truncate")):
        if name not in stored:
            raise_tampered("schema", f"trigger {name}", None, "enabled")


@lru_cache(maxsize=1)
def _expected() -> Mapping[str, str]:
    """Return what the migrations make in an empty SQLite database."""
    engine = create_engine("sqlite://", poolclass=StaticPool, module=sqlite_driver())
    upgrade.upgrade(engine)
    with engine.connect() as connection:
        expected = _objects(connection)
    engine.dispose()
    return expected


def _objects(connection: Connection) -> Mapping[str, str]:
    """Return each object's SQL, without blanks and quotes: versions of SQLite write them differently."""
    return {name: re.sub(r'[\s"]', "", sql) for name, sql in connection.execute(_ON_SQLITE)}
