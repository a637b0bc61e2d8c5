"""Triggers that refuse to change what was published, and to delete what no prune covers, on both databases."""

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa
from alembic import op

from migrations.ddl import on_postgres

UNCHANGED = "is append-only: what was published is never changed"
PRUNED_ONLY = "is append-only: old runs are removed with router-policy prune, and nothing else is removed"
_FUNCTION = f"""
create function policy_refuse_change() returns trigger language plpgsql as $$
declare
    number bigint;
begin
    if tg_op = 'DELETE' and tg_nargs = 1 then
        execute format('select ($1).%I', tg_argv[0]) using old into number;
        if exists (select 1 from policy_prune where through_entry_id >= number) then
            return old;
        end if;
    end if;
    if tg_op = 'UPDATE' then
        raise exception '% {UNCHANGED}', tg_table_name using errcode = 'integrity_constraint_violation';
    end if;
    raise exception '% {PRUNED_ONLY}', tg_table_name using errcode = 'integrity_constraint_violation';
end $$"""


def protect(tables: Mapping[str, str | None], keys: Mapping[str, Sequence[str]], *, with_function: bool) -> None:
    """Make the triggers of tables, given with the column whose number a prune must cover before a row may go.

    Without such a column no row ever goes. `keys` are the columns by which a row would replace another on SQLite.
    `with_function` makes what the triggers call on Postgres, too.
    """
    if not on_postgres():
        statements = _sqlite_triggers(tables, keys)
    else:
        statements = iter([*([_FUNCTION] if with_function else []), *_postgres_triggers(tables)])
    for statement in statements:
        op.execute(sa.text(statement.replace(":", "\\:")))


def release(tables: Mapping[str, str | None], keys: Mapping[str, Sequence[str]], *, with_function: bool) -> None:
    """Drop what `protect` made."""
    for table in tables:
        if on_postgres():
            op.execute(f"drop trigger {table}_no_change on {table}")
            op.execute(f"drop trigger {table}_no_truncate on {table}")
            continue
        op.execute(f"drop trigger {table}_no_update")
        op.execute(f"drop trigger {table}_no_delete")
        if table in keys:
            op.execute(f"drop trigger {table}_no_replace")
    if with_function and on_postgres():
        op.execute("drop function policy_refuse_change")


def _sqlite_triggers(tables: Mapping[str, str | None], keys: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for table, number in tables.items():
        yield (
            f"create trigger {table}_no_update before update on {table} "
            f"begin select raise(abort, '{table} {UNCHANGED}'); end"
        )
        uncovered = f"when not exists (select 1 from policy_prune where through_entry_id >= old.{number}) "
        yield (
            f"create trigger {table}_no_delete before delete on {table} {uncovered if number else ''}"
            f"begin select raise(abort, '{table} {PRUNED_ONLY}'); end"
        )
    for table, columns in keys.items():
        same = " and ".join(f"{column} = new.{column}" for column in columns)
        yield (
            f"create trigger {table}_no_replace before insert on {table} "
            f"when exists (select 1 from {table} where {same}) "
            f"begin select raise(abort, '{table} {UNCHANGED}'); end"
        )


def _postgres_triggers(tables: Mapping[str, str | None]) -> Iterator[str]:
    for table, number in tables.items():
        argument = f"'{number}'" if number else ""
        yield (
            f"create trigger {table}_no_change before update or delete on {table} "
            f"for each row execute function policy_refuse_change({argument})"
        )
        yield (
            f"create trigger {table}_no_truncate before truncate on {table} "
            f"for each statement execute function policy_refuse_change()"
        )
