"""Views, indexes, triggers and what they call: whether a store has those that the migrations make.

What is expected is not written down here: the migrations make it again, on SQLite in memory, on Postgres in a schema of
its own and in a transaction that is rolled back. So both sides are the same server's own words for the same statements.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from uuid import uuid4

from sqlalchemy import Connection, Engine, StaticPool, create_engine, text

from storage.audit.difference import Difference
from storage.database.engine import sqlite_driver
from storage.database.transaction import discarded_transaction
from storage.schema import upgrade
from storage.schema.tables import metadata

# Each object's name to what it is. On a table of the store, these kinds may not be added; views and indexes may.
Objects = Mapping[str, str]
_DISABLED = "disabled"
_NEVER_ADDED = ("trigger", "rule", "row security")

_ON_SQLITE = text(
    "select type || ' ' || name as name, tbl_name as relation, sql as definition from sqlite_master "
    "where type in ('view', 'trigger', 'index') and sql is not null"
)
_ON_POSTGRES = text("""
with object as (
    select c.oid, c.relname, c.relkind, c.reloptions, c.relrowsecurity, n.nspname
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.oid = (select relnamespace from pg_class where pg_class.oid = to_regclass('policy_head'))
)
select 'view ' || relname as name, relname as relation,
    pg_get_viewdef(oid, true) || coalesce(array_to_string(reloptions, ','), '') as definition
from object where relkind = 'v'
union all
select 'index ' || i.relname, r.relname,
    pg_get_indexdef(x.indexrelid, 0, true) || case when x.indisvalid then '' else ' invalid' end
from pg_index as x join object as r on r.oid = x.indrelid join pg_class as i on i.oid = x.indexrelid
union all
select 'trigger ' || t.tgname || ' on ' || r.relname, r.relname,
    case when t.tgenabled in ('O', 'A') then '' else 'disabled ' end || pg_get_triggerdef(t.oid, true)
from pg_trigger as t join object as r on r.oid = t.tgrelid where not t.tgisinternal
union all
select distinct 'function ' || p.proname, r.relname,
    right(pg_get_functiondef(p.oid), -length('CREATE OR REPLACE FUNCTION ' || quote_ident(n.nspname)))
from pg_trigger as t join object as r on r.oid = t.tgrelid
join pg_proc as p on p.oid = t.tgfoid join pg_namespace as n on n.oid = p.pronamespace
where n.nspname = r.nspname and not t.tgisinternal
union all
select 'rule ' || w.rulename || ' on ' || r.relname, r.relname, pg_get_ruledef(w.oid, true)
from pg_rewrite as w join object as r on r.oid = w.ev_class where w.rulename <> '_RETURN'
union all
select 'row security of ' || relname, relname, 'enabled' from object where relrowsecurity
""")
_SCHEMA = text(
    "select quote_ident(nspname) from pg_class as c join pg_namespace as n on n.oid = c.relnamespace "
    "where c.oid = to_regclass('policy_head')"
)
_MAY_CREATE = text(
    "select has_database_privilege(current_database(), 'create') and current_setting('transaction_read_only') = 'off'"
)
_SEARCH = text("select set_config('search_path', :path, true)")


def expected_objects(engine: Engine) -> Objects | None:
    """Return what the migrations make on this kind of database, None if this user may not make a schema on Postgres.

    Nothing stays in the database.
    """
    if engine.dialect.name == "sqlite":
        return _made_on_sqlite()
    schema = f"router_policy_{uuid4().hex}"
    with discarded_transaction(engine) as connection:
        if not _may_make_schema(connection):
            return None
        connection.execute(text(f"create schema {schema}"))
        connection.execute(_SEARCH, {"path": f"{schema}, pg_temp"})
        upgrade.run_migrations(connection)
        return _stored_objects(connection)


def can_compare(engine: Engine) -> bool:
    """Return whether `expected_objects` returns what the migrations make."""
    if engine.dialect.name == "sqlite":
        return True
    with discarded_transaction(engine) as connection:
        return _may_make_schema(connection)


def _may_make_schema(connection: Connection) -> bool:
    return bool(connection.scalar(_MAY_CREATE))


def schema_differences(connection: Connection, expected: Objects | None) -> Iterator[Difference]:
    """Yield each object that is missing or other than `expected`, and each trigger or the like that was added.

    If `expected` is None, only the triggers are looked at: whether they are there, by their names, and enabled.
    """
    stored = _stored_objects(connection)
    if expected is None:
        yield from _trigger_differences(stored)
        return
    for name, definition in expected.items():
        if stored.get(name) != definition:
            yield _difference(name, "changed" if name in stored else None, "as router-policy init makes it")
    for name in sorted(stored.keys() - expected.keys()):
        if name.startswith(_NEVER_ADDED):
            yield _difference(name, "added", None)


def _trigger_differences(stored: Objects) -> Iterator[Difference]:
    tables = [name.split()[1].removesuffix("_no_update") for name in _made_on_sqlite() if name.endswith("_no_update")]
    for table in sorted(tables):
        for name in (f"trigger {table}_no_change on {table}", f"trigger {table}_no_truncate on {table}"):
            if stored.get(name, _DISABLED).startswith(_DISABLED):
                yield _difference(name, "disabled" if name in stored else None, "enabled")


def _difference(name: str, stored: str | None, derived: str | None) -> Difference:
    return Difference(entry="schema", field=name, stored=stored, derived=derived)


@lru_cache(maxsize=1)
def _made_on_sqlite() -> Objects:
    engine = create_engine("sqlite://", poolclass=StaticPool, module=sqlite_driver())
    upgrade.upgrade(engine)
    try:
        with engine.connect() as connection:
            return _stored_objects(connection)
    finally:
        engine.dispose()


def _stored_objects(connection: Connection) -> Objects:
    """Return what each object is, in the words of its database.

    On Postgres names are looked up in the schema of the store alone from here on, so that they come without it.
    """
    if connection.dialect.name == "sqlite":
        rows = connection.execute(_ON_SQLITE)
        named = [(row.name, row.relation, _without_blanks(row.definition)) for row in rows]
    else:
        schema = connection.scalar(_SCHEMA)
        connection.execute(_SEARCH, {"path": f"{schema}, pg_temp"})
        named = [(row.name, row.relation, row.definition) for row in connection.execute(_ON_POSTGRES)]
    return {name: sql for name, relation, sql in named if relation in metadata.tables or name.startswith("view ")}


def _without_blanks(sql: str) -> str:
    """Return SQL without blanks and quotes: versions of SQLite write them differently."""
    return re.sub(r'[\s"]', "", sql)
