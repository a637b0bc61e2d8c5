"""`router-policy web`: the console in this process, until a signal ends it."""

import sys

from console.address import address_of
from console.options import Config, Host, Port, WithoutToken
from console.reload import Reloader, reloaded_on_sighup
from console.settings.file import load
from console.terminal.logs import set_up_logs


def command(
    host: Host = "127.0.0.1", port: Port = 8765, without_token: WithoutToken = False, config: Config = None
) -> None:
    """Serve the console: pages for people, an API for programs, metrics for Prometheus; until Ctrl-C."""
    address = address_of(host, port, without_token=without_token)
    settings = load(config)
    set_up_logs()
    from console.web.server import serve

    reloader = Reloader(config=config, settings=settings)
    with reloaded_on_sighup(reloader.reload):
        serve(settings, address, _announce, reloader.attach)


def _announce(url: str) -> None:
    sys.stdout.write(f"console at {url} (Ctrl-C ends it)\n")
    sys.stdout.flush()
