"""Where the console listens, from the options of a command."""

from typing import TYPE_CHECKING

from console.extras import require_libraries

if TYPE_CHECKING:
    from console.web.server import Address

_LIBRARIES = ("fastapi", "uvicorn", "httptools", "jinja2", "prometheus_client")


def address_of(host: str, port: int, *, without_token: bool) -> "Address":
    """Return where the console listens. Raises SettingsError if the extra `web` is missing."""
    require_libraries("the console", _LIBRARIES, "web")
    from console.web.server import Address

    return Address(host=host, port=port, is_open=without_token)
