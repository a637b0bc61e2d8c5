"""Headers of every response: a page may load only the console's own scripts, styles and pictures."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SAFE_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
# For what is behind a token, so that no browser or proxy keeps it for others; and for pages, which show the time.
NOT_KEPT = {"Cache-Control": "no-store"}
_PUBLIC_PATH = "/static/"


class SafeHeaders:
    """Adds the headers to every response that does not set them itself.

    If the console `has_token`, only its scripts, styles and pictures may be kept by browsers and proxies.
    """

    def __init__(self, app: ASGIApp, *, has_token: bool) -> None:
        self.app = app
        self.has_token = has_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the headers to its response."""
        is_kept = not self.has_token or scope.get("path", "").startswith(_PUBLIC_PATH)
        added = SAFE_HEADERS if is_kept else {**SAFE_HEADERS, **NOT_KEPT}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in added.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)
