"""`router-policy init`: a settings file to start from, and the store's schema."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from console.errors import SettingsError
from console.options import AsJson, Config
from console.records.preview_record import preview_record
from console.settings.draft import RULES, draft
from console.settings.file import FILE_NAME, load
from console.settings.plan import plan_of
from console.terminal.preview import print_preview
from console.terminal.text import print_lines, print_record
from jobs.analysis.preview import DataEnd, Preview, find_data_end, preview_policies
from jobs.analysis.recognition import recognise
from policy.errors import RouterPolicyError
from policy.time_text import iso
from storage.database.engine import describe_url, parse_url
from storage.store import Store

TEMPLATE = f"""\
# router-policy: settings. Paths are relative to this file; every setting can also be given in the environment, as
# ROUTER_POLICY_STORE__URL for url in [store].

[store]
url = "sqlite:///router_policy.db"              # or postgresql://USER@HOST/DATABASE

[orders]
kind = "order-log"                              # or "canonical": one row per outcome, as Parquet, CSV, JSONL or SQL
path = "logs/execution/order_metrics*.jsonl"

[candles]                                       # without this section every regime is unknown
path = "candles/*.parquet"                      # ts (when the bar opens), symbol, high, low, close
interval = "15m"

# [fees]                                        # of the venue, in basis points; a rebate is negative
# maker_bps = 2
# taker_bps = 5

{RULES}

[schedule]
cron = "*/15 * * * *"                           # UTC
"""


_From = Annotated[
    str | None,
    typer.Option("--from", metavar="PATH", help="Data of a bot: recognise it and write the settings that read it."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beginning:
    """The settings file that there is now; for the data of a bot, what was seen, and its policies if it has any."""

    path: Path
    is_written: bool
    seen: str | None = None
    shown: Preview | None = None


def command(config: Config = None, from_: _From = None, as_json: AsJson = False) -> None:
    """Write a settings file if there is none, and create or upgrade the store's schema.

    With --from the settings are for the data of a bot, and the policies at the end of that data are shown; nothing is
    published.
    """
    path = config or Path(FILE_NAME)
    beginning = _begin(path) if from_ is None else _begin_from(from_, path)
    if not as_json:
        _print_settings(beginning, from_)
    store_url = _set_up_store(path)
    if as_json:
        print_record(_record(beginning, store_url))
        return
    print_lines([f"store {store_url} is set up"])


def _begin(path: Path) -> _Beginning:
    """Write settings to start from, if there are none."""
    if path.exists():
        return _Beginning(path=path, is_written=False)
    _write_whole(path, TEMPLATE)
    return _Beginning(path=path, is_written=True)


def _record(beginning: _Beginning, store_url: str) -> dict[str, object]:
    return {
        "settings": str(beginning.path),
        "is_written": beginning.is_written,
        "store": store_url,
        "seen": beginning.seen,
        "preview": preview_record(beginning.shown) if beginning.shown is not None else None,
    }


def _set_up_store(path: Path) -> str:
    """Set up the store of a settings file, and return its URL without a password."""
    settings = load(path)
    with Store(settings.store.url) as store:
        store.set_up()
    return describe_url(parse_url(settings.store.url))


def _begin_from(origin: str, path: Path) -> _Beginning:
    """Write settings for the data of a bot."""
    if path.exists():
        raise SettingsError(f"{path} exists, and is not written over; remove it, or name another file with --config")
    recognition = recognise(origin)
    folder = path.absolute().parent
    _write_whole(path, draft(recognition, folder))
    end, shown = _previewed(path)
    _write_whole(path, draft(recognition, folder, end, shown.notes if shown is not None else ()))
    return _Beginning(path=path, is_written=True, seen=recognition.seen, shown=shown)


def _print_settings(beginning: _Beginning, origin: str | None) -> None:
    if beginning.seen is not None:
        _print_seen(beginning, origin)
    elif beginning.is_written:
        print_lines([f"wrote {beginning.path}: point it at your logs, then run: router-policy check"])


def _print_seen(beginning: _Beginning, origin: str | None) -> None:
    print_lines([f"{origin} is {beginning.seen}: wrote {beginning.path}"])
    if beginning.shown is None:
        print_lines(["none of its orders can be used yet: router-policy check names the reasons"])
        return
    print_preview(beginning.shown)
    again = f"--as-of {iso(beginning.shown.as_of)} if the bot has stopped"
    print_lines(["", f"Nothing is published. Next: router-policy check and router-policy once, both with {again}"])


def _previewed(path: Path) -> tuple[DataEnd | None, Preview | None]:
    """Return the end of the data and the policies there; if the data cannot be read, leave no settings behind."""
    try:
        plan = plan_of(load(path))
        end = find_data_end(plan.orders, datetime.now(UTC))
        return end, preview_policies(plan, end.as_of) if end is not None else None
    except RouterPolicyError:
        path.unlink()
        raise


def _write_whole(path: Path, content: str) -> None:
    """Write a file whole or not at all: half of one, as on a full disk, would be taken for settings next time."""
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(content, "utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written ({error.strerror}); make room or name another file") from error
    finally:
        unfinished.unlink(missing_ok=True)
