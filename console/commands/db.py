"""`router-policy db`: the database itself, beside what is kept in it."""

from typing import Annotated

import typer

from console.errors import SettingsError
from console.help import PlainCommand, PlainGroup
from console.options import AsJson, Config
from console.settings.file import load
from console.terminal.text import print_lines, print_record
from storage.database.engine import parse_url
from storage.schema.roles import role_statements, router_login_statements
from storage.store import Store

command = typer.Typer(
    cls=PlainGroup, name="db", help="The database: who may do what.", no_args_is_help=True, add_completion=False
)

_Apply = Annotated[bool, typer.Option("--apply", help="Run the statements, as the owner of the tables.")]

_RouterLogin = Annotated[
    str | None, typer.Option(help="A login role for routers too, made if it is not there; it reads policy_latest.")
]
_ConnectionLimit = Annotated[int, typer.Option(min=1, help="How many connections the login role of routers may have.")]


@command.callback()
def _group() -> None:
    """Make a group of the application, although one command only is registered in it."""


@command.command(cls=PlainCommand)
def roles(
    apply: _Apply = False,
    router_login: _RouterLogin = None,
    connection_limit: _ConnectionLimit = 20,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Print the statements that create the roles writer, router and analyst on Postgres."""
    settings = load(config)
    _require_postgres(settings.store.url)
    more = [] if router_login is None else list(router_login_statements(router_login, connection_limit))
    if apply:
        with Store(settings.store.url) as store:
            store.apply_roles(more)
    statements = [f"{statement};" for statement in (*role_statements(), *more)]
    if as_json:
        print_record({"statements": statements, "is_applied": apply})
        return
    print_lines(["the roles are created; grant them to your own login roles"] if apply else statements)


def _require_postgres(url: str) -> None:
    """Refuse a file: whoever may open it may read it, and whoever may write to it may write all of it."""
    if parse_url(url).get_backend_name() != "postgresql":
        raise SettingsError(
            "db roles needs Postgres, and store.url is a SQLite file; who may read and write a file is decided by its "
            "permissions"
        )
