"""The command `router-policy`: its commands by name, and the exit codes.

`console/commands/NAME.py` is the command NAME. It is imported when the command is asked for: whoever asks for the
latest policies does not wait for engines to load.
"""

import errno
import sys
from collections.abc import Sequence
from importlib import import_module

import typer
from typer.core import TyperCommand, TyperGroup

from console.errors import SettingsError
from console.terminal.text import open_nowhere, print_nowhere, write_any_text
from jobs.cycle_collector import exempt_what_is_loaded, without_collector
from policy.errors import RouterPolicyError

COMMANDS = (
    *("init", "check", "once", "run", "web"),
    *("latest", "history", "explain", "health", "drift", "compare", "costs", "power"),
    *("replay", "backtest", "export"),
    *("verify", "head", "override", "backfill", "prune", "backup", "restore", "demo", "db"),
)
_RENAMED = {"outcome": "costs", "evaluate": "backtest"}
_INTERRUPTED = 130  # typer's exit code after Ctrl-C
_OUTPUT_CANNOT_GROW = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class Commands(TyperGroup):
    """The commands in the order of COMMANDS, each imported when it is asked for."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - the library names the parameters
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand | TyperGroup | None:  # noqa: ARG002
        """Return a command, None for an unknown name. Raises SettingsError for a name that a command once had."""
        if cmd_name in _RENAMED:
            name = _RENAMED[cmd_name]
            raise SettingsError(f"{cmd_name} is now {name}: run router-policy {name}")
        if cmd_name in COMMANDS:
            return _load(cmd_name)
        self.commands = {name: _load(name) for name in COMMANDS}  # the library suggests the nearest of these
        return None


def _load(name: str) -> TyperCommand | TyperGroup:
    with without_collector():
        command = import_module(f"console.commands.{name}").command
        exempt_what_is_loaded()
    if not isinstance(command, typer.Typer):
        function, command = command, typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        command.command(name)(function)
    loaded = typer.main.get_command(command)
    assert isinstance(loaded, TyperCommand | TyperGroup)
    return loaded


app = typer.Typer(
    cls=Commands,
    name="router-policy",
    help="Maker first or straight taker? One small policy per symbol, computed on a schedule from a bot's own logs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _group() -> None:
    """Make a group of the application, although no command is registered in it."""


def main() -> None:
    """Run the command. Exit code 0: done; 1: failed; 2: used wrongly, settings included."""
    sys.stdout = sys.stdout or open_nowhere()  # a process may be started without it
    write_any_text(sys.stdout)
    write_any_text(sys.stderr)
    try:
        _require_text(sys.argv)
        app()
    except SettingsError as error:
        _fail(error, 2)
    except RouterPolicyError as error:
        _fail(error, 1)
    except OSError as error:
        if error.filename is not None or error.errno not in _OUTPUT_CANNOT_GROW:
            raise
        print_nowhere()  # what is left would fail again
        _fail(f"the output cannot be written ({error.strerror or error})", 1)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            _fail("stopped by Ctrl-C; nothing was left half done", 1)
        raise


def _require_text(arguments: Sequence[str]) -> None:
    for argument in arguments:
        if any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise SettingsError(f"{argument!a} is no text in the encoding of this locale")


def _fail(error: RouterPolicyError | str, code: int) -> None:
    sys.stderr.write(f"router-policy: {error}\n")
    sys.exit(code)
