"""The files in deploy/: each is read by what it is for, as far as this machine has it, and its commands are real."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url, text

from console.settings.file import load
from jobs.sources.reject_reasons import RejectKind
from storage.store import Store
from storage.write import leases
from tests.support.bots import COMMAND
from tests.support.command import command
from tests.support.runs import QUARTER, SLOT, evidence, publish
from tests.support.store_calls import write

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "router-policy.json").read_text("utf-8"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text("utf-8"))
MANIFESTS = [
    document
    for path in sorted((DEPLOY / "kubernetes").glob("*.yml"))
    for document in yaml.safe_load_all(path.read_text("utf-8"))
]
DEPLOYMENTS = [each for each in MANIFESTS if each["kind"] == "Deployment"]


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(only)


def unit_command(path: Path) -> list[str]:
    (line,) = [line for line in path.read_text("utf-8").splitlines() if line.startswith("ExecStart=")]
    program, *arguments = shlex.split(line.removeprefix("ExecStart="))
    assert program == "/opt/router-policy/bin/router-policy"
    return arguments


STARTED = [
    *(COMPOSE["services"][name]["command"] for name in ("service", "console")),
    *(container(deployment)["args"] for deployment in DEPLOYMENTS),
    *map(unit_command, UNITS),
]


@pytest.mark.parametrize("arguments", STARTED, ids=" ".join)
def test_what_is_started_is_a_command_with_options_that_it_has(tmp_path: Path, arguments: list[str]) -> None:
    name, *options = arguments
    shown = command(tmp_path, name, "--help") if name != "run" else _help_of_run(tmp_path)

    assert shown.returncode == 0
    for option in options:
        assert not option.startswith("--") or f" {option} " in shown.stdout


def _help_of_run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, "run", "--help"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("folder", [DEPLOY / "settings", DEPLOY / "kubernetes"], ids=lambda folder: folder.name)
def test_the_settings_of_the_containers_load(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "PORT_8765_TCP_PORT"):  # as Kubernetes sets them for the Service of the console
        monkeypatch.setenv(f"ROUTER_POLICY_CONSOLE_SERVICE_{name}".replace("SERVICE_PORT", "PORT"), "10.0.0.1")
    monkeypatch.setenv("ROUTER_POLICY_CONSOLE_PORT", "tcp://10.0.0.1:8765")

    settings = load(folder / "router-policy.toml")

    assert settings.store.url == "postgresql://router_policy@db/router_policy"
    assert settings.orders.path == "/data/logs/order_metrics*.jsonl"


def test_the_image_has_every_package_of_the_service() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]["find"]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}

    assert {name.removesuffix("*") for name in packages["include"]} <= kept
    assert {"pyproject.toml", "constraints.txt", "README.md"} <= kept
    assert all((ROOT / name).exists() for name in kept)


def test_compose_mounts_files_that_exist_and_names_what_it_declares() -> None:
    services = COMPOSE["services"]
    mounts = [mount.split(":") for service in services.values() for mount in service.get("volumes", [])]
    files = [source for source, *_ in mounts if source.startswith(".")]
    named = [source for source, *_ in mounts if re.fullmatch(r"\w+", source)]

    assert files
    assert [file for file in files if not (DEPLOY / file).exists()] == []
    assert set(named) == set(COMPOSE["volumes"])
    assert {name for service in services.values() for name in service.get("depends_on", {})} <= set(services)
    assert {name for service in services.values() for name in service.get("secrets", [])} == set(COMPOSE["secrets"])


def test_compose_mounts_the_folder_of_the_settings_so_that_an_editor_may_replace_the_file() -> None:
    for name in ("service", "console"):
        sources = {mount.split(":")[1]: mount.split(":")[0] for mount in COMPOSE["services"][name]["volumes"]}

        assert (DEPLOY / sources["/etc/router-policy"] / "router-policy.toml").is_file()


def test_compose_passes_the_secrets_that_the_shell_has_and_no_empty_ones() -> None:
    passed = {name: COMPOSE["services"][name]["environment"] for name in ("service", "console")}

    assert (
        passed["service"]["ROUTER_POLICY_NOTIFY__URLS"] is None
    )  # a value would reach the settings, even an empty one
    assert passed["console"]["ROUTER_POLICY_WEB__WRITE_TOKEN"] is None
    assert "PGPASSWORD" in passed["service"].keys() & passed["console"].keys()


def test_the_console_stays_reachable_while_policies_are_stale() -> None:
    """`/readyz` says no then; the pod would leave its Service, and nobody could look."""
    (console,) = [container(each) for each in DEPLOYMENTS if each["metadata"]["name"] == "router-policy-console"]

    assert console["readinessProbe"]["httpGet"]["path"] == "/healthz"
    assert "/healthz" in " ".join(COMPOSE["services"]["console"]["healthcheck"]["test"])


def test_the_alert_of_rejected_rows_does_not_count_those_that_are_rightly_left_out() -> None:
    (group,) = yaml.safe_load((ROOT / "console" / "files" / "alerts.yml").read_text("utf-8"))["groups"]
    (rule,) = [each for each in group["rules"] if each["alert"] == "RouterPolicyManyRejects"]

    assert f'router_policy_run_rejects{{kind!="{RejectKind.LEFT_OUT}"}}' in rule["expr"]


def test_prometheus_asks_the_console_with_its_token_and_reads_the_alerts_that_are_mounted() -> None:
    settings = yaml.safe_load((DEPLOY / "prometheus.yml").read_text("utf-8"))
    (job,) = settings["scrape_configs"]
    (host,) = {target.split(":")[0] for each in job["static_configs"] for target in each["targets"]}

    assert host in COMPOSE["services"]
    assert job["authorization"]["credentials_file"] == f"/run/secrets/{COMPOSE['services']['prometheus']['secrets'][0]}"
    mounted = {mount.split(":")[1] for mount in COMPOSE["services"]["prometheus"]["volumes"]}
    assert {f"/etc/prometheus/{name}" for name in settings["rule_files"]} <= mounted


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_names_a_database_in_the_only_folder_that_it_may_write(path: Path) -> None:
    unit = path.read_text("utf-8")
    (folder,) = re.findall(r"^StateDirectory=(\S+)$", unit, flags=re.MULTILINE)
    (url,) = re.findall(r'url = "(\S+)"', unit)

    assert "ProtectSystem=strict" in unit
    assert Path(str(make_url(url).database)).parent == Path("/var/lib") / folder
    assert url in (ROOT / "docs" / "deploy.md").read_text("utf-8")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_units(tmp_path: Path, path: Path) -> None:
    """The program lies elsewhere here than where the unit has it; systemd checks that it is there."""
    copy = tmp_path / path.name
    copy.write_text(path.read_text("utf-8").replace("/opt/router-policy/bin/router-policy", COMMAND))

    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_puts_the_manifests_together() -> None:
    done = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / "kubernetes")], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    made = list(yaml.safe_load_all(done.stdout))
    assert sorted(each["kind"] for each in made) == ["ConfigMap", "Deployment", "Deployment", "Service"]
    (settings,) = [each for each in made if each["kind"] == "ConfigMap"]
    for deployment in (each for each in made if each["kind"] == "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["containers"][0]["image"] == "registry.example.com/router-policy:0.1.0"
        assert {"name": settings["metadata"]["name"]} in [volume.get("configMap") for volume in pod["volumes"]]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: each["metadata"]["name"])
def test_a_container_may_do_no_more_than_it_needs(deployment: dict[str, Any]) -> None:
    pod, only = deployment["spec"]["template"]["spec"], container(deployment)

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert only["securityContext"]["readOnlyRootFilesystem"] is True
    assert {mount["name"] for mount in only["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]


PANELS = DASHBOARD["panels"]
SQL_PANELS = [panel for panel in PANELS if panel["datasource"]["type"] == "postgres"]
QUERIES = {panel["title"]: panel["targets"][0]["rawSql"] for panel in SQL_PANELS}


def test_the_dashboard_asks_datasources_that_are_provisioned() -> None:
    provisioned = yaml.safe_load(
        (DEPLOY / "grafana" / "provisioning" / "datasources" / "router-policy.yml").read_text("utf-8")
    )
    known = {(each["type"], each["uid"]) for each in provisioned["datasources"]}

    assert {(panel["datasource"]["type"], panel["datasource"]["uid"]) for panel in PANELS} == known
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_the_dashboard_shows_figures_that_the_console_has() -> None:
    source = (ROOT / "console" / "web" / "metrics.py").read_text("utf-8")
    asked = {
        name
        for panel in PANELS
        for target in panel["targets"]
        for name in re.findall(r"router_policy_(\w+)\{", target.get("expr", ""))
    }

    assert asked
    assert [name for name in asked if f'"{name.removesuffix("_total")}"' not in source] == []


def answers(store: Store, title: str) -> list[dict[str, object]]:
    query = QUERIES[title].replace("$scope", "default").replace("${__from:date:YYYY-MM-DD}", "2026-04-26")
    assert "$" not in query
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def test_the_tables_of_the_dashboard_are_answered_by_either_database(store: Store) -> None:
    publish(store, SLOT, evidence("BTCUSDT"), evidence("ETHUSDT"), evidence("XRPUSDT", fallback=None))
    publish(store, SLOT + QUARTER, evidence("BTCUSDT", fallback=0.95), evidence("ETHUSDT"))
    write(store, leases.mark_missed, "default", [SLOT + 2 * QUARTER])

    policies = answers(store, "Policies in force, the worst first")
    changes = answers(store, "Changes, the newest first")
    gaps = answers(store, "Slots without a run")

    assert [(row["symbol"], row["quality"], row["route"]) for row in policies] == [
        ("BTCUSDT", "broken", "straight to taker"),
        ("ETHUSDT", "good", "maker first"),
    ]
    assert [(row["symbol"], row["previous_route"], row["route"]) for row in changes] == [
        ("BTCUSDT", "maker first", "straight to taker")
    ]
    assert [(row["state"], row["last_error"]) for row in gaps] == [("missed", None)]
