"""The help of each command as people see it."""

import re
from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from console.main import COMMANDS, app

_SECTION = re.compile(r"\[[a-z_.]+\]")


def _texts(given: object) -> Iterator[str]:
    """Yield every text that a command brings to its help."""
    yield getattr(given, "help", None) or ""
    for parameter in getattr(given, "params", ()):
        yield getattr(parameter, "help", None) or ""
    if isinstance(given, TyperGroup):
        for inner in given.commands.values():
            yield from _texts(inner)


def _sections(name: str) -> set[str]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return {section for text in _texts(group.get_command(typer.Context(group), name)) for section in _find(text)}


def _find(text: str) -> list[str]:
    return _SECTION.findall(text.replace("\\[", "["))


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_loses_a_section_of_the_settings(name: str) -> None:
    """A bracketed word is markup to the library, unless it is escaped: it shows nothing."""
    shown = set(_find(CliRunner().invoke(app, [name, "--help"]).output))

    assert _sections(name) <= shown


def test_sections_are_named_in_some_help() -> None:
    assert {"[fees]"} == _sections("power")
    assert {"[notify]"} == _sections("notify")
