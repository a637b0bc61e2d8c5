"""The distribution by itself: what it brings along, how fast it loads, whose names it leaves alone, and its types."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[2] / "client"
SAMPLE = Path(__file__).with_name("typing_sample.py")


def run(*arguments: str | Path, folder: Path | None = None, path: Path | None = None) -> str:
    """Run a program and return what it prints; raise with its output if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def megabytes(path: Path) -> float:
    """The size of a file, or of all files in a folder; what Python compiles from them aside."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc") / 1e6


def processor_seconds_to_import(module: str) -> float:
    """Return the least time of the processor that a fresh process needs for an import; a loaded machine adds none."""
    program = f"import time; start = time.process_time(); import {module}; print(time.process_time() - start)"
    return min(float(run(sys.executable, "-c", program)) for _ in range(3))


def test_importing_it_takes_less_than_twice_as_long_as_importing_sqlalchemy() -> None:
    assert processor_seconds_to_import("router_policy_client") < 2 * processor_seconds_to_import("sqlalchemy")


def test_importing_it_loads_nothing_of_the_service_and_no_driver() -> None:
    program = "import json, sys, router_policy_client; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(run(sys.executable, "-c", program)))

    assert {"router_policy_client", "sqlalchemy"} <= loaded
    assert not {"policy", "storage", "jobs", "console", "psycopg", "ccxt", "router_policy_client.bots"} & loaded


def test_a_module_that_needs_a_bots_package_says_so_where_that_is_not_installed() -> None:
    messages = {
        "analysis": "needs router-policy-client[analysis]",
        "ccxt_venue": "needs router-policy-client[ccxt]",
        "bots.ccxt_order": "needs router-policy-client[ccxt]",
        "bots.nautilus": "install the client in NautilusTrader's environment",
        "bots.hummingbot": "install the client in hummingbot's environment",
    }
    program = f"""
import importlib, sys
sys.modules.update(dict.fromkeys(["pyarrow", "ccxt", "nautilus_trader", "hummingbot"]))
for name in {list(messages)}:
    try: importlib.import_module(f"router_policy_client.{{name}}")
    except ImportError as error: print(str(error).replace("\\n", " "))
"""
    printed = run(sys.executable, "-c", program).splitlines()

    for line, (module, message) in zip(printed, messages.items(), strict=True):
        assert message in line, module


def test_the_mixin_for_freqtrade_loads_no_freqtrade() -> None:
    program = (
        "import sys, router_policy_client.bots.freqtrade; print('freqtrade' in sys.modules, 'ccxt' in sys.modules)"
    )

    assert run(sys.executable, "-c", program) == "False False\n"


def test_it_works_beside_modules_of_the_bots_own_with_the_services_names(tmp_path: Path) -> None:
    for name in ("policy", "storage", "jobs", "console", "migrations"):
        (tmp_path / f"{name}.py").write_text(f"MINE = {name!r}\n")
    program = """
import policy, storage, jobs, console, migrations
from router_policy_client import PolicyReader, gate
with PolicyReader("sqlite:///nowhere.db") as reader:
    print(gate({}, reader.get("BTCUSDT")), reader.get("BTCUSDT").status)
print(policy.MINE, storage.MINE, jobs.MINE, console.MINE, migrations.MINE)
"""
    # Only the client's own folder and the bot's are searched before the site packages, as in a bot's environment.
    output = run(sys.executable, "-c", program, folder=tmp_path, path=tmp_path)

    assert output == "True missing\npolicy storage jobs console migrations\n"


def test_code_that_uses_it_passes_strict_type_checks(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    config = tmp_path / "mypy.ini"
    # What the client asks of SQLAlchemy is checked with the rest of the project; no type of it shows outside.
    skipped = "[mypy-sqlalchemy.*]\nfollow_imports = skip\n"
    config.write_text(f"[mypy]\nmypy_path = {CLIENT}\nfollow_imports = silent\n{skipped}")
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from router_policy_client import PolicyReader\n"
        "def limit(reader: PolicyReader) -> float:\n"
        "    return reader.get('BTCUSDT').maker_offset_bps\n"
    )
    assert pytestconfig.cache is not None
    cache = pytestconfig.cache.mkdir("mypy")  # mypy reads again what has changed since the last time
    mypy = (sys.executable, "-m", "mypy", "--strict", "--config-file", config, "--cache-dir", cache)

    checked = subprocess.run([*mypy, SAMPLE, wrong], capture_output=True, text=True, check=False)

    assert "wrong.py:3: error" in checked.stdout
    assert "float | None" in checked.stdout
    assert "Found 1 error in 1 file (checked 2 source files)" in checked.stdout


@pytest.mark.long
def test_it_installs_alone_into_an_empty_environment(tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "bot")
    python = tmp_path / "bot" / "bin" / "python"
    source = shutil.copytree(CLIENT, tmp_path / "client", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", source)  # it builds beside the source
    listed = json.loads(run(python, "-m", "pip", "list", "--disable-pip-version-check", "--format", "json"))
    names = {package["name"].lower().replace("_", "-") for package in listed} - {"pip", "setuptools"}
    ours = Path(run(python, "-c", "import router_policy_client as r; print(r.__path__[0])").strip())
    alone, together = megabytes(ours), sum(map(megabytes, ours.parent.iterdir())) - megabytes(ours.parent / "pip")
    print(f"router-policy-client alone: {alone:.2f} MB; with {', '.join(sorted(names))}: {together:.0f} MB")  # noqa: T201

    output = run(python, "-c", "import router_policy_client as r; print(r.PolicyReader('sqlite:///x').get('A').status)")

    assert output == "missing\n"
    assert names <= {"router-policy-client", "sqlalchemy", "typing-extensions", "greenlet"}
    assert (ours / "py.typed").exists()
