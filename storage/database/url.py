"""Database URLs as people have them: the schemes and lists of hosts of libpq, and passwords that would be printed."""

import re

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_DEFAULT_PORT = "5432"
_SCHEMES = ("postgres", "postgresql")


class UrlError(ValueError):
    """A text that is not a usable database URL; the message holds no part of it."""


def read_url(text: str) -> URL:
    """Parse the URL of any database; one of Postgres may be written as for libpq, and gets the driver psycopg.

    Raises UrlError if it cannot be parsed, or if an @ in its password ends the password early: SQLAlchemy would take
    the rest of it for the name of the host, which is printed.
    """
    try:
        url = make_url(_with_hosts_in_query(text))
    except (ArgumentError, ValueError):  # the latter for a port that is not a number; it repeats a part of the text
        raise UrlError("cannot be read") from None
    if url.password is not None and "@" in _after_password(text):
        raise UrlError("has an @ in its password or after its host; write it as %40")
    return url.set(drivername=_driver(url.drivername))


def _driver(name: str) -> str:
    backend, _, driver = name.partition("+")
    return f"postgresql+{driver or 'psycopg'}" if backend in _SCHEMES else name


def _after_password(text: str) -> str:
    """Return what SQLAlchemy reads after the password of a URL: a password ends at its first @."""
    return text.partition("://")[2].partition(":")[2].partition("@")[2]


def _with_hosts_in_query(text: str) -> str:
    """Move what libpq allows before the path, lists of hosts and folders of sockets, to where SQLAlchemy reads it."""
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
