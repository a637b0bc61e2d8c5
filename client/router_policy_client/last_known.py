"""The last-known-good file: a router that restarts while the store is unreachable continues with it, at true age."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from router_policy_client.cached_policy import StoredPolicy
from router_policy_client.errors import UnreadableRowError
from router_policy_client.rows import read_row

FORMAT = 1


def save(path: Path, store: str, scope: str, saved_at: datetime, policies: Iterable[StoredPolicy]) -> None:
    """Replace the file by one with these policies, atomically; raises OSError.

    Rows have the columns of the view, so that `read_row` reads both.
    """
    content = {
        "format": FORMAT,
        "store": store,
        "scope": scope,
        "saved_at": saved_at.isoformat(),
        "policies": [_row(stored) for stored in policies],
    }
    unfinished = path.with_name(f"{path.name}.{token_hex(8)}")  # unique among readers, also in other containers
    try:
        with open(unfinished, "w", encoding="utf-8", opener=_open_private) as file:
            json.dump(content, file, default=str, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _open_private(path: str, flags: int) -> int:
    """Open a file that its owner may write and its group may read, no more than the umask allows."""
    return os.open(path, flags, 0o640)


def load(path: Path, store: str, scope: str) -> tuple[list[StoredPolicy], datetime]:
    """Return the saved policies of a scope of a store, and the time at which they were saved (UTC).

    Raises OSError if the file cannot be read, and UnreadableRowError if it is damaged or of another store or scope.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        _check(content, store, scope)
        saved_at = datetime.fromisoformat(content["saved_at"])
        return [read_row(row) for row in content["policies"]], saved_at.astimezone(UTC)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise UnreadableRowError(f"{path} was not used: {error}") from error


def _check(content: Mapping[str, object], store: str, scope: str) -> None:
    if content["format"] != FORMAT:
        raise UnreadableRowError(f"its format is {content['format']!r}, this program reads {FORMAT}")
    if (content["store"], content["scope"]) != (store, scope):
        raise UnreadableRowError(f"it is of {content['store']}, scope {content['scope']!r}")


def _row(stored: StoredPolicy) -> dict[str, object]:
    row = asdict(stored.policy)
    if stored.computed is not None:
        row["computed_maker_first"] = stored.computed.maker_first
        row["computed_taker_bias"] = stored.computed.taker_bias
        row["override_until_at"] = stored.override_until_at
    return row
