"""How a policy's route is worded: maker first, or straight to taker."""


def route_words(maker_first: bool) -> str:
    """Return the route in words."""
    return "maker first" if maker_first else "straight to taker"


def policy_words(maker_first: bool, taker_bias: object) -> str:
    """Return the route in words, and the patience at the maker price after it."""
    return f"{route_words(maker_first)}, {taker_bias}"
