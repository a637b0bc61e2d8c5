"""The files that a path pattern matches; whatever stands in the way of one of them stops the run.

`glob` of the standard library leaves out what it cannot read without a word, so it cannot be used for a log.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from jobs.sources.errors import SourceError

_MAGIC = re.compile(r"[*?[]")
# What rotation appends to the name of a log: numbers and dates, `.old`, and the ending of a compression, in any order.
_ROTATION = re.compile(
    r"(?:[._@+-][0-9][0-9T:_.+-]*Z?|\.old|\.(?:gz|zst|zstd|bz2|xz|lzma|lz|lz4|br|zip|7z|z))*$", re.IGNORECASE
)
_HAS_FORMAT = re.compile(r"\.(?:jsonl|ndjson|json|csv|parquet)$", re.IGNORECASE)


def matching_paths(setting: str, pattern: str) -> list[Path]:
    """Return the files and folders that a pattern matches, by name, each link that leads to one as well.

    `*`, `?` and `[...]` stand for parts of a name, `**` for any depth of folders, and none of them for a leading dot.
    If its last part has a wildcard and ends in a format, it also matches the rotated files of what it names. Raises
    SourceError for a folder on the way that cannot be read, and for a link that leads nowhere.
    """
    path = Path(pattern)
    anchor = Path(path.anchor)
    parts = path.parts[1:] if path.anchor else path.parts
    return sorted(set(_matches(setting, anchor, parts)))


def is_pattern(path: str) -> bool:
    """Return whether a path has wildcards."""
    return _MAGIC.search(path) is not None


def _matches(setting: str, folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    name, rest = parts[0], parts[1:]
    if name == "**":
        for below in _folders_below(setting, folder, set()):
            yield from _matches(setting, below, rest or ("*",))
    elif not is_pattern(name):
        yield from _descend(setting, folder / name, rest)
    else:
        for child in _children(setting, folder):
            if _fits(child.name, name, is_last=not rest):
                yield from _descend(setting, child, rest)


def _descend(setting: str, path: Path, rest: tuple[str, ...]) -> Iterator[Path]:
    if rest and is_folder(setting, path):
        yield from _matches(setting, path, rest)
    elif not rest and exists(setting, path):
        yield path


def _folders_below(setting: str, folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """Return a folder and all below it; each once, so that a link to a folder above it ends."""
    status = folder.stat()
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    yield folder
    for child in _children(setting, folder):
        if not child.name.startswith(".") and is_folder(setting, child):
            yield from _folders_below(setting, child, seen)


def _children(setting: str, folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise _unreadable(setting, folder, error) from error


def _fits(name: str, pattern: str, *, is_last: bool) -> bool:
    if name.startswith(".") and not pattern.startswith("."):
        return False
    if is_last and _HAS_FORMAT.search(pattern) and fnmatchcase(_ROTATION.sub("", name), pattern):
        return True
    return fnmatchcase(name, pattern)


def exists(setting: str, path: Path) -> bool:
    """Return whether there is something at a path. Raises SourceError for a link that leads nowhere."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise SourceError(
                f"{setting}: {path} is a link to {path.readlink()}, which does not exist; mount or restore it, "
                "or remove the link"
            ) from error
        return False
    except OSError as error:
        raise _unreadable(setting, path, error) from error
    return True


def is_folder(setting: str, path: Path) -> bool:
    """Return whether a path is a folder. Raises SourceError for a link that leads nowhere."""
    return exists(setting, path) and path.is_dir()


def _unreadable(setting: str, path: Path, error: OSError) -> SourceError:
    return SourceError(
        f"{setting}: {path} cannot be read ({error.strerror}); give this user permission to read it, "
        f"or exclude it from {setting}"
    )
