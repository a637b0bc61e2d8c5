"""`router-policy init`: a settings file to start from, and the store's schema."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from console.errors import SettingsError
from console.options import Config
from console.settings.draft import RULES, draft
from console.settings.file import FILE_NAME, load
from console.settings.plan import plan_of
from console.terminal.preview import print_preview
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


def command(config: Config = None, from_: _From = None) -> None:
    """Write a settings file if there is none, and create or upgrade the store's schema.

    With --from the settings are for the data of a bot, and the policies at the end of that data are shown; nothing is
    published.
    """
    path = config or Path(FILE_NAME)
    if from_ is not None:
        _start_from(from_, path)
    elif not path.exists():
        _write_whole(path, TEMPLATE)
        sys.stdout.write(f"wrote {path}: point it at your logs, then run: router-policy check\n")
    settings = load(path)
    with Store(settings.store.url) as store:
        store.set_up()
    sys.stdout.write(f"store {describe_url(parse_url(settings.store.url))} is set up\n")


def _start_from(origin: str, path: Path) -> None:
    if path.exists():
        raise SettingsError(f"{path} exists, and is not written over; remove it, or name another file with --config")
    recognition = recognise(origin)
    folder = path.absolute().parent
    _write_whole(path, draft(recognition, folder))
    end, shown = _previewed(path)
    _write_whole(path, draft(recognition, folder, end, shown.notes if shown is not None else ()))
    sys.stdout.write(f"{origin} is {recognition.seen}: wrote {path}\n")
    if end is None or shown is None:
        sys.stdout.write("none of its orders can be used yet: router-policy check names the reasons\n")
        return
    print_preview(shown, end.as_of)
    sys.stdout.write(
        "\nNothing is published. Next: router-policy check and router-policy once, both with "
        f"--as-of {iso(end.as_of)} if the bot has stopped\n"
    )


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
