"""The command `router-policy`: its commands by name, and the exit codes.

`console/commands/NAME.py` is the command NAME. It is imported when the command is asked for: whoever asks for the
latest policies does not wait for engines to load.
"""

import errno
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer
from typer.core import TyperCommand, TyperGroup

from console.errors import SettingsError
from console.help import PlainCommand, PlainGroup
from console.options import Config
from console.terminal.errors import write_error
from console.terminal.text import open_nowhere, print_nowhere, write_any_text
from jobs.cycle_collector import exempt_what_is_loaded, without_collector
from policy.errors import RouterPolicyError

COMMANDS = (
    *("init", "check", "once", "run", "web"),
    *("latest", "history", "changes", "explain", "health", "drift", "compare", "costs", "power"),
    *("replay", "backtest", "export", "files"),
    *("verify", "head", "override", "backfill", "prune", "backup", "restore", "upgrade", "notify", "demo", "db"),
)
_RENAMED = {"outcome": "costs", "evaluate": "backtest"}
_WITHOUT_SETTINGS = ("demo", "files")
_INTERRUPTED = 130  # typer's exit code after Ctrl-C
_OUTPUT_CANNOT_GROW = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class Commands(PlainGroup):
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
        command.command(name, cls=PlainCommand)(function)
    loaded = typer.main.get_command(command)
    assert isinstance(loaded, TyperCommand | TyperGroup)
    return loaded


app = typer.Typer(
    cls=Commands,
    name="router-policy",
    help="Maker first or straight taker? One small policy per symbol, computed on a schedule from a bot's own logs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"router-policy {version('router-policy')}\n")
        raise typer.Exit


_Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def _group(context: typer.Context, config: Config = None, _version: _Version = False) -> None:
    """Take the options before the command; `console.options.Config` finds the settings file here."""
    source = context.get_parameter_source("config")
    if config is not None and source is not None and source.name == "COMMANDLINE":
        _require_settings(context.invoked_subcommand)


def _require_settings(name: str | None) -> None:
    if name in _WITHOUT_SETTINGS:
        raise SettingsError(f"{name} reads no settings; leave --config out")


def main() -> None:
    """Run the command. Exit code 0: done; 1: failed; 2: used wrongly, settings included.

    With `--json` an error is JSON too, on standard error.
    """
    sys.stdout = sys.stdout or open_nowhere()  # a process may be started without it
    write_any_text(sys.stdout)
    write_any_text(sys.stderr)
    try:
        _require_text(sys.argv)
        sys.exit(app(standalone_mode=not _wants_json()))
    except (RouterPolicyError, typer.TyperException, typer.Abort) as error:
        sys.exit(write_error(error, as_json=_wants_json()))
    except OSError as error:
        if error.filename is not None or error.errno not in _OUTPUT_CANNOT_GROW:
            raise
        print_nowhere()  # what is left would fail again
        _fail(f"the output cannot be written ({error.strerror or error})")
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            _fail("stopped by Ctrl-C; nothing was left half done")
        raise


def _wants_json() -> bool:
    return "--json" in sys.argv


def _require_text(arguments: Sequence[str]) -> None:
    for argument in arguments:
        if any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise SettingsError(f"{argument!a} is no text in the encoding of this locale")


def _fail(message: str) -> None:
    sys.exit(write_error(RouterPolicyError(message), as_json=_wants_json()))
