"""`router-policy web`: the console in this process, until a signal ends it."""

import sys

from console.address import address_of
from console.options import Config, Host, Port, WithoutToken
from console.reload import changed_sections, reloaded_on_sighup, require_same_store
from console.settings.file import load
from console.terminal.logs import set_up_logs


def command(
    host: Host = "127.0.0.1", port: Port = 8765, without_token: WithoutToken = False, config: Config = None
) -> None:
    """Serve the console: pages for people, an API for programs, metrics for Prometheus; until Ctrl-C."""
    address = address_of(host, port, without_token=without_token)
    settings = load(config)
    set_up_logs()
    from console.web.server import Console, serve

    consoles: list[Console] = []

    def reload() -> list[str]:
        nonlocal settings
        new = load(config)
        require_same_store(settings, new)
        for console in consoles:
            console.use(new)
        before, settings = settings, new
        return changed_sections(before, new)

    with reloaded_on_sighup(reload):
        serve(settings, address, _announce, consoles.append)


def _announce(url: str) -> None:
    sys.stdout.write(f"console at {url} (Ctrl-C ends it)\n")
    sys.stdout.flush()
