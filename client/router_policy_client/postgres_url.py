"""URLs of Postgres as people have them, and settings that last for one transaction, so that poolers may be between."""

import re

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from router_policy_client.errors import ReaderSettingsError

_DEFAULT_PORT = "5432"
_SCHEMES = ("postgres", "postgresql")
_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "extra_float_digits": "1",
    "idle_in_transaction_session_timeout": "10s",
}
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
_OPTION = re.compile(r"(?:-c\s*|--)([A-Za-z_][\w.]*)=((?:[^\s\\]|\\.)*)\s*")


def read_url(text: str) -> URL:
    """Parse a URL; one of Postgres may be written as for libpq, and gets the driver that delivers notifications.

    Line breaks at its end, as of a secret kept in a file, are not part of it. Raises ReaderSettingsError, with no part
    of the text, if it cannot be parsed, if it has another control character, or if an @ in its password ends the
    password early: SQLAlchemy would take the rest of it for the name of the host, which is printed.
    """
    text = _without_final_line_break(text)
    try:
        url = make_url(_with_hosts_in_query(text))
    except (ArgumentError, ValueError):  # the latter for an invalid port
        raise ReaderSettingsError(
            "the store's URL is neither SQLite nor Postgres; write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        ) from None
    if url.password is not None and "@" in _after_password(text):
        raise ReaderSettingsError("the store's URL has an @ in its password or after its host; write it as %40")
    return url.set(drivername="postgresql+psycopg") if url.get_backend_name() in _SCHEMES else url


def _without_final_line_break(text: str) -> str:
    line = text.rstrip("\r\n")
    if _CONTROL_CHARACTERS.search(line):
        raise ReaderSettingsError(
            "the store's URL has a line break or another control character in it; if a secret is part of it, "
            "remove the line break at the end of the secret"
        )
    return line


def transaction_settings(url: URL, statement_seconds: int) -> tuple[str, URL]:
    """Return the SQL that makes a read's settings for one transaction, and the URL without those among its `options`.

    A statement may take `statement_seconds`, unless the `options` have a `statement_timeout` of their own.
    Poolers refuse `options`; those that are not settings are left to libpq. The search path is that of the database or
    role unless it is among them, never what another client of a pooler left.
    """
    from psycopg.sql import Literal

    given = url.query.get("options", ())
    options = given if isinstance(given, str) else " ".join(given)
    settings = _SETTINGS | {"statement_timeout": f"{statement_seconds}s"}
    if not _OPTION.sub("", options).strip():
        settings |= {name: re.sub(r"\\(.)", r"\1", value) for name, value in _OPTION.findall(options)}
        url = url.difference_update_query(["options"])
    calls = (f"set_config({Literal(n).as_string()}, {Literal(v).as_string()}, true)" for n, v in settings.items())
    return f"set local search_path to default; select {', '.join(calls)}".replace("%", "%%"), url


def _after_password(text: str) -> str:
    """Return what SQLAlchemy reads after the password of a URL: a password ends at its first @."""
    return text.partition("://")[2].partition(":")[2].partition("@")[2]


def _with_hosts_in_query(text: str) -> str:
    """Move what libpq allows before the path, lists of hosts and folders of sockets, to where SQLAlchemy reads it.

    `postgresql://ann@db1:5432,db2/policies` becomes `postgresql://ann@/policies?host=db1,db2&port=5432,5432`.
    """
    scheme, _, rest = text.partition("://")
    user, at, tail = rest.rpartition("@")
    hosts, path = re.split(r"(?=[/?]|$)", tail, maxsplit=1)
    if scheme.partition("+")[0] not in _SCHEMES or not set(",%") & set(hosts):
        return text
    names, ports = (",".join(values) for values in zip(*map(_host_and_port, hosts.split(",")), strict=True))
    joint = "&" if "?" in path else "?"
    return f"{scheme}://{user}{at}{path if path.startswith('/') else '/' + path}{joint}host={names}&port={ports}"


def _host_and_port(text: str) -> tuple[str, str]:
    """Return the host, without the brackets of an IPv6 address, and its port."""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return host, port.removeprefix(":") or _DEFAULT_PORT
    host, _, port = text.partition(":")
    return host, port or _DEFAULT_PORT
