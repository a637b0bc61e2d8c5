"""What freqtrade's own configuration says: its database, how orders are sent, and how long they wait."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from jobs.sources.bots.candle_files import freqtrade_timeframe

# freqtrade allows comments and trailing commas in its JSON.
_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
_DATABASES = ("tradesv3*.sqlite", "*/tradesv3*.sqlite")
_CONFIGURATIONS = ("config*.json", "user_data/config*.json", "*/config*.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class FreqtradeSettings:
    """What matters of a configuration; None means that it does not say."""

    is_post_only: bool | None = None
    timeframe: timedelta | None = None
    remarks: Sequence[str] = ()


def database_url_of(folder: Path) -> str | None:
    """Return the URL of freqtrade's database by its configuration, else of the newest file with its usual name."""
    url = _configuration(folder).get("db_url")
    if isinstance(url, str) and not url.startswith("sqlite"):
        return url
    below = url.removeprefix("sqlite:///") if isinstance(url, str) else None
    named = [each / below for each in (folder, folder.parent)] if below else []
    usual = [path for pattern in _DATABASES for path in folder.glob(pattern)]
    usual.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return next((f"sqlite:///{path.absolute()}" for path in (*named, *usual) if path.is_file()), None)


def settings_of(folder: Path) -> FreqtradeSettings:
    """Return what the configuration in a folder, or in one beside user_data, says."""
    configuration = _configuration(folder)
    time_in_force = configuration.get("order_time_in_force")
    timeframe = configuration.get("timeframe")
    return FreqtradeSettings(
        is_post_only=str(time_in_force.get("exit")).upper() == "PO" if isinstance(time_in_force, dict) else None,
        timeframe=freqtrade_timeframe(f"A_B-{timeframe}.feather") if isinstance(timeframe, str) else None,
        remarks=_remarks(configuration),
    )


def _remarks(configuration: Mapping[str, Any]) -> Sequence[str]:
    remarks = []
    time_in_force, timeout = configuration.get("order_time_in_force"), configuration.get("unfilledtimeout")
    if isinstance(time_in_force, dict):
        words = ", ".join(f"{way} {word}" for way, word in time_in_force.items())
        remarks.append(f"order_time_in_force of the configuration: {words}")
    if isinstance(timeout, dict):
        unit = timeout.get("unit", "minutes")
        times = ", ".join(f"{way} {timeout[way]} {unit}" for way in ("entry", "exit") if way in timeout)
        remarks.append(f"an order that is not filled is cancelled after: {times}")
        count = timeout.get("exit_timeout_count")
        if isinstance(count, int) and count > 0:
            remarks.append(f"an exit crosses, as an emergency exit, after {count} of these times")
    if configuration.get("dry_run") is True:
        remarks.append("the configuration is of a dry run: fills are simulated")
    return remarks


def _configuration(folder: Path) -> Mapping[str, Any]:
    """Return the first configuration in or beside a folder; empty if there is none that can be read."""
    folders = (folder, folder.parent) if folder.name == "user_data" else (folder,)
    for path in (path for each in folders for pattern in _CONFIGURATIONS for path in sorted(each.glob(pattern))):
        values = _read(path)
        if "exchange" in values or "stake_currency" in values:
            return values
    return {}


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = _COMMENT.sub(lambda match: match[1] or "", path.read_text("utf-8-sig"))
        values = json.loads(_TRAILING_COMMA.sub("", text))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
