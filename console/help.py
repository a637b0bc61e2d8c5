"""How the help of a command shows its options: a flag stands without a type, since it takes no value."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from typer.core import TyperCommand, TyperGroup, TyperOption

if TYPE_CHECKING:
    from typer._click.core import Context, Parameter  # the library exports no other names for them


class PlainCommand(TyperCommand):
    """A command with such a help."""

    def get_params(self, ctx: "Context") -> list["Parameter"]:
        """Return the parameters, flags without a type."""
        return _without_types_of_flags(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """A group of commands with such a help."""

    def get_params(self, ctx: "Context") -> list["Parameter"]:
        """Return the parameters, flags without a type."""
        return _without_types_of_flags(super().get_params(ctx))


def _without_types_of_flags(parameters: Iterable["Parameter"]) -> list["Parameter"]:
    shown = list(parameters)
    for parameter in shown:
        if isinstance(parameter, TyperOption) and parameter.is_flag:
            parameter.metavar = ""
    return shown
