"""Assignment: whether chance sends an order the other way than its policy says, by the order's id and a salt alone."""

from hashlib import sha256

_HASHES = 2.0**64


def is_held_out(order_id: str, salt: str, share: float) -> bool:
    """Return whether an order is held out, as a share of all ids is; false for a share of 0, true for one of 1.

    The first 8 bytes of the SHA-256 of salt, a NUL and id, as a big-endian number, divided by 2^64, are less than the
    share. So every process agrees, and anyone can derive it again. Half a surrogate pair is encoded as it is.
    """
    digest = sha256(f"{salt}\0{order_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / _HASHES < share
