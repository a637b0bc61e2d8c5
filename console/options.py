"""The options and arguments that commands share, each described once."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from console.settings.duration import parse_duration

CONFIG_VARIABLE = "ROUTER_POLICY_CONFIG"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_AGO = re.compile(r"[0-9]+[a-z]", flags=re.ASCII)
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


def parse_start(text: str) -> datetime:
    """Read where a span begins: a time as `parse_time` does, or how long ago as the settings do, as in 24h.

    Raises typer.BadParameter.
    """
    if _AGO.fullmatch(text) is None:
        return parse_time(text)
    start = datetime.now(UTC) - parse_length(text)
    if start < _EARLIEST:
        raise typer.BadParameter(f"{text!r} ago is too early; give a time from 1970 on")
    return start


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


def _config_given(context: typer.Context, config: Path | None) -> Path | None:
    """Return the settings file that was named: after the command, else before it, else in the environment."""
    variable = os.environ.get(CONFIG_VARIABLE)
    return config or context.find_root().params.get("config") or (Path(variable) if variable else None)


Config = Annotated[
    Path | None,
    typer.Option(
        *("--config", "-c"),
        metavar="FILE",
        callback=_config_given,
        help=f"The settings file; by default {CONFIG_VARIABLE} in the environment, else router-policy.toml here.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
SymbolArgument = Annotated[str, typer.Argument(help="The market, as in the order log.")]
OptionalSymbolArgument = Annotated[str | None, typer.Argument(help="The market, as in the order log; by default all.")]
SlotsSince = Annotated[
    datetime | None,
    typer.Option(
        parser=parse_start, metavar="TIME", help="From this slot on, as 24h ago or a time; UTC without a zone."
    ),
]
OrdersSince = Annotated[
    datetime | None,
    typer.Option(
        parser=parse_start,
        metavar="TIME",
        help="Orders from this time on, a time or 24h ago; by default seven days before the newest slot.",
    ),
]
Host = Annotated[str, typer.Option(help="The address on which the console listens; 127.0.0.1 is this machine alone.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The console's port; 0 takes any free one.")]
WithoutToken = Annotated[
    bool, typer.Option("--without-token", help="Let everyone who reaches the host read, without web.token.")
]
