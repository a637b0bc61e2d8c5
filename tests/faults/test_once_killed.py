"""`router-policy once`, killed at any moment: no part of a run is left, and the next try works at once."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.store import Store
from tests.support.bots import run_command, start_command, write_bot

AS_OF = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)
AT = "2026-04-26T00:15:00Z"
LAST_MOMENT_SECONDS = 1.62


def parts(store_url: str) -> dict[str, int]:
    with Store(store_url) as store, store.reader.connect() as connection:
        return {
            table: int(connection.execute(text(f"select count(*) from {table}")).scalar_one())
            for table in ("policy_run", "policy_snapshot", "policy_scope", "policy_rule_set")
        }


@pytest.mark.parametrize(
    ("store_url", "moments"),
    [
        ("sqlite", 4),
        pytest.param("sqlite", 12, marks=pytest.mark.long),
        pytest.param("postgres", 12, marks=pytest.mark.long),
    ],
    indirect=["store_url"],
)
def test_a_killed_run_leaves_nothing_or_everything_and_the_next_works(
    tmp_path: Path, store_url: str, moments: int
) -> None:
    with Store(store_url) as store:
        store.set_up()
    write_bot(tmp_path, AS_OF, store=store_url)
    outcomes = set()
    for moment in range(moments):
        process = start_command(tmp_path, "once", "--as-of", AT, "--config", "router-policy.toml")
        try:
            process.wait(0.3 + moment * (LAST_MOMENT_SECONDS - 0.3) / (moments - 1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        left = parts(store_url)
        outcomes.add(left["policy_run"])
        whole = left["policy_run"]
        assert left == {
            "policy_run": whole,
            "policy_snapshot": 2 * whole,
            "policy_scope": whole,
            "policy_rule_set": whole,
        }
        if whole:
            break

    assert 0 in outcomes, "no kill came before the publication; the moments are too late to show anything"
    again = run_command(tmp_path, "once", "--as-of", AT)
    assert again.returncode == 0, again.stderr
    assert parts(store_url)["policy_run"] == 1
