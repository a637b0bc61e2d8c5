"""The demo: a seeded market and a maker-first bot on it, whose log and candles the jobs read like anybody's.

Nothing outside this package knows that they are simulated: what is read lies in files, as a real bot writes them. The
bot routes its orders with the client that real routers install; importing this without it raises ClientMissingError.
"""

from importlib.util import find_spec

from policy.errors import RouterPolicyError


class ClientMissingError(RouterPolicyError, ImportError):
    """What the demo's bot routes its orders with is not installed."""


if find_spec("router_policy_client") is None:
    raise ClientMissingError(
        "the demo's bot routes its orders with router-policy-client, which is not installed here; "
        "install it beside router-policy, as in: pip install ./client"
    )
