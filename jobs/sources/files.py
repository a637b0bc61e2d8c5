"""The files that a pattern matches, and their format."""

import glob
from enum import StrEnum
from pathlib import Path

from jobs.sources.errors import SourceError


class FileFormat(StrEnum):
    """The formats that are read in place."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


_SUFFIXES = {
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".json": FileFormat.JSONL,
    ".csv": FileFormat.CSV,
    ".parquet": FileFormat.PARQUET,
}
_NOT_UNPACKED = (".zst", ".bz2", ".xz", ".lz4", ".br", ".zip", ".7z")


def resolve(setting: str, pattern: str) -> list[Path]:
    """Return the readable files that a glob pattern matches, by name, at least one of them with content.

    `setting` names the pattern in messages. Raises SourceError if no file matches, all are empty, or one cannot be
    read: an unreadable part of the log never counts as a day without orders.
    """
    matches = glob.glob(pattern, recursive=True)  # noqa: PTH207  # a Path takes no absolute pattern
    paths = sorted(path for path in map(Path, matches) if path.is_file())
    if not paths:
        folder = f"it is a folder; name the files in it, as in {pattern.rstrip('/')}/*.jsonl"
        advice = folder if matches else f"correct {setting}, or start the bot that writes it"
        raise SourceError(f"{setting}: no file matches {pattern}; {advice}")
    for path in paths:
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            raise SourceError(
                f"{setting}: {path} cannot be read ({error.strerror}); give this user permission to read it"
            ) from error
    filled = [path for path in paths if path.stat().st_size > 0]
    if not filled:
        raise SourceError(
            f"{setting}: {paths[0]} is empty, like every other file of {pattern}; check that the bot writes its log"
        )
    return filled


def format_of(setting: str, paths: list[Path]) -> FileFormat:
    """Return the one format of the files, by their endings; `log.jsonl.1` and `log.csv.gz` count by the inner one.

    Raises SourceError for an unknown ending, for files of several formats, and for a compression other than gzip.
    """
    formats = {path: _format(path) for path in paths}
    for path, file_format in formats.items():
        if path.suffix in _NOT_UNPACKED:
            raise SourceError(f"{setting}: {path} is compressed as {path.suffix}; unpack it, or compress it as .gz")
        if file_format is None:
            raise SourceError(f"{setting}: the format of {path} is unknown; name it .parquet, .csv or .jsonl")
    if len(set(formats.values())) > 1:
        raise SourceError(
            f"{setting}: the files are of several formats, {paths[0]} and others; use a pattern that matches one format"
        )
    common_format = formats[paths[0]]
    assert common_format is not None
    return common_format


def _format(path: Path) -> FileFormat | None:
    return next((_SUFFIXES[suffix] for suffix in reversed(path.suffixes) if suffix in _SUFFIXES), None)
