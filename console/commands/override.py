"""`router-policy override`: a person's own decision, in force for a while."""

import getpass
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from console.not_found import store_to_read
from console.options import AsJson, Config, OptionalSymbolArgument, parse_length
from console.override_limits import usual_bias, why_too_long
from console.settings.file import load
from console.settings.model import Settings
from console.terminal.routes import policy_words
from console.terminal.table import plain_table, print_table
from console.terminal.text import print_page, print_record
from policy import TakerBias
from policy.time_text import iso
from storage.read.overrides import override_by_id, override_history
from storage.read.pages import PageBounds
from storage.store import Store
from storage.write import overrides

if TYPE_CHECKING:
    from console.records.override_records import OverrideHistoryRecord

_MOST_LISTED = 10_000
_HEADS = ("number", "symbol", "state", "policy", "from", "until", "who and why")

_Reason = Annotated[str | None, typer.Option(help="Why; it stays in the history.")]
_Maker = Annotated[bool, typer.Option("--maker", help="The router tries maker first.")]
_Taker = Annotated[bool, typer.Option("--taker", help="The router goes straight to taker.")]
_Bias = Annotated[TakerBias | None, typer.Option(help="How patient; by default balanced for --maker.")]
_Length = Annotated[
    timedelta | None, typer.Option("--for", parser=parse_length, metavar="LENGTH", help="How long, as in 2h.")
]
_List = Annotated[bool, typer.Option("--list", help="List the overrides of a symbol, or of all, the newest first.")]
_End = Annotated[bool, typer.Option("--end", help="End the override that is in force instead.")]
_Author = Annotated[str | None, typer.Option(help="Who decides; by default the login name.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """What the router does instead, and how patiently."""

    maker_first: bool
    taker_bias: TakerBias


def command(
    symbol: OptionalSymbolArgument = None,
    reason: _Reason = None,
    maker: _Maker = False,
    taker: _Taker = False,
    bias: _Bias = None,
    length: _Length = None,
    end: _End = False,
    author: _Author = None,
    listed: _List = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Put your own decision in force for a while, at once for every reader; end one early; or list them."""
    if listed:
        if any((reason, maker, taker, bias, length, end, author)):
            raise typer.BadParameter("--list goes with a symbol only")
        _list(load(config), symbol, as_json=as_json)
        return
    if symbol is None:
        raise typer.BadParameter("give a symbol; or --list")
    if reason is None:
        raise typer.BadParameter("give --reason, why: it stays in the history")
    author = author or getpass.getuser()
    if end:
        if maker or taker or bias is not None or length is not None:
            raise typer.BadParameter("--end goes with --reason and --author only")
        _end(load(config), symbol, reason, author, as_json=as_json)
        return
    if maker == taker or length is None:
        raise typer.BadParameter("give either --maker or --taker, and --for how long; or --end")
    settings = load(config)
    if reason_not_to := why_too_long(length, settings.overrides.longest):
        raise typer.BadParameter(f"--for {reason_not_to}")
    route = _Route(maker_first=maker, taker_bias=bias or usual_bias(maker))
    _make(settings, symbol, reason, author, route=route, length=length, as_json=as_json)


def _list(settings: Settings, symbol: str | None, *, as_json: bool) -> None:
    """Print every override, the newest first, as /v1/overrides has them."""
    from console.records.override_records import override_records

    with store_to_read(settings.store.url) as store:
        now = store.now()
        with store.reading() as connection:
            made = override_history(connection, settings.scope, PageBounds(limit=_MOST_LISTED), symbol=symbol)
            records = override_records(connection, settings.scope, made, now)
    if as_json:
        print_page(records)
        return
    print_table(plain_table(_HEADS, map(_cells, records), text_columns=range(len(_HEADS))))


def _cells(made: "OverrideHistoryRecord") -> tuple[str, ...]:
    route = policy_words(made.maker_first, made.taker_bias)
    ended = f" (ended by {made.end_author}: {made.end_reason})" if made.end_author is not None else ""
    span = (iso(made.from_at), iso(made.to_at))
    return (str(made.override_id), made.symbol, made.state, route, *span, f"{made.author}: {made.reason}{ended}")


def _make(
    settings: Settings,
    symbol: str,
    reason: str,
    author: str,
    *,
    route: _Route,
    length: timedelta,
    as_json: bool,
) -> None:
    with Store(settings.store.url) as store:
        with store.writing() as connection:
            made = overrides.make_override(
                connection,
                settings.scope,
                symbol,
                maker_first=route.maker_first,
                taker_bias=route.taker_bias,
                lasting=length,
                author=author,
                reason=reason,
            )
        if as_json:
            _print_record(store, settings.scope, made.entry_id)
            return
    words = policy_words(route.maker_first, route.taker_bias)
    sys.stdout.write(f"override {made.entry_id}: {symbol} goes {words}, until {iso(made.until_at)}\n")


def _end(settings: Settings, symbol: str, reason: str, author: str, *, as_json: bool) -> None:
    with Store(settings.store.url) as store:
        with store.writing() as connection:
            ended = overrides.end_override(connection, settings.scope, symbol, author=author, reason=reason)
        if as_json:
            _print_record(store, settings.scope, ended.entry_id)
            return
    sys.stdout.write(f"override {ended.entry_id} of {symbol} is ended\n")


def _print_record(store: Store, scope: str, override_id: int) -> None:
    from console.records.override_records import override_records

    now = store.now()
    with store.reading() as connection:
        period = override_by_id(connection, scope, override_id)
        assert period is not None  # it has just been written
        print_record(override_records(connection, scope, [period], now)[0])
