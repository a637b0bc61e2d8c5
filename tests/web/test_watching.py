"""What machines that watch are told: readiness, and the figures that Prometheus scrapes."""

import json
import logging
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from console.terminal.logs import JsonLines
from jobs.run.lease_owner import owner
from storage.store import Store
from tests.support.runs import QUARTER, SLOT, claim, evidence, publish
from tests.web.conftest import NOW, Visit

DOCUMENTS = Path(__file__).parents[2] / "docs"
FILES = Path(__file__).parents[2] / "console" / "files"
Sample = tuple[str, tuple[tuple[str, str], ...]]


def figures(client: TestClient) -> dict[Sample, float]:
    """Every sample of a scope by its name and its other labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        (
            sample.name.removeprefix("router_policy_"),
            tuple(sorted((k, v) for k, v in sample.labels.items() if k != "scope")),
        ): (sample.value)
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.labels.get("scope") == "default"
    }


def test_readiness_follows_the_age_of_the_newest_run(visit: Visit, small_store: Store) -> None:
    slot = NOW - timedelta(minutes=20)
    answers = [visit(small_store, now=slot + age).get("/readyz") for age in (timedelta(0), timedelta(hours=3))]

    assert [answer.status_code for answer in answers] == [200, 503]
    assert answers[0].json() == {"is_ready": True, "slot": "2025-03-04T04:00:00Z", "age_seconds": 0.0}
    assert answers[1].json()["error"]["message"].startswith("Stale since 2025-03-04T06:00:00Z")


@pytest.mark.parametrize("address", ["/readyz", "/v1/policies", "/"])
def test_a_store_that_was_never_set_up_is_told_as_such(visit: Visit, tmp_path: Path, address: str) -> None:
    with Store(f"sqlite:///{tmp_path / 'none.db'}") as store:
        answer = visit(store).get(address)

    assert answer.status_code == 503
    assert "none.db: store not initialised; run router-policy init" in answer.text


def test_the_figures_of_the_small_history(small_console: TestClient) -> None:
    values = figures(small_console)

    assert values["store_up", ()] == 1
    assert values["newest_slot_timestamp_seconds", ()] == 1741060800
    assert values["age_seconds", ()] == 1200
    assert values["stale_after_seconds", ()] == 7200
    assert values["expired_after_seconds", ()] == 28800
    assert values["status", (("status", "fresh"),)] == 1
    assert values["status", (("status", "stale"),)] == 0
    qualities = ("good", "ok", "degraded", "broken")
    assert [values["symbols", (("quality", word),)] for word in qualities] == [2, 0, 0, 1]
    assert values["taker_symbols", ()] == 2
    assert values["overrides", ()] == 1
    assert values["run_duration_seconds", ()] == 1
    assert values["runs_total", ()] == 5
    assert values["run_failures_total", ()] == 2
    assert [values["gaps", (("state", word),)] for word in ("missed", "failed", "abandoned")] == [1, 1, 0]
    assert values["lease_held", ()] == 0


def test_changes_are_counted_from_the_first_scrape_on(visit: Visit, store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT"), evidence("ETHUSDT"))
    client = visit(store)
    counts = [figures(client)["changes_total", ()]]
    publish(store, SLOT + QUARTER, evidence("BTCUSDT", fallback=0.95), evidence("ETHUSDT", fallback=0.95))
    publish(store, SLOT + 2 * QUARTER, evidence("BTCUSDT", fallback=0.95), evidence("ETHUSDT"))
    counts += [figures(client)["changes_total", ()], figures(client)["changes_total", ()]]

    assert counts == [0, 3, 3]


def test_rejects_are_those_of_the_newest_run(visit: Visit, sqlite_store: Store) -> None:
    publish(sqlite_store, SLOT)

    assert (
        figures(visit(sqlite_store))[
            "run_rejects", (("kind", "unusable"), ("reason", "zero_fill"), ("source", "orders"))
        ]
        == 3
    )


def test_the_lease_is_held_while_this_process_computes_a_slot(visit: Visit, store: Store) -> None:
    client = visit(store, now=None, holder=owner())
    before = figures(client)["lease_held", ()]
    claim(store, SLOT, owner=owner())

    assert (before, figures(client)["lease_held", ()]) == (0, 1)


def test_two_consoles_in_one_process_do_not_share_figures(
    visit: Visit, small_store: Store, shadowed_store: Store
) -> None:
    small, shadowed = visit(small_store), visit(shadowed_store)

    assert figures(small)["runs_total", ()] == 5
    assert figures(shadowed)["runs_total", ()] == 6


def test_every_figure_of_the_alert_rules_is_one_that_is_scraped(client: TestClient) -> None:
    rules = yaml.safe_load((FILES / "alerts.yml").read_text("utf-8"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    scraped = set(re.findall(r"# TYPE (\w+) ", client.get("/metrics").text))

    named = {name for rule in alerts for name in re.findall(r"\brouter_policy_\w+", rule["expr"])}
    assert named
    assert named <= scraped
    for rule in alerts:
        assert rule["annotations"].keys() >= {"summary", "description"}
        assert rule["labels"]["severity"] in {"page", "ticket"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_promtool_takes_the_alert_rules_and_their_cases() -> None:
    for arguments in (("check", "rules", str(FILES / "alerts.yml")), ("test", "rules", "alerts_test.yml")):
        done = subprocess.run(["promtool", *arguments], cwd=DOCUMENTS, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_event_is_one_line_of_json_whatever_stands_in_it() -> None:
    try:
        raise ValueError("bad\nnews")
    except ValueError:
        trace = sys.exc_info()
    record = logging.LogRecord("router_policy", logging.ERROR, "f.py", 1, "slot %s\nfailed", ("12:00",), trace)
    record.created = 1741060800.25

    line = JsonLines().format(record)

    assert "\n" not in line
    event = json.loads(line)
    assert event.pop("trace").endswith("ValueError: bad\nnews")
    assert event == {
        "at": "2025-03-04T04:00:00.250Z",
        "level": "error",
        "logger": "router_policy",
        "event": "slot 12:00\nfailed",
    }
