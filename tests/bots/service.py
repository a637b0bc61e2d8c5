"""The service beside a bot: its settings in the bot's folder, one run at a time, and the policies that follow."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.support.bots import run_command

# The order log that a bot's routing writes, as another source beside the bot's own data.
ORDER_LOG = """
[orders]
kind = "order-log"
path = "../orders.jsonl"
"""
_SETTINGS = """
[store]
url = "sqlite:///router_policy.db"

{orders}

[rules]
name = "breaker"
"""


class Service:
    """router-policy in a bot's folder, with the rule set that detects outages, and no candles."""

    def __init__(self, folder: Path, orders: str) -> None:
        self.folder = folder
        self.store_url = f"sqlite:///{folder}/router_policy.db"
        (folder / "router-policy.toml").write_text(_SETTINGS.format(orders=orders))
        self._run("init")

    def once(self, as_of: datetime) -> dict[str, dict[str, Any]]:
        """Compute the policies of a slot; return them by symbol."""
        self._run("once", "--as-of", as_of.isoformat())
        return {policy["symbol"]: policy for policy in json.loads(self._run("latest", "--json"))["items"]}

    def verify(self) -> str:
        """Verify every run; return what the command prints."""
        return self._run("verify")

    def _run(self, *arguments: str) -> str:
        done = run_command(self.folder, *arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout
