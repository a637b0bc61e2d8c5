"""Where the console listens, from the options of a command."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from console.errors import SettingsError

if TYPE_CHECKING:
    from console.web.server import Address

_LIBRARIES = ("fastapi", "uvicorn", "httptools", "jinja2", "prometheus_client")


def address_of(host: str, port: int, *, without_token: bool) -> "Address":
    """Return where the console listens. Raises SettingsError if the extra `web` is missing."""
    if missing := [name for name in _LIBRARIES if find_spec(name) is None]:
        raise SettingsError(f"the console needs {', '.join(missing)}: install router-policy with [web]")
    from console.web.server import Address

    return Address(host=host, port=port, is_open=without_token)
