"""The last-known-good file: what a router that restarts while the store is away goes on with, at its true age."""

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


def save(path: Path, store: str, scope: str, saved_at: datetime, known: Iterable[StoredPolicy]) -> None:
    """Put the policies in the place of the file before, whole or not at all; raises OSError.

    The rows are written as the view has them, so that they are read by the same rules.
    """
    content = {
        "format": FORMAT,
        "store": store,
        "scope": scope,
        "saved_at": saved_at.isoformat(),
        "policies": [_row(one) for one in known],
    }
    unfinished = path.with_name(f"{path.name}.{token_hex(8)}")  # of no other reader, here or in another container
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(content, file, default=str, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def load(path: Path, store: str, scope: str) -> tuple[list[StoredPolicy], datetime]:
    """Return what was saved of a scope of a store, and when.

    Raises OSError where there is no such file, and UnreadableRowError where it is damaged or of something else.
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


def _row(known: StoredPolicy) -> dict[str, object]:
    row = asdict(known.policy)
    if known.computed is not None:
        row["computed_maker_first"] = known.computed.maker_first
        row["computed_taker_bias"] = known.computed.taker_bias
        row["override_until_at"] = known.override_until_at
    return row
