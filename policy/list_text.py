"""Names in a sentence: the first few, and how many more there are."""

from collections.abc import Iterable

MOST_SHOWN = 5  # of anything that is listed, names and findings alike


def listed(names: Iterable[str], most: int = MOST_SHOWN) -> str:
    """Write names in their order, as in `A, B and 3 more`: at most so many of them."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return f"{', '.join(every[:most])}{more}"
