"""How rejected rows of the sources are worded: how many for which reason, with one sample."""

from collections.abc import Iterable, Iterator

from policy.reject import Reject


def reject_text(reject: Reject) -> str:
    """Return one reason's count and sample, as in `orders: 3 x zero_fill, as log.jsonl:7`."""
    return f"{reject.source}: {reject.reject_count} x {reject.reason}, as {reject.sample}"


def reject_lines(rejects: Iterable[Reject]) -> Iterator[str]:
    """Yield an indented line for each reason for which rows were not used."""
    for reject in rejects:
        yield f"  not used, {reject_text(reject)}"
