"""Probes: the few orders that try the maker side while the policy says taker, the same ones in every process."""

from hashlib import sha256


def is_probe(order_id: str, every: int) -> bool:
    """Tell whether an order is one of the `every`-th, by its id alone; below 1 none is."""
    if every < 1:
        return False
    digest = sha256(order_id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % every == 0
