"""The store's database: its URL, how to connect to it, and what is asked of it."""

from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from router_policy_client.errors import ReaderSettingsError
from router_policy_client.rows import COLUMNS, Row

_NOTHING = text("select * from policy_latest where 1 = 0")
_SECRET_QUERY_KEYS = {"password", "sslpassword", "passfile"}
_SQLITE_LOCK_SECONDS = 0.25
_OPTIONS = "-c default_transaction_read_only=on -c statement_timeout=2s -c timezone=UTC"
_POSTGRES = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 6000,
    "application_name": "router-policy-client",
}


def parse_url(url: str) -> URL:
    """Read the store's URL, a SQLite file's made absolute. Raises ReaderSettingsError where it is of nothing else."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    backend = parsed.get_backend_name() if parsed is not None else ""
    if parsed is None or backend not in ("sqlite", "postgresql"):
        raise ReaderSettingsError(
            "the store's URL is that of neither database; write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        )
    if leaked := _SECRET_QUERY_KEYS & set(parsed.query):
        raise ReaderSettingsError(
            f"the store's URL holds {', '.join(sorted(leaked))} after the question mark, where it would be printed; "
            "write it before the host, or keep it in ~/.pgpass"
        )
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")  # the driver that says what the server has to tell
    if not parsed.database or parsed.database == ":memory:":
        raise ReaderSettingsError("the store must be a file that a service fills; write sqlite:///FILE")
    return parsed.set(database=str(Path(parsed.database).absolute()))


def describe(url: URL) -> str:
    """Write a URL for people, its password never in it."""
    return url.render_as_string(hide_password=True)


def make_engine(url: URL) -> Engine:
    """Make an engine that keeps no connection of its own and can write nothing.

    Raises ReaderSettingsError where the driver that the URL names is not installed.
    """
    arguments = _sqlite_arguments() if url.get_backend_name() == "sqlite" else _postgres_arguments(url)
    try:
        return create_engine(
            _read_only(url),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args=arguments,
        )
    except (ImportError, ArgumentError) as error:
        raise ReaderSettingsError(
            f"the driver of {describe(url)} cannot be loaded: {error}; Postgres needs router-policy-client[postgres]"
        ) from error


def latest(connection: Connection, scope: str) -> list[Row]:
    """Return the rows of the policies in force in a scope; none before its first run.

    Of the view's columns only those that are used here, and only those that this store's version has.
    """
    names = ", ".join(name for name in connection.execute(_NOTHING).keys() if name in COLUMNS)  # noqa: SIM118 - no dict
    query = text(f"select {names} from policy_latest where scope = :scope")
    return [dict(row) for row in connection.execute(query, {"scope": scope}).mappings().all()]


def said(error: BaseException, url: URL) -> str:
    """Write an error for people in one line, the URL's password never in it."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    line = " ".join(str(cause).split()) or type(cause).__name__
    for secret in {url.password or "", quote(url.password or "", safe="")} - {""}:
        line = line.replace(secret, "***")
    return line


def _read_only(url: URL) -> URL:
    if url.get_backend_name() != "sqlite":
        return url
    return url.set(database=Path(url.database or "").as_uri(), query={"mode": "ro", "uri": "true"})


def _sqlite_arguments() -> dict[str, object]:
    return {"timeout": _SQLITE_LOCK_SECONDS}


def _postgres_arguments(url: URL) -> dict[str, object]:
    """Give bounds to every wait on a server that does not answer; what the URL says itself goes before them."""
    bounds = {name: value for name, value in _POSTGRES.items() if name not in url.query}
    own = url.query.get("options", "")
    options = " ".join((_OPTIONS, own) if isinstance(own, str) else (_OPTIONS, *own))
    return {**bounds, "options": options}
