"""The files that make up a source, each once, and their format."""

import glob
import re
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from pathlib import Path

from jobs.sources.errors import SourceError
from jobs.sources.path_patterns import exists, is_pattern, matching_paths
from policy.list_text import listed


class FileFormat(StrEnum):
    """The formats that are read in place."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


_ENDINGS = {
    "jsonl": FileFormat.JSONL,
    "ndjson": FileFormat.JSONL,
    "json": FileFormat.JSONL,
    "csv": FileFormat.CSV,
    "parquet": FileFormat.PARQUET,
}
# Rotation may append anything to it: log.jsonl.1, log.jsonl-20260425.gz.
_ENDING = re.compile(rf"\.({'|'.join(_ENDINGS)})(?![a-z0-9])", re.IGNORECASE)
_NOT_UNPACKED = (".bz2", ".xz", ".lzma", ".lz", ".lz4", ".br", ".zip", ".7z", ".z")


def resolve(setting: str, pattern: str) -> list[Path]:
    """Return the readable files that a pattern matches, by name, at least one of them with content.

    A file with several names, by links, is returned once, under the first. `setting` names the pattern in messages.
    Raises SourceError if no file matches, all are empty, or one cannot be read or reached: an unreadable part of the
    log never counts as a day without orders.
    """
    matches = _matches(setting, pattern)
    paths = _each_file_once(path for path in matches if path.is_file())
    if not paths:
        folder = f"it is a folder; name the files in it, as in {_shown(pattern).rstrip('/')}/*.jsonl"
        advice = folder if matches else f"{_beside(pattern)}correct {setting}, or start the bot that writes it"
        raise SourceError(f"{setting}: no file matches {_shown(pattern)}; {advice}")
    _require_no_part_left_out(setting, matches)
    for path in paths:
        _require_readable(setting, path)
    filled = [path for path in paths if path.stat().st_size > 0]
    if not filled:
        raise SourceError(
            f"{setting}: {paths[0]} is empty, like every other file of {_shown(pattern)}; "
            "check that the bot writes its log"
        )
    return filled


def _beside(pattern: str) -> str:
    """Tell which files are in the folder of a pattern that matches none of them."""
    try:
        names = sorted(child.name for child in Path(pattern).parent.iterdir() if child.is_file())
    except OSError:  # there is no such folder, or its name is a pattern as well
        return ""
    return f"the folder has {listed(names)}; " if names else ""


def readable_files(setting: str, pattern: str, endings: Collection[str]) -> list[Path]:
    """Return the files with one of these endings that a pattern matches, or that lie below the folder that it names.

    Raises SourceError as `resolve` does.
    """
    paths = matching_paths(setting, pattern)
    below = (child for path in paths if path.is_dir() for child in _below(setting, path))
    files = [path for path in (*paths, *below) if path.is_file() and path.suffix.lower() in endings]
    filled = [path for path in _each_file_once(sorted(files)) if path.stat().st_size > 0]
    if not filled:
        raise SourceError(
            f"{setting}: no file with content and the ending {' or '.join(endings)} at {_shown(pattern)}; "
            f"correct {setting}"
        )
    for path in filled:
        _require_readable(setting, path)
    return filled


def _below(setting: str, folder: Path) -> list[Path]:
    return matching_paths(setting, str(Path(glob.escape(str(folder))) / "**" / "*"))


def format_of(setting: str, paths: list[Path]) -> FileFormat:
    """Return the one format of the files, by their endings; `log.jsonl.1` and `log.csv.gz` count by the inner one.

    Raises SourceError for an unknown ending, for files of several formats, and for a compression that is not read.
    """
    formats = {path: _format(path) for path in paths}
    for path, file_format in formats.items():
        if path.suffix.lower() in _NOT_UNPACKED:
            raise SourceError(
                f"{setting}: {path} is compressed as {path.suffix}; unpack it, or compress it as .gz or .zst"
            )
        if file_format is None:
            raise SourceError(f"{setting}: the format of {path} is unknown; name it .parquet, .csv or .jsonl")
    if len(set(formats.values())) > 1:
        raise SourceError(
            f"{setting}: the files are of several formats, {paths[0]} and others; use a pattern that matches one format"
        )
    common_format = formats[paths[0]]
    assert common_format is not None
    return common_format


def _matches(setting: str, pattern: str) -> list[Path]:
    """Return what a pattern matches. A name with brackets that is also a file has to be told apart by the user."""
    matches = matching_paths(setting, pattern)
    literal = Path(pattern)
    if literal in matches or not exists(setting, literal):
        return matches
    if matches:
        raise SourceError(
            f"{setting}: {pattern} is the name of a file, and as a pattern it matches {matches[0]}; "
            "write [[] for a bracket of the name, or rename the file"
        )
    return [literal]


def _each_file_once(paths: Iterable[Path]) -> list[Path]:
    by_identity: dict[tuple[int, int], Path] = {}
    for path in paths:
        status = path.stat()
        by_identity.setdefault((status.st_dev, status.st_ino), path)
    return list(by_identity.values())


def _require_no_part_left_out(setting: str, matches: Sequence[Path]) -> None:
    """Raise SourceError for a pipe or a device, and for a folder that has the name of a file, as Spark writes them.

    A folder is no such part if files in it are matched too.
    """
    above = {folder for path in matches for folder in path.parents}
    for path in matches:
        if path.is_dir() and path not in above and _format(path) is not None:
            raise SourceError(f"{setting}: {path} is a folder; name the files in it as well, or exclude it")
        if not path.is_dir() and not path.is_file():
            raise SourceError(f"{setting}: {path} is no regular file; exclude it")


def _require_readable(setting: str, path: Path) -> None:
    if "\\" in str(path) and is_pattern(str(path)):
        raise SourceError(f"{setting}: {path} has both a backslash and one of * ? [ in its name; rename it")
    try:
        str(path).encode("utf-8")
        with path.open("rb"):
            pass
    except UnicodeEncodeError as error:
        raise SourceError(f"{setting}: the name {str(path)!r} is not valid UTF-8; rename the file") from error
    except OSError as error:
        raise SourceError(
            f"{setting}: {path} cannot be read ({error.strerror}); give this user permission to read it"
        ) from error


def _shown(pattern: str) -> str:
    """Return a pattern as the user wrote it, without the escapes of the folder in which the settings are."""
    return re.sub(r"\[([*?[])\]", r"\1", pattern)


def _format(path: Path) -> FileFormat | None:
    endings = _ENDING.findall(path.name)
    return _ENDINGS[endings[-1].lower()] if endings else None
