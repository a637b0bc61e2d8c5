"""The options and arguments that commands share, each described once."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from console.settings.duration import parse_duration

_DIGEST = re.compile(r"[0-9a-f]{64}")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # so late that no window before it begins before the calendar does


def parse_time(text: str) -> datetime:
    """Read a time in ISO 8601, in UTC if it names no zone. Raises typer.BadParameter, also for a time before 1970."""
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter for the first hours of the year 1, east of Greenwich
        raise typer.BadParameter(f"invalid time {text!r}; write it as 2026-04-26T00:05:00Z") from None
    if at < _EARLIEST:
        raise typer.BadParameter(f"{text!r} is too early; give a time from 1970 on")
    return at


def parse_digest(text: str) -> str:
    """Read a digest as `router-policy head` prints it, in small or capital letters. Raises typer.BadParameter."""
    digest = text.strip().lower()
    if _DIGEST.fullmatch(digest) is None:
        raise typer.BadParameter(
            f"{text!r} is not a valid digest; give the 64 hexadecimal digits that router-policy head printed"
        )
    return digest


def parse_length(length: str | timedelta) -> timedelta:
    """Read a length of time as the settings do; a default is parsed already. Raises typer.BadParameter."""
    if isinstance(length, timedelta):
        return length
    try:
        return parse_duration(length)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Config = Annotated[Path | None, typer.Option("--config", help="The settings file; by default router-policy.toml here.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
SymbolArgument = Annotated[str, typer.Argument(help="The market, as in the order log.")]
OptionalSymbolArgument = Annotated[str | None, typer.Argument(help="The market, as in the order log; by default all.")]
SlotsSince = Annotated[datetime | None, typer.Option(parser=parse_time, help="From this slot on; UTC without a zone.")]
OrdersSince = Annotated[
    datetime | None,
    typer.Option(parser=parse_time, help="Orders from this time on; by default seven days before the newest slot."),
]
Host = Annotated[str, typer.Option(help="The address on which the console listens; 127.0.0.1 is this machine alone.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The console's port; 0 takes any free one.")]
WithoutToken = Annotated[
    bool, typer.Option("--without-token", help="Let everyone who reaches the host read, without web.token.")
]
