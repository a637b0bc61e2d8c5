"""The columns of a source by the user's own names, and what is wrong if they do not fit."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from jobs.sources.errors import SourceError


def require_columns(
    source: str,
    origin: Path | str | None,
    present: Collection[str],
    renamed: Mapping[str, str],
    *,
    canonical: Iterable[str],
    required: Sequence[str],
) -> None:
    """Raise SourceError if a required column is not `present`, or if `renamed` names a column that is not canonical.

    `renamed` has the user's name for a canonical column, `origin` is the file or the query that has the columns.
    """
    known = list(canonical)
    for name in renamed:
        if name not in known:
            raise SourceError(
                f"{source}.columns: {name!r} is not a canonical column; the columns are {', '.join(known)}"
            )
    missing = [renamed.get(name, name) for name in required if renamed.get(name, name) not in present]
    if missing:
        example = f'{required[0]} = "{next(iter(present), "time")}"'
        raise SourceError(
            f"{source}: {origin} has no column {', '.join(map(repr, missing))}; it has {', '.join(present)}. "
            f"Name yours in [{source}.columns], as in: {example}"
        )
