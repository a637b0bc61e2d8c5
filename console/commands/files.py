"""`router-policy files`: where the files lie that come with the program, for other programs to read."""

from pathlib import Path
from typing import Annotated

import typer

from console.errors import SettingsError
from console.terminal.text import print_lines

FOLDER = Path(__file__).parents[1] / "files"
_Name = Annotated[str | None, typer.Argument(help="The name of one of them; by default all.")]


def command(name: _Name = None) -> None:
    """Print the path of a file that comes with the program, such as datasette.yml for Datasette."""
    paths = sorted(path for path in FOLDER.iterdir() if path.is_file())
    if name is None:
        print_lines(map(str, paths))
        return
    path = next((path for path in paths if path.name == name), None)
    if path is None:
        raise SettingsError(f"no file {name!r} comes with the program; there are {', '.join(p.name for p in paths)}")
    print_lines([str(path)])
