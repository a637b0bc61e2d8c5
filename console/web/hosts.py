"""By which names of this machine the console is asked."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import Receive, Scope, Send

# Kubernetes, load balancers and monitors ask for these by an address that nobody can list beforehand.
PROBES = frozenset({"/healthz", "/readyz"})
BY_UNKNOWN_NAME = "router_policy.by_unknown_name"  # in the scope of such a request to a probe


class KnownHosts(TrustedHostMiddleware):
    """Refuses requests by an unknown name of this machine; those to the probes are marked and passed on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] in PROBES:
            await self.app({**scope, BY_UNKNOWN_NAME: not self._is_known(scope)}, receive, send)
            return
        await super().__call__(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        try:
            host = urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname or ""
        except ValueError:
            return self.allow_any
        names = (host, f"[{host}]")  # an IPv6 address has brackets in the list, and none after parsing
        return self.allow_any or any(_matches(name, pattern) for name in names for pattern in self.allowed_hosts)


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or (pattern.startswith("*") and name.endswith(pattern[1:]))
