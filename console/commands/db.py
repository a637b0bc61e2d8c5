"""`router-policy db`: the database itself, beside what is kept in it."""

import sys
from typing import Annotated

import typer

from console.options import Config
from console.settings.file import load
from storage.schema.roles import role_statements
from storage.store import Store

command = typer.Typer(name="db", help="The database: who may do what.", no_args_is_help=True, add_completion=False)

_Apply = Annotated[bool, typer.Option("--apply", help="Run the statements, as the owner of the tables.")]


@command.callback()
def _group() -> None:
    """Make a group of the application, although one command only is registered in it."""


@command.command()
def roles(apply: _Apply = False, config: Config = None) -> None:
    """Print the statements that create the roles writer, router and analyst on Postgres."""
    settings = load(config)
    if not apply:
        sys.stdout.write("".join(f"{statement};\n" for statement in role_statements()))
        return
    with Store(settings.store.url) as store:
        store.apply_roles()
    sys.stdout.write("the roles are created; grant them to your own login roles\n")
