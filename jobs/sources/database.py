"""Rows of a database query, written to a temporary CSV file that the engine reads like any other."""

import csv
from datetime import UTC, datetime
from pathlib import Path

from jobs.plan import Location
from jobs.sources.errors import SourceError
from policy.window import Window

_ROWS_AT_A_TIME = 10_000


def spool(location: Location, window: Window, folder: Path, source: str) -> Path:
    """Run the query and write its rows, as text, to a CSV file in `folder`; memory stays flat.

    `:window_start` and `:as_of` in the query, where it has them, get the window's bounds, so that the database sends
    only what is needed. Raises SourceError where the database or the query fails, or nothing comes back at all.
    """
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError

    path = folder / f"{source}-query.csv"
    query = text(location.query or "")
    try:
        engine = create_engine(location.url or "", hide_parameters=True)
        asked_for = query.compile(engine).params
        bounds = {name: at for name, at in _bounds(window, engine.dialect.name).items() if name in asked_for}
        with engine.connect().execution_options(yield_per=_ROWS_AT_A_TIME) as connection:
            rows = connection.execute(query, bounds)
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(rows.keys())
                for row in rows:
                    writer.writerow(map(_text, row))
        engine.dispose()
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise SourceError(f"{source}.query: the database refused it: {said}") from error
    return path


def _bounds(window: Window, dialect: str) -> dict[str, datetime | str]:
    """Give SQLite, which has no type for times, the text that its own date functions write."""
    bounds = {"window_start": window.start, "as_of": window.as_of}
    if dialect != "sqlite":
        return dict(bounds)
    return {name: at.replace(tzinfo=None).isoformat(sep=" ") for name, at in bounds.items()}


def _text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()
    return value
