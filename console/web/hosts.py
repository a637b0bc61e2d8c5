"""By which names of this machine the console is asked."""

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import Receive, Scope, Send

# Kubernetes, load balancers and monitors ask for these by an address that nobody can list beforehand.
PROBES = frozenset({"/healthz", "/readyz"})


class KnownHosts(TrustedHostMiddleware):
    """Refuses requests by an unknown name of this machine, except to the probes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        await super().__call__(scope, receive, send)
