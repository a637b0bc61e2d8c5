"""`make faults` runs every test that is marked `long`, wherever it stands, and the faults in their short form too."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Of the plugins only that which the options are for: the others take a second to load.
ENVIRONMENT = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}
TWO_FORMS = (
    "import pytest\n\n@pytest.mark.parametrize('form', ['short', pytest.param('long', marks=pytest.mark.long)])\n"
)


def collected_by(target: str, project: Path) -> list[str]:
    """Return which tests of a project the commands of a target of the Makefile would run."""
    recipe = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    commands = [shlex.split(line)[1:] for line in recipe.splitlines() if " -m pytest " in line]
    collected: list[str] = []
    for arguments in commands:
        command = [sys.executable, *arguments, "-n", "0", "--collect-only"]
        done = subprocess.run(command, cwd=project, env=ENVIRONMENT, capture_output=True, text=True, check=True)
        collected += [line for line in done.stdout.splitlines() if "::" in line]
    return sorted(collected)


def test_make_faults_runs_every_long_form_and_make_test_every_short_one(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    folders = [path.name for path in (ROOT / "tests").iterdir() if any(path.glob("test_*.py"))]
    for folder in folders:
        (tmp_path / "tests" / folder).mkdir(parents=True)
        (tmp_path / "tests" / folder / "test_it.py").write_text(f"{TWO_FORMS}def test_it(form): ...\n")
    every = {form: {f"tests/{folder}/test_it.py::test_it[{form}]" for folder in folders} for form in ("short", "long")}

    assert "faults" in folders
    assert collected_by("faults", tmp_path) == sorted(every["long"] | {"tests/faults/test_it.py::test_it[short]"})
    assert collected_by("test", tmp_path) == sorted(every["short"])
