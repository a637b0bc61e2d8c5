"""`router-policy init`: a settings file to start from, and the store's schema."""

import sys
from pathlib import Path

from console.errors import SettingsError
from console.options import Config
from console.settings.file import FILE_NAME, load
from storage.database.engine import describe_url, parse_url
from storage.store import Store

TEMPLATE = """\
# router-policy: settings. Paths are relative to this file; every setting can also be given in the environment, as
# ROUTER_POLICY_STORE__URL for url in [store].

[store]
url = "sqlite:///router_policy.db"              # or postgresql+psycopg://USER@HOST/DATABASE

[orders]
kind = "order-log"                              # or "canonical": one row per outcome, as Parquet, CSV, JSONL or SQL
path = "logs/execution/order_metrics*.jsonl"

[candles]                                       # without this section every regime is unknown
path = "candles/*.parquet"                      # ts (when the bar opens), symbol, high, low, close
interval = "15m"

[schedule]
cron = "*/15 * * * *"                           # UTC
"""


def command(config: Config = None) -> None:
    """Write a settings file if there is none, and create or upgrade the store's schema."""
    path = config or Path(FILE_NAME)
    if not path.exists():
        _write_whole(path, TEMPLATE)
        sys.stdout.write(f"wrote {path}: point it at your logs, then run: router-policy check\n")
    settings = load(path)
    with Store(settings.store.url) as store:
        store.set_up()
    sys.stdout.write(f"store {describe_url(parse_url(settings.store.url))} is set up\n")


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
