"""Probes: the few orders that try the maker side while the policy is taker; every process chooses the same ones."""

from hashlib import sha256


def is_probe(order_id: str, every: int) -> bool:
    """Return whether an order is a probe, one in `every`, by its id alone; false for `every` below 1."""
    if every < 1:
        return False
    digest = sha256(order_id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % every == 0
