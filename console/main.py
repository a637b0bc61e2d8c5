"""The command `router-policy`: every subcommand in one glance; what each does stands in a module of its own.

Nothing heavy is imported here: a router's owner who asks for the latest policies does not wait for engines to load.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from console.errors import SettingsError
from policy.enums import TakerBias
from policy.errors import RouterPolicyError

app = typer.Typer(
    name="router-policy",
    help="Maker first or straight taker? One small policy per symbol, computed on a schedule from a bot's own logs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
database = typer.Typer(help="The database: who may do what.", no_args_is_help=True)
app.add_typer(database, name="db")


_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # so late that no window before it begins before the calendar does


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter for the first hours of the year 1, east of Greenwich
        raise typer.BadParameter(f"{text!r} is no time; write it as 2026-04-26T00:05:00Z") from None
    if at < _EARLIEST:
        raise typer.BadParameter(f"{text!r} is too early; give a time from 1970 on")
    return at


Config = Annotated[Path | None, typer.Option("--config", help="The settings file; else router-policy.toml here.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Symbol = Annotated[str, typer.Argument(help="The market, as the order log names it.")]
OneSymbol = Annotated[str | None, typer.Argument(help="The market, as the order log names it; all without it.")]
Since = Annotated[datetime | None, typer.Option(parser=_time, help="From this slot on; UTC without a zone.")]
At = Annotated[datetime | None, typer.Option(parser=_time, help="The moment; now without it.")]
AsOf = Annotated[
    datetime | None, typer.Option(parser=_time, help="The slot to compute; the newest of the schedule without it.")
]


@app.command()
def init(config: Config = None) -> None:
    """Write a settings file where there is none, and create or upgrade the store's schema."""
    from console.commands.init import initialize

    initialize(config)


@app.command()
def check(config: Config = None, as_json: AsJson = False) -> None:
    """Try every source, the database and the schedule; say what is wrong and how to mend it."""
    from console.commands.check import check_all

    sys.exit(0 if check_all(config, as_json=as_json) else 1)


@app.command()
def once(as_of: AsOf = None, config: Config = None, as_json: AsJson = False) -> None:
    """Compute one slot now and publish it; a slot that is published already is left as it is."""
    from console.commands.once import compute_once

    compute_once(config, as_of, as_json=as_json)


Host = Annotated[str, typer.Option(help="Where the console listens; 127.0.0.1 is this machine alone.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")]
WithoutToken = Annotated[
    bool, typer.Option("--without-token", help="Let everyone who reaches the host read; else it takes web.token.")
]


@app.command()
def run(
    context: typer.Context,
    web: Annotated[bool, typer.Option("--web", help="Serve the console too; the options below are for it.")] = False,
    host: Host = "127.0.0.1",
    port: Port = 8765,
    without_token: WithoutToken = False,
    config: Config = None,
) -> None:
    """Compute every slot of the schedule when it is due, until SIGTERM or Ctrl-C."""
    from console.commands.run import run_schedule

    if not web:
        _refuse_options_of_web(context)
        run_schedule(config)
        return
    from console.commands.web import address_of

    run_schedule(config, address_of(host, port, without_token))


def _refuse_options_of_web(context: typer.Context) -> None:
    options = {"host": "--host", "port": "--port", "without_token": "--without-token"}
    given = [option for name, option in options.items() if _is_given(context, name)]
    if given:
        raise typer.BadParameter(f"{', '.join(given)}: only with --web")


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@app.command()
def web(
    host: Host = "127.0.0.1", port: Port = 8765, without_token: WithoutToken = False, config: Config = None
) -> None:
    """Serve the console: pages for people, an API for programs, figures for Prometheus; until Ctrl-C."""
    from console.commands.web import serve_console

    serve_console(config, host, port, without_token)


@app.command()
def latest(symbol: OneSymbol = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show the policies in force."""
    from console.commands.latest import show_latest

    show_latest(config, symbol, as_json=as_json)


@app.command()
def history(symbol: Symbol, since: Since = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show one symbol's policies, oldest first, each with the time that it was in force."""
    from console.commands.latest import show_history

    show_history(config, symbol, since, as_json=as_json)


@app.command()
def explain(symbol: Symbol, at: At = None, config: Config = None, as_json: AsJson = False) -> None:
    """Say why a policy is what it is: each rule with its figure and threshold, the counts, and the change before."""
    from console.commands.explain import explain as explain_policy

    explain_policy(config, symbol, at, as_json=as_json)


@app.command()
def health(symbol: OneSymbol = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show how the router fares, the worst symbol first, with what to look at; or one symbol in detail."""
    from console.commands.health import show_health

    show_health(config, symbol, as_json=as_json)


@app.command()
def drift(
    since: Annotated[
        datetime | None,
        typer.Option(parser=_time, help="Orders from this time on; without it seven days before the newest slot."),
    ] = None,
    tolerance: Annotated[
        str, typer.Option(help="How long after a change an order may still go by what was before, as in 60s.")
    ] = "60s",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show orders that were not sent as the policy of their time would have it, by symbol, with examples."""
    from console.commands.drift import show_drift

    show_drift(config, since, tolerance, as_json=as_json)


@app.command()
def compare(since: Since = None, config: Config = None, as_json: AsJson = False) -> None:
    """Hold the live rule set against each in its shadow: where they differ, flips, and the hours around an outage."""
    from console.commands.compare import show_comparison

    show_comparison(config, since, as_json=as_json)


@app.command()
def outcome(
    since: Annotated[
        datetime | None,
        typer.Option(parser=_time, help="Orders from this time on; without it seven days before the newest slot."),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show what the orders of the log really cost, by the way they went and the policy that was in force."""
    from console.commands.costs import show_costs

    show_costs(config, since, as_json=as_json)


@app.command()
def replay(
    rules: Annotated[Path, typer.Option(help="A TOML file with the name of a rule set and its [parameters].")],
    since: Since = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Decide the past again by other rules, on the evidence as it was stored; nothing is written."""
    from console.commands.replay import show_replay

    show_replay(config, rules, since, as_json=as_json)


@app.command()
def evaluate(
    orders_per_day: Annotated[
        float | None, typer.Option(min=0.01, max=10_000, help="Of each symbol; as in the order log without it.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(parser=_time, help="Candles and orders from this time on; all without it.")
    ] = None,
    offset_bps: Annotated[float, typer.Option(min=0, max=1000, help="The maker price, from that at arrival.")] = 1.0,
    wait_bars: Annotated[int, typer.Option(min=1, max=1000, help="The full wait at the maker price.")] = 4,
    impact_bps: Annotated[float, typer.Option(min=0, max=1000, help="What crossing moves the price.")] = 0.5,
    half_spread_bps: Annotated[
        float | None, typer.Option(min=0, max=1000, help="Of every market; what the candles show without it.")
    ] = None,
    outage: Annotated[str | None, typer.Option(help="Put outages of maker fills in, as long as 6h.")] = None,
    outages: Annotated[int | None, typer.Option(min=1, max=1000, help="How many of them in each run.")] = None,
    outage_penalty_bps: Annotated[
        float, typer.Option(min=0, max=1000, help="What a late crossing costs more in an outage.")
    ] = 5.0,
    outage_misses: Annotated[float, typer.Option(min=0, max=1, help="Share of maker orders that miss in one.")] = 0.97,
    venue_wide: Annotated[bool, typer.Option("--venue-wide", help="Outages strike all symbols at once.")] = False,
    rejects: Annotated[bool, typer.Option("--rejects", help="In an outage the venue refuses maker orders.")] = False,
    runs: Annotated[int, typer.Option(min=1, max=1000, help="How often orders are drawn anew.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same orders.")] = 1,
    picture: Annotated[Path | None, typer.Option(help="Draw it to this .png or .svg file too.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Work out what each policy would have cost on your own candles, and which differences are within noise."""
    from console.commands.backtest import BacktestOptions, show_backtest

    choice = BacktestOptions(
        since=since,
        orders_per_day=orders_per_day,
        offset_bps=offset_bps,
        wait_bars=wait_bars,
        impact_bps=impact_bps,
        half_spread_bps=half_spread_bps,
        outage=outage,
        outage_count=outages,
        outage_penalty_bps=outage_penalty_bps,
        outage_miss_share=outage_misses,
        is_venue_wide=venue_wide,
        is_rejected=rejects,
        run_count=runs,
        seed=seed,
    )
    show_backtest(config, choice, picture, as_json=as_json)


@app.command()
def verify(
    anchor: Annotated[
        str | None, typer.Option(help="A digest that was kept elsewhere: it must still be there.")
    ] = None,
    config: Config = None,
) -> None:
    """Check that nothing that was published has changed, and derive every decision again."""
    from console.commands.history import verify_history

    verify_history(config, anchor)


@app.command()
def head(config: Config = None) -> None:
    """Print the digest of the newest entry of the history: keep it elsewhere, for `verify --anchor`."""
    from console.commands.history import print_head

    print_head(config)


@app.command()
def override(
    symbol: Symbol,
    reason: Annotated[str, typer.Option(help="Why; it stays in the history.")],
    maker: Annotated[bool, typer.Option("--maker", help="The router is to try maker first.")] = False,
    taker: Annotated[bool, typer.Option("--taker", help="The router is to go straight to taker.")] = False,
    bias: Annotated[TakerBias | None, typer.Option(help="How patient; by default balanced for --maker.")] = None,
    lasting: Annotated[str | None, typer.Option("--for", help="How long, as in 2h.")] = None,
    end: Annotated[bool, typer.Option("--end", help="End the override that is in force instead.")] = False,
    author: Annotated[str | None, typer.Option(help="Who decides; the login name without it.")] = None,
    config: Config = None,
) -> None:
    """Put your own decision in force for a while, at once for every reader; or end one early."""
    from console.commands.history import end_override, put_override

    if end:
        if maker or taker or bias is not None or lasting is not None:
            raise typer.BadParameter("--end goes with --reason and --author only")
        end_override(config, symbol, reason=reason, author=author)
        return
    if maker == taker or lasting is None:
        raise typer.BadParameter("say either --maker or --taker, and --for how long; or --end")
    put_override(config, symbol, maker_first=maker, bias=bias, lasting=lasting, reason=reason, author=author)


@app.command()
def backfill(
    start: Annotated[datetime, typer.Option("--from", parser=_time, help="The first slot, inclusive.")],
    end: Annotated[datetime, typer.Option("--to", parser=_time, help="The end, exclusive.")],
    every: Annotated[str | None, typer.Option(help="A step, as in 1h; the slots of the schedule without it.")] = None,
    config: Config = None,
) -> None:
    """Compute past slots from the sources; what is published already is left as it is. Can be interrupted."""
    from console.commands.history import fill_back

    fill_back(config, start, end, every)


@app.command()
def prune(
    keep: Annotated[str, typer.Option(help="How long runs are kept, as in 400d.")], config: Config = None
) -> None:
    """Remove the oldest runs, whole ones only, in small batches; the rest still verifies."""
    from console.commands.history import prune_history

    prune_history(config, keep)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to make; it must not be there yet.")], config: Config = None
) -> None:
    """Copy the store to a SQLite file while runs go on, and verify the copy."""
    from console.commands.backup import make_backup

    make_backup(config, file)


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A file that backup made.")], config: Config = None) -> None:
    """Fill the store of the settings, which must be empty, from a backup."""
    from console.commands.backup import restore_backup

    restore_backup(config, file)


@database.command()
def roles(
    apply: Annotated[bool, typer.Option("--apply", help="Run the statements, as the owner of the tables.")] = False,
    config: Config = None,
) -> None:
    """Print the statements that make the roles writer, router and analyst on Postgres."""
    from console.commands.backup import show_roles

    show_roles(config, apply=apply)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where the demo keeps its log, candles and database.")] = Path("demo"),
    runs: Annotated[
        int | None, typer.Option(min=1, help="End after so many scheduled runs; 3 when not on a terminal.")
    ] = None,
) -> None:
    """Watch a simulated bot: its log and candles, three days of policies, and a schedule that keeps them fresh."""
    from console.commands.demo import show_demo

    show_demo(folder, runs)


_INTERRUPTED = 130  # what typer makes of Ctrl-C


def main() -> None:
    """Run the command. Exit code 0: done; 1: failed; 2: used wrongly, settings included."""
    try:
        app()
    except SettingsError as error:
        _fail(error, 2)
    except RouterPolicyError as error:
        _fail(error, 1)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            _fail("stopped by Ctrl-C; nothing was left half done", 1)
        raise


def _fail(error: RouterPolicyError | str, code: int) -> None:
    sys.stderr.write(f"router-policy: {error}\n")
    sys.exit(code)
