"""The demo: a seeded market and a maker-first bot on it, whose log and candles the jobs read like any others.

Nothing outside this package knows that they are simulated: the bot writes files as a real bot does. It routes its
orders with the client that real routers install; importing this package without it raises ClientMissingError.
"""

from importlib.util import find_spec

from policy.errors import RouterPolicyError


class ClientMissingError(RouterPolicyError, ImportError):
    """The client, with which the demo's bot routes its orders, is not installed."""


if find_spec("router_policy_client") is None:
    raise ClientMissingError(
        "the demo's bot routes its orders with router-policy-client, which is not installed; "
        "install it beside router-policy, as in: pip install ./client"
    )
