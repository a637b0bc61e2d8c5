"""`router-policy db`: the database itself, beside what is kept in it."""

import sys
from typing import Annotated

import typer

from console.options import Config
from console.settings.file import load
from storage.schema.roles import role_statements, router_login_statements
from storage.store import Store

command = typer.Typer(name="db", help="The database: who may do what.", no_args_is_help=True, add_completion=False)

_Apply = Annotated[bool, typer.Option("--apply", help="Run the statements, as the owner of the tables.")]

_RouterLogin = Annotated[
    str | None, typer.Option(help="A login role for routers too, made if it is not there; it reads policy_latest.")
]
_ConnectionLimit = Annotated[int, typer.Option(min=1, help="How many connections the login role of routers may have.")]


@command.callback()
def _group() -> None:
    """Make a group of the application, although one command only is registered in it."""


@command.command()
def roles(
    apply: _Apply = False,
    router_login: _RouterLogin = None,
    connection_limit: _ConnectionLimit = 20,
    config: Config = None,
) -> None:
    """Print the statements that create the roles writer, router and analyst on Postgres."""
    settings = load(config)
    more = [] if router_login is None else list(router_login_statements(router_login, connection_limit))
    if not apply:
        sys.stdout.write("".join(f"{statement};\n" for statement in (*role_statements(), *more)))
        return
    with Store(settings.store.url) as store:
        store.apply_roles(more)
    sys.stdout.write("the roles are created; grant them to your own login roles\n")
