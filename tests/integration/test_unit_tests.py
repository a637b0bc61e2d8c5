"""The tests of pure code load no database driver, no engine and no web framework, so that they start at once."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = (
    "sqlalchemy",
    "alembic",
    "sqlite3",
    "pysqlite3",
    "psycopg",
    "duckdb",
    "pyspark",
    "fastapi",
    "starlette",
    "uvicorn",
)
COLLECT = """
import json, sys, pytest
code = pytest.main(["--collect-only", "-qq", sys.argv[1]])
print(json.dumps([int(code), sorted(name for name in sys.argv[2:] if name in sys.modules)]))
"""


def loaded_by(folder: str) -> list[str]:
    """Collect the tests of a folder in a fresh process; return which of the heavy packages are loaded then.

    The process is not measured by coverage, which keeps its own figures in sqlite3.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    collected = subprocess.run(
        [sys.executable, "-c", COLLECT, folder, *HEAVY],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    code, loaded = json.loads(collected.stdout.splitlines()[-1])
    assert code == 0, collected.stdout
    return list(loaded)


def test_the_tests_of_pure_code_load_no_database_and_no_framework() -> None:
    assert loaded_by("tests/unit") == []


def test_other_tests_are_seen_to_load_them() -> None:
    assert {"sqlalchemy", "sqlite3"} <= set(loaded_by("tests/contract/test_store.py"))
