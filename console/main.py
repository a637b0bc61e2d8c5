"""The command `router-policy`: every subcommand in one glance; what each does stands in a module of its own.

Nothing heavy is imported here: a router's owner who asks for the latest policies does not wait for engines to load.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from console.errors import SettingsError
from policy.errors import RouterPolicyError

app = typer.Typer(
    name="router-policy",
    help="Maker first or straight taker? One small policy per symbol, computed on a schedule from a bot's own logs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time; write it as 2026-04-26T00:05:00Z") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


Config = Annotated[Path | None, typer.Option("--config", help="The settings file; else router-policy.toml here.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Symbol = Annotated[str, typer.Argument(help="The market, as the order log names it.")]
OneSymbol = Annotated[str | None, typer.Argument(help="The market, as the order log names it; all without it.")]
Since = Annotated[datetime | None, typer.Option(parser=_time, help="From this slot on; UTC without a zone.")]
AsOf = Annotated[
    datetime | None, typer.Option(parser=_time, help="The slot to compute; the newest of the schedule without it.")
]


@app.command()
def init(config: Config = None) -> None:
    """Write a settings file where there is none, and create or upgrade the store's schema."""
    from console.setup import initialize

    initialize(config)


@app.command()
def check(config: Config = None, as_json: AsJson = False) -> None:
    """Try every source, the database and the schedule; say what is wrong and how to mend it."""
    from console.check import check_all

    sys.exit(0 if check_all(config, as_json=as_json) else 1)


@app.command()
def once(as_of: AsOf = None, config: Config = None, as_json: AsJson = False) -> None:
    """Compute one slot now and publish it; a slot that is published already is left as it is."""
    from console.once import compute_once

    compute_once(config, as_of, as_json=as_json)


@app.command()
def run(config: Config = None) -> None:
    """Compute every slot of the schedule when it is due, until SIGTERM or Ctrl-C."""
    from console.scheduled import run_schedule

    run_schedule(config)


@app.command()
def latest(symbol: OneSymbol = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show the policies in force."""
    from console.show import show_latest

    show_latest(config, symbol, as_json=as_json)


@app.command()
def history(symbol: Symbol, since: Since = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show one symbol's policies, oldest first, each with the time that it was in force."""
    from console.show import show_history

    show_history(config, symbol, since, as_json=as_json)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where the demo keeps its log, candles and database.")] = Path("demo"),
    runs: Annotated[
        int | None, typer.Option(min=1, help="End after so many scheduled runs; 3 when not on a terminal.")
    ] = None,
) -> None:
    """Watch a simulated bot: its log and candles, three days of policies, and a schedule that keeps them fresh."""
    from console.demo import show_demo

    show_demo(folder, runs)


def main() -> None:
    """Run the command. Exit code 0: done; 1: failed; 2: used wrongly, settings included."""
    try:
        app()
    except SettingsError as error:
        _fail(error, 2)
    except RouterPolicyError as error:
        _fail(error, 1)
    except KeyboardInterrupt:
        _fail("stopped by Ctrl-C; nothing was left half done", 1)


def _fail(error: RouterPolicyError | str, code: int) -> None:
    sys.stderr.write(f"router-policy: {error}\n")
    sys.exit(code)
