"""Reads the queries of docs/sql.md and writes them as Datasette's canned queries.

python -m docs.generators.documented_queries < docs/sql.md > console/files/datasette.yml
"""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

_BLOCK = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARKS = {"-- SQLite": "sqlite", "-- Postgres": "postgresql"}
_HEAD = """\
# Generated from docs/sql.md by `make docs`; do not edit.
title: "Router policy"
description: "The effective policy of every symbol over time, and why. Times are UTC."
databases:
  router_policy:
    queries:
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentedQuery:
    """A question with its query for `sqlite` and for `postgresql`; mostly the same text for both."""

    title: str
    explanation: str
    queries: Mapping[str, str]

    @property
    def name(self) -> str:
        """The title as part of a URL: lower case, words joined by hyphens."""
        return "-".join(re.findall(r"[a-z0-9]+", self.title.lower()))


def read_documented_queries(page: str) -> list[DocumentedQuery]:
    """Return the sections of the page that have a query, in order; text before the first section is ignored.

    Raises ValueError unless a section has one query for both databases, or one marked for each.
    """
    sections = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    return [_read_section(section) for section in sections if _BLOCK.search(section)]


def _read_section(section: str) -> DocumentedQuery:
    title, rest = section.split("\n", 1)
    explanation = " ".join(_BLOCK.split(rest, maxsplit=1)[0].split())
    queries = [block.strip() for block in _BLOCK.findall(rest)]
    return DocumentedQuery(title=title.strip(), explanation=explanation, queries=_by_database(title, queries))


def _by_database(title: str, queries: list[str]) -> dict[str, str]:
    marked = {_MARKS.get(query.split("\n", 1)[0]): query for query in queries}
    if list(marked) == [None] and len(queries) == 1:
        return dict.fromkeys(_MARKS.values(), queries[0])
    if len(queries) == len(marked) and set(marked) == set(_MARKS.values()):
        return {name: query for name, query in marked.items() if name is not None}
    raise ValueError(
        f"the question {title!r} has {len(queries)} queries; write one for both databases, or two that begin with "
        f"{' and '.join(map(repr, _MARKS))}"
    )


def datasette_metadata(questions: list[DocumentedQuery]) -> str:
    """Return a Datasette metadata file in YAML with the questions, for a database named router_policy."""
    return _HEAD + "".join(map(_canned_query, questions))


def _canned_query(question: DocumentedQuery) -> str:
    sql = "".join(f"          {line}".rstrip() + "\n" for line in question.queries["sqlite"].split("\n"))
    return (
        f"      {question.name}:\n"
        f"        title: {json.dumps(question.title)}\n"
        f"        description: {json.dumps(question.explanation)}\n"
        f"        sql: |-\n{sql}"
    )


if __name__ == "__main__":
    sys.stdout.write(datasette_metadata(read_documented_queries(sys.stdin.read())))
