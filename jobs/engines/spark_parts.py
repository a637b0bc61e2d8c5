"""The named parts of a metric query, its common table expressions: Spark computes one anew wherever it is read."""

import re
from dataclasses import dataclass

# As the metric queries are written: a name at the beginning of a line, and a bracket alone that ends it.
_PART = re.compile(r"^(?:with )?(\w+) as \(\n(.*?)^\),?\n", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"--.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A named part of a query; `is_shared` is whether the rest of the query reads it more than once."""

    name: str
    query: str
    is_shared: bool


def split(query: str) -> tuple[list[Part], str]:
    """Return the named parts of a query in their order, and the query that reads them."""
    matches = list(_PART.finditer(query))
    if not matches:
        return [], query
    parts = [
        Part(name=match[1], query=match[2], is_shared=_reader_count(match[1], query[match.end() :]) > 1)
        for match in matches
    ]
    return parts, query[matches[-1].end() :]


def _reader_count(name: str, text: str) -> int:
    return len(re.findall(rf"\b(?:from|join) {name}\b", _COMMENT.sub("", text)))
