"""`router-policy demo`: the demo of a simulated bot. Its modules need the client, which its help does not."""

from pathlib import Path
from typing import Annotated

import typer

_Folder = Annotated[Path, typer.Argument(help="Where the demo keeps its log, candles and database.")]
_Runs = Annotated[
    int | None, typer.Option(min=1, help="End after so many scheduled runs; by default 3 if this is not a terminal.")
]


_Port = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="The console's port; by default 8765, or any if that is taken."),
]


def command(folder: _Folder = Path("demo"), runs: _Runs = None, port: _Port = None) -> None:
    """Watch a simulated bot: its log and candles, three days of policies, and a schedule that keeps them fresh."""
    from console.demo import show_demo

    show_demo(folder, runs, port)
