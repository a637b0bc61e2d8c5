"""`router-policy init`: a settings file to start from, and the store's schema."""

import sys
from pathlib import Path

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
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEMPLATE, "utf-8")
        sys.stdout.write(f"wrote {path}: point it at your logs, then run: router-policy check\n")
    settings = load(path)
    with Store(settings.store.url) as store:
        store.set_up()
    sys.stdout.write(f"store {describe_url(parse_url(settings.store.url))} is set up\n")
