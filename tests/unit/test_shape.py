"""The shape of the code stays within its bounds, and what breaks a bound is seen."""

import ast
from pathlib import Path

import pytest

from tests.support.shape import (
    Module,
    broken_bounds,
    connection_callers,
    explained_names,
    functions,
    main,
    modules,
    repeated_names,
    upward_imports,
)

GLOSSARY = """
# Words

| `elsewhere` | not of that table |

## Names that stand in two modules

| name | where | reason |
|---|---|---|
| `explain`, `sentence` | policy | one for each rule set |

## More

| `afterwards` | not of that table |
"""


def module(name: str, text: str) -> Module:
    return Module(name=name, text=text, tree=ast.parse(text))


def test_every_bound_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert broken_bounds(modules()) == []
    assert main() == 0
    assert "imports that run upwards: none" in capsys.readouterr().out


def test_a_long_function_and_an_import_that_runs_upwards_are_out_of_bounds() -> None:
    long = module("policy.long", "def work():\n" + "    pass\n" * 50)
    upward = module("policy.upward", "def late():\n    from storage.store import Store\n")

    assert broken_bounds([long, upward]) == [
        "policy.long.work has 51 lines",
        "policy.upward -> storage.store runs upwards",
        "policy.upward -> storage.store.Store runs upwards",
    ]


def test_a_function_of_fifty_lines_and_an_import_that_runs_downwards_are_within_them() -> None:
    text = "import policy.rules\n\ndef work():\n" + "    pass\n" * 49

    assert broken_bounds([module("jobs.work", text)]) == []


def test_the_client_and_the_service_do_not_import_each_other_but_for_the_demo() -> None:
    importers = [
        module("router_policy_client.reader", "import storage"),
        module("jobs.run.worker", "import router_policy_client"),
        module("jobs.demo.bot", "import router_policy_client"),
    ]

    assert upward_imports(importers) == [
        "jobs.run.worker -> router_policy_client",
        "router_policy_client.reader -> storage",
    ]


def test_methods_and_nested_functions_are_measured_too() -> None:
    text = "class Store:\n    def read(self):\n        def inner():\n            pass\n        return inner\n"

    assert [(function.name, function.line_count) for function in functions([module("storage.store", text)])] == [
        ("storage.store.read", 4),
        ("storage.store.inner", 2),
    ]


def test_a_public_name_is_repeated_if_two_modules_define_it() -> None:
    first = module("policy.a", "LIMIT = 1\n_hidden = 2\ndef decide(): ...\ndef alone(): ...\n")
    second = module("jobs.b", "from policy.a import alone\nLIMIT: int = 2\n_hidden = 3\nclass decide: ...\n")

    assert repeated_names([first, second]) == {"LIMIT": ["policy.a", "jobs.b"], "decide": ["policy.a", "jobs.b"]}


@pytest.mark.parametrize(
    "text",
    [
        "from storage.database.transaction import transaction",
        "from sqlalchemy import RowMapping",
        "def read(store): return store.reader.connect()",
        "def read(self): return self._store.writer",
    ],
)
def test_whoever_opens_connections_outside_storage_is_a_caller(text: str) -> None:
    assert connection_callers([module("console.page", text), module("storage.read.page", text)]) == ["console.page"]


def test_whoever_is_given_a_connection_is_none() -> None:
    text = "from sqlalchemy import Connection\ndef read(store):\n    with store.reading() as connection: ..."

    assert (
        connection_callers([module("console.page", text), module("jobs.sources.database", "import sqlalchemy")]) == []
    )


def test_the_glossary_explains_the_names_of_its_table(tmp_path: Path) -> None:
    glossary = tmp_path / "glossary.md"
    assert explained_names(glossary) == set()

    glossary.write_text(GLOSSARY)

    assert explained_names(glossary) == {"explain", "sentence"}
