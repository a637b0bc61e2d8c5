"""What a verification found, as programs get it from `verify`, `backup`, `restore` and `upgrade`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.audit.verify import Progress


def verified_record(verified: "Progress") -> dict[str, object]:
    """Return how much was verified, and the newest digest, null for an empty history."""
    return {
        "run_count": verified.run_count,
        "snapshot_count": verified.snapshot_count,
        "head": verified.digest or None,
    }
