"""`router-policy changes`: what happened, as one timeline."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from console.not_found import no_policy, store_to_read
from console.options import AsJson, Config, OptionalSymbolArgument, SlotsSince
from console.records.event_records import EventRecord
from console.settings.file import load
from console.terminal.table import plain_table, print_table
from console.terminal.text import print_lines, print_page
from policy.activity_kind import ActivityKind
from policy.time_text import iso
from storage.read.events import Event, EventFilter, events
from storage.read.pages import PageBounds
from storage.read.policies import first_run
from storage.records import PublishedRun

_HEADS = ("when", "what", "symbol", "now and before", "why")
_Kinds = Annotated[
    list[ActivityKind] | None, typer.Option("--kind", help="Only this kind; may be given several times.")
]
_Limit = Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many, and all of the oldest's moment.")]


def command(
    symbol: OptionalSymbolArgument = None,
    since: SlotsSince = None,
    kind: _Kinds = None,
    limit: _Limit = 50,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show what happened, the newest first: decisions, overrides, rules, missing runs and prunes."""
    settings = load(config)
    wanted = EventFilter(kinds=kind or (), symbol=symbol)
    with store_to_read(settings.store.url) as store:
        with store.reading() as connection:
            shown = events(connection, settings.scope, PageBounds(since=since, limit=limit), wanted)
            first = first_run(connection, settings.scope)
        if first is None and not shown:
            raise no_policy(store, settings.scope)
    if as_json:
        print_page(EventRecord.of(event) for event in shown)
        return
    if not shown:
        is_whole = not (symbol or since or kind)
        print_lines([_unchanged(first) if first and is_whole else "nothing of the kind happened in this time"])
        return
    print_lines(["what happened, the newest first:"])
    print_table(plain_table(_HEADS, _rows(shown), text_columns=range(len(_HEADS))))


def _unchanged(first: PublishedRun) -> str:
    return f"nothing has changed since the first run ({iso(first.slot)}) in scope {first.scope!r}"


def _rows(shown: Sequence[Event]) -> Iterator[tuple[str, ...]]:
    for event in shown:
        run = f"run {event.run_id}: " if event.run_id is not None else ""
        by = f"{event.author}: " if event.author is not None else ""
        why = f"{run}{by}{event.reason or ''}".removesuffix(": ")
        yield (iso(event.at) or "", event.kind.replace("_", " "), event.symbol or "all", event.what, why)
