"""The list of faults names tests that exist, and leaves out none that is here."""

import re
from pathlib import Path

import tests.faults

TESTS = Path(__file__).parents[1]
LISTED = re.findall(r"^     .*?([\w/]+): (test_\w+)$", tests.faults.__doc__ or "", flags=re.MULTILINE)


def defined(path: Path) -> set[str]:
    return set(re.findall(r"^def (test_\w+)", path.read_text("utf-8"), flags=re.MULTILINE))


def test_every_test_in_the_list_exists() -> None:
    for where, name in LISTED:
        folder = TESTS if "/" in where else TESTS / "faults"
        assert name in defined(folder / f"{where}.py"), f"{where}: {name}"


def test_every_fault_has_a_test_and_a_control() -> None:
    parts = re.split(r"^(F\d+) ", tests.faults.__doc__ or "", flags=re.MULTILINE)[1:]
    faults = dict(zip(parts[::2], parts[1::2], strict=True))

    without = re.compile(r"^     (long )?without \S", flags=re.MULTILINE)
    assert len(faults) >= 24
    assert [fault for fault, text in faults.items() if not without.search(text)] == []


def test_every_test_of_a_fault_is_in_the_list() -> None:
    listed = {name for _, name in LISTED}
    ours = [path for path in (TESTS / "faults").glob("test_*.py") if path.name != "test_policy_reader.py"]

    assert {name for path in ours for name in defined(path)} - listed == set()
