"""Roles on Postgres: who may do what, as SQL statements that the owner can read before running them."""

import re
from collections.abc import Iterable, Iterator

from sqlalchemy import Engine, text

from storage.database.engine import describe_url
from storage.database.transaction import transaction
from storage.errors import SchemaError, StoreSettingsError
from storage.schema.upgrade import VERSION_TABLE

WRITER = "router_policy_writer"
ROUTER = "router_policy_router"
ANALYST = "router_policy_analyst"
_SECONDS = {WRITER: 20, ROUTER: 1, ANALYST: 60}
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_READ = (
    "policy_head policy_scope policy_slot policy_rule_set policy_run policy_snapshot policy_reject policy_run_failure "
    "policy_shadow policy_breaker policy_saving policy_override policy_override_end policy_prune "
    "policy_day policy_day_cost policy_day_drift "
    "policy_latest policy_history policy_change policy_gap"
).split()
_INSERT = (
    "policy_scope policy_slot policy_rule_set policy_run policy_snapshot policy_reject policy_run_failure "
    "policy_shadow policy_breaker policy_saving policy_override policy_override_end "
    "policy_day policy_day_cost policy_day_drift"
).split()
_UPDATE = ("policy_head", "policy_slot", "policy_day")
_DELETE = ("policy_day_cost", "policy_day_drift")  # the figures of a day, which are written again
_SCHEMA = text(
    "select quote_ident(nspname) from pg_class join pg_namespace on pg_namespace.oid = relnamespace "
    "where pg_class.oid = to_regclass('policy_head')"
)


def role_statements(schema: str = "public") -> Iterator[str]:
    """Yield the statements that create the roles and grant their rights; they can be run again at any time.

    `schema` is the one that holds the tables, as SQL writes it.

    The writer is for schedules and for people who override: it publishes, but cannot change or delete what is
    published. The router reads the latest policies and nothing else. The analyst reads everything. No role may log in:
    grant one of them to your own login roles. Pruning and upgrading stay with the owner.
    """
    for role, seconds in _SECONDS.items():
        yield (
            f"do $$ begin if not exists (select from pg_roles where rolname = '{role}') "
            f"then create role {role} nologin; end if; end $$"
        )
        yield f"alter role {role} set statement_timeout = '{seconds}s'"
        yield f"revoke all on all tables in schema {schema} from {role}"
        yield f"grant usage on schema {schema} to {role}"
    yield f"grant select on {_names(schema, *_READ, VERSION_TABLE)} to {WRITER}"
    yield f"grant insert on {_names(schema, *_INSERT)} to {WRITER}"
    yield f"grant update on {_names(schema, *_UPDATE)} to {WRITER}"
    yield f"grant delete on {_names(schema, *_DELETE)} to {WRITER}"
    yield f"grant select on {_names(schema, 'policy_latest')} to {ROUTER}"
    yield f"grant select on {_names(schema, *_READ, VERSION_TABLE)} to {ANALYST}"


def router_login_statements(name: str, connection_limit: int) -> Iterator[str]:
    """Yield the statements that make a login role for routers, or change it: its connections are limited.

    Postgres applies the limits of the role that logs in, not those of the roles that it is in. The role has no password
    until its owner gives it one. Raises StoreSettingsError if the name is not a plain one.
    """
    if not _PLAIN_NAME.fullmatch(name):
        raise StoreSettingsError(
            f"{name!r} is not a valid name of a login role here; use lower-case letters, digits and underscores"
        )
    yield (
        f"do $$ begin if not exists (select from pg_roles where rolname = '{name}') "
        f"then create role {name} login; end if; end $$"
    )
    yield f"alter role {name} connection limit {connection_limit}"
    yield f"alter role {name} set statement_timeout = '{_SECONDS[ROUTER]}s'"
    yield f"grant {ROUTER} to {name}"


def _names(schema: str, *relations: str) -> str:
    return ", ".join(f"{schema}.{relation}" for relation in relations)


def apply_roles(engine: Engine, more: Iterable[str] = ()) -> None:
    """Create the roles, or update their rights, in the schema that holds the store; then run `more` statements.

    Raises StoreSettingsError on SQLite, which has no roles, and SchemaError if the store was not set up.
    """
    if engine.dialect.name != "postgresql":
        raise StoreSettingsError("SQLite has no roles; set the permissions of the file instead")
    with transaction(engine) as connection:
        schema = connection.scalar(_SCHEMA)
        if schema is None:
            raise SchemaError(f"{describe_url(engine.url)} has no store; run: router-policy init")
        for statement in (*role_statements(schema), *more):
            connection.execute(text(statement.replace(":", "\\:")))
