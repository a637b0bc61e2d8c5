"""Writes the reference of the commands from the commands themselves: arguments, options, defaults."""

from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import get_args

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from console.main import COMMANDS, app

_PLACEHOLDERS = ((Path, "PATH"), ((int, float), "NUMBER"), (str, "TEXT"))  # of options that name none
_HEAD = """\
# Commands

Every command of `router-policy`, as `router-policy NAME --help` shows it. An exit code of 0 is success, 1 a failure,
2 a wrong use, settings included.
"""


def commands_page() -> str:
    """Return the page in Markdown, with a section for each command in the order of the help."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    context = typer.Context(group)
    return "\n".join([_HEAD, *(line for name in COMMANDS for line in _section(name, group.get_command(context, name)))])


def _section(name: str, command: object) -> Iterator[str]:
    yield f"## {name}\n"
    if isinstance(command, TyperGroup) and command.commands:
        for inner_name, inner in command.commands.items():
            assert isinstance(inner, TyperCommand)
            yield f"### {name} {inner_name}\n"
            yield from _description(f"{name} {inner_name}", inner)
    elif isinstance(command, TyperCommand):
        yield from _description(name, command)


def _description(name: str, command: TyperCommand) -> Iterator[str]:
    arguments = [parameter for parameter in command.params if isinstance(parameter, TyperArgument)]
    options = [parameter for parameter in command.params if isinstance(parameter, TyperOption)]
    yield " ".join((command.help or "").split()) + "\n"
    words = [argument.name.upper() for argument in arguments]
    spelt = [word if argument.required else f"[{word}]" for word, argument in zip(words, arguments, strict=True)]
    yield f"```\nrouter-policy {' '.join([name, '[OPTIONS]', *spelt])}\n```\n"
    yield from ("| argument or option | meaning |", "|---|---|")
    yield from (f"| `{word}` | {_cell(argument)} |" for word, argument in zip(words, arguments, strict=True))
    yield from (f"| `{_spelling(option)}` | {_cell(option)} |" for option in options if not option.hidden)
    yield ""


def _spelling(option: TyperOption) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} {option.metavar or _placeholder(option.type_descriptor.annotation)}"


def _placeholder(annotation: object) -> str:
    """Return what stands for an option's value: a word for its type, or the words to choose from."""
    kind = next((kind for kind in get_args(annotation) if kind is not NoneType), annotation)
    assert isinstance(kind, type)
    if issubclass(kind, Enum):
        return "/".join(str(member.value) for member in kind)
    return next(word for python, word in _PLACEHOLDERS if issubclass(kind, python))


def _cell(parameter: TyperArgument | TyperOption) -> str:
    text = " ".join((parameter.help or "").split()).replace("|", "\\|")
    is_told = parameter.default in (None, False) or callable(parameter.default)
    is_told |= isinstance(parameter.default, timedelta)  # the help has it as people write it
    return text if is_told else f"{text} By default `{parameter.default}`."
