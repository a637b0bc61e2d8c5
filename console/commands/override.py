"""`router-policy override`: a person's own decision, in force for a while."""

import getpass
import sys
from datetime import timedelta
from typing import Annotated

import typer

from console.options import Config, SymbolArgument, parse_length
from console.override_limits import usual_bias, why_too_long
from console.settings.file import load
from console.settings.model import Settings
from console.terminal.routes import policy_words
from policy import TakerBias
from policy.time_text import iso
from storage.store import Store
from storage.write import overrides

_Reason = Annotated[str, typer.Option(help="Why; it stays in the history.")]
_Maker = Annotated[bool, typer.Option("--maker", help="The router tries maker first.")]
_Taker = Annotated[bool, typer.Option("--taker", help="The router goes straight to taker.")]
_Bias = Annotated[TakerBias | None, typer.Option(help="How patient; by default balanced for --maker.")]
_Length = Annotated[
    timedelta | None, typer.Option("--for", parser=parse_length, metavar="LENGTH", help="How long, as in 2h.")
]
_End = Annotated[bool, typer.Option("--end", help="End the override that is in force instead.")]
_Author = Annotated[str | None, typer.Option(help="Who decides; by default the login name.")]


def command(
    symbol: SymbolArgument,
    reason: _Reason,
    maker: _Maker = False,
    taker: _Taker = False,
    bias: _Bias = None,
    length: _Length = None,
    end: _End = False,
    author: _Author = None,
    config: Config = None,
) -> None:
    """Put your own decision in force for a while, at once for every reader; or end one early."""
    author = author or getpass.getuser()
    if end:
        if maker or taker or bias is not None or length is not None:
            raise typer.BadParameter("--end goes with --reason and --author only")
        _end(load(config), symbol, reason, author)
        return
    if maker == taker or length is None:
        raise typer.BadParameter("give either --maker or --taker, and --for how long; or --end")
    settings = load(config)
    if reason_not_to := why_too_long(length, settings.overrides.longest):
        raise typer.BadParameter(f"--for {reason_not_to}")
    _make(settings, symbol, reason, author, maker_first=maker, taker_bias=bias or usual_bias(maker), length=length)


def _make(
    settings: Settings,
    symbol: str,
    reason: str,
    author: str,
    *,
    maker_first: bool,
    taker_bias: TakerBias,
    length: timedelta,
) -> None:
    with Store(settings.store.url) as store, store.writing() as connection:
        override = overrides.make_override(
            connection,
            settings.scope,
            symbol,
            maker_first=maker_first,
            taker_bias=taker_bias,
            lasting=length,
            author=author,
            reason=reason,
        )
    words = policy_words(override.maker_first, override.taker_bias)
    sys.stdout.write(f"override {override.entry_id}: {symbol} goes {words}, until {iso(override.until_at)}\n")


def _end(settings: Settings, symbol: str, reason: str, author: str) -> None:
    with Store(settings.store.url) as store, store.writing() as connection:
        override = overrides.end_override(connection, settings.scope, symbol, author=author, reason=reason)
    sys.stdout.write(f"override {override.entry_id} of {symbol} is ended\n")
