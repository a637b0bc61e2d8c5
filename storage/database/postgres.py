"""Connections to Postgres that leave no state behind and depend on none: through poolers, and however it is set up.

A pooler such as pgbouncer gives each transaction another connection of the server. So statements are not prepared by
name, and every setting lasts for one transaction. The settings of the server, of the database and of other clients of
the pooler do not matter, because each transaction makes those that the store needs.
"""

import re

from sqlalchemy import URL, Connection, Engine, create_engine, event, text

_ENCODINGS = ("UTF8", "SQL_ASCII")  # the latter keeps what it is given
_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "extra_float_digits": "1",  # numbers read back as they were written, or their digest differs
    "standard_conforming_strings": "on",
    "statement_timeout": "20s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}
_OPTION = re.compile(r"(?:-c\s*|--)([A-Za-z_][\w.]*)=((?:[^\s\\]|\\.)*)\s*")


def postgres_engine(url: URL, *, isolation_level: str, read_only: bool) -> Engine:
    """Make an engine whose transactions have this isolation, whatever the default of the database is."""
    settings, url = settings_of_options(url)
    options = {"postgresql_readonly": True} if read_only else {}
    engine = create_engine(
        url,
        isolation_level=isolation_level,
        execution_options=options,
        hide_parameters=True,
        use_native_hstore=False,
        pool_pre_ping=True,
        pool_size=2,
        max_overflow=2,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": 5,
            "keepalives_idle": 5,
            "prepare_threshold": None,
            "client_encoding": "utf8",
        },
    )
    statement = setting_statement({**_SETTINGS, **settings})

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return engine


def settings_of_options(url: URL) -> tuple[dict[str, str], URL]:
    """Return the settings that the URL's `options` make, and the URL without them: poolers refuse `options`.

    Options that are not settings are left to libpq.
    """
    given = url.query.get("options", ())
    options = given if isinstance(given, str) else " ".join(given)
    if _OPTION.sub("", options).strip():
        return {}, url
    settings = {name: re.sub(r"\\(.)", r"\1", value) for name, value in _OPTION.findall(options)}
    return settings, url.difference_update_query(["options"])


def setting_statement(settings: dict[str, str]) -> str:
    """Return the SQL that makes these settings for one transaction.

    The search path is that of the database or role unless it is among them, never what another client left.
    """
    from psycopg.sql import Literal

    calls = (f"set_config({Literal(n).as_string()}, {Literal(v).as_string()}, true)" for n, v in settings.items())
    return f"set local search_path to default; select {', '.join(calls)}".replace("%", "%%")


def unfit_for_store(connection: Connection) -> str | None:
    """Return why the store cannot be in this Postgres database, or None; no setting of a transaction changes it."""
    encoding = connection.scalar(text("select current_setting('server_encoding')"))
    if encoding not in _ENCODINGS:
        return (
            f"its encoding is {encoding}, which cannot hold every symbol; create a database with: "
            "create database NAME encoding 'UTF8' template template0"
        )
    if connection.scalar(text("select pg_is_in_recovery()")):
        return "it is a standby, which nobody can write to; name its primary"
    if connection.scalar(text("select current_setting('default_transaction_read_only')")) == "on":
        return "it is read-only for this user; set default_transaction_read_only to off, or name another user"
    return None
