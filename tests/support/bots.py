"""A small bot's folder for tests of whole commands: its log, its candles, its settings; and the command itself."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

COMMAND = str(Path(sys.executable).with_name("router-policy"))
BARS = 501


def order(number: int, at: datetime, symbol: str, *, fallback: bool, slippage_bps: float) -> dict[str, object]:
    """One order of the log: started as maker, filled as maker unless it fell back."""
    return {
        "attempt_id": f"sig_{symbol}_{number}",
        "symbol": symbol,
        "side": "BUY",
        "route": "maker_first",
        "ts": at.timestamp(),
        "prices": {"mark": 100.0, "avg_fill": 100.0 + slippage_bps / 100},
        "qty": {"contracts": 1.0, "notional_usd": 100.0},
        "result": {"status": "FILLED", "retries": 0},
        "slippage_bps": slippage_bps,
        "maker_start": True,
        "is_maker_final": not fallback,
        "used_fallback": fallback,
    }


def write_bot(folder: Path, as_of: datetime, *, store: str = "sqlite:///policy.db", more: str = "") -> Path:
    """Write a log of 10 orders each of GOODUSDT (1 fallback) and BADUSDT (9 fallbacks), candles, and the settings."""
    (folder / "logs").mkdir()
    rows = [
        order(number, as_of - timedelta(hours=number + 1), symbol, fallback=number < fallbacks, slippage_bps=1.0)
        for symbol, fallbacks in (("GOODUSDT", 1), ("BADUSDT", 9))
        for number in range(10)
    ]
    (folder / "logs" / "order_metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    duckdb.execute(
        f"""copy (
            select symbol, timestamp '{as_of.replace(tzinfo=None)}' - (i + 1) * interval 15 minute as ts,
                100.0 as open, 101.0 as high, 99.0 as low, 100.0 as close
            from range({BARS}) as bars(i), (values ('GOODUSDT'), ('BADUSDT')) as traded(symbol)
        ) to '{folder / "candles.parquet"}'"""
    )
    settings = folder / "router-policy.toml"
    settings.write_text(
        f"""
[store]
url = "{store}"
[orders]
path = "logs/*.jsonl"
[candles]
path = "candles.parquet"
interval = "15m"
{more}
"""
    )
    return settings


def environment() -> dict[str, str]:
    """The environment without settings of ours, so that a test says all of them itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_POLICY_")}


def run_command(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `router-policy` in a folder and wait for it."""
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env=environment() | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def start_command(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `router-policy` in a folder, its messages in `messages.log` there."""
    with (folder / "messages.log").open("a") as messages:
        return subprocess.Popen(
            [COMMAND, *arguments],
            cwd=folder,
            env=environment(),
            stdout=messages,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
