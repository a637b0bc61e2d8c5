"""`router-policy web`: the console in this process, until it is told to stop."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from console.errors import SettingsError
from console.settings.file import load
from console.terminal.logs import set_up_logs

if TYPE_CHECKING:
    from console.web.server import Address

_NEEDED = ("fastapi", "uvicorn", "jinja2", "plotly", "prometheus_client")


def serve_console(config: Path | None, host: str, port: int, without_token: bool) -> None:
    """Serve the console of the settings; returns after SIGTERM or Ctrl-C.

    Raises SettingsError where the extra `web` is missing, or the console would be open to strangers.
    """
    address = address_of(host, port, without_token)
    settings = load(config)
    set_up_logs()
    from console.web.server import serve

    serve(settings, address, _announce)


def address_of(host: str, port: int, without_token: bool) -> "Address":
    """Return where the console listens. Raises SettingsError where the extra `web` is missing."""
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise SettingsError(f"the console needs {', '.join(missing)}: install router-policy with [web]")
    from console.web.server import Address

    return Address(host=host, port=port, is_open=without_token)


def _announce(url: str) -> None:
    sys.stdout.write(f"console at {url} (Ctrl-C ends it)\n")
    sys.stdout.flush()
