"""The server: its address, who may read, and when it ends."""

import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from types import FrameType

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from console.errors import SettingsError
from console.settings.model import Settings
from console.settings.plan import fees_of, orders_of
from console.web.app import LOCAL_HOSTS, Access, create_app
from console.web.connections import ACCEPTED_AT_ONCE, BoundedProtocol
from console.web.order_log import OrderLog
from console.web.pages.backtest_files import BacktestFiles
from console.web.writing import Writing
from jobs.analysis.health import WatchedScope
from policy.errors import RouterPolicyError
from storage.errors import StoreError
from storage.store import Store
from storage.write.rights import why_no_overrides

log = logging.getLogger("router_policy.web")
_SHUTDOWN_SECONDS = 5


class AddressError(RouterPolicyError, OSError):
    """The console cannot listen on the address of its settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the console listens; port 0 takes any free one. `is_open`: anyone on the network may read, on purpose."""

    host: str = "127.0.0.1"
    port: int = 8765
    is_open: bool = False


@dataclass(slots=True, kw_only=True)
class Console:
    """What answers at an address; its settings can be replaced while it does."""

    address: Address
    store: Store
    holder: str | None = None
    _app: FastAPI | None = field(default=None, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or start and end, as ASGI has it."""
        assert self._app is not None
        await self._app(scope, receive, send)

    def use(self, settings: Settings) -> None:
        """Answer by these settings from the next request on.

        Raises SettingsError if the address would be open to the network without a token; nothing has changed then.
        """
        self._app = app_of(settings, self.address, self.store, self.holder)
        warn_if_read_only(settings, self.store)


def _ignore(console: Console) -> None:
    """Do nothing about a console that begins."""


@contextmanager
def console_at(
    settings: Settings, address: Address, holder: str | None = None, begun: Callable[[Console], None] = _ignore
) -> Iterator[str]:
    """Serve the console from a thread while the block runs, and give the address for a browser; `begun` gets it too.

    Raises SettingsError if the address is open to the network without a token, AddressError if it cannot be used.
    """
    with Store(settings.store.url) as store, _listening(settings, address) as listener:
        console = Console(address=address, store=store, holder=holder)
        console.use(settings)
        server = server_of(console)
        begun(console)
        thread = Thread(target=server.run, args=([listener],), name="console")
        thread.start()
        try:
            yield url_of(listener)
        finally:
            server.should_exit = True
            thread.join()


def serve(
    settings: Settings, address: Address, announce: Callable[[str], None], begun: Callable[[Console], None] = _ignore
) -> None:
    """Serve the console until SIGTERM or Ctrl-C; `announce` gets the address, `begun` it. Raises as `console_at`."""
    with Store(settings.store.url) as store, _listening(settings, address) as listener:
        console = Console(address=address, store=store)
        console.use(settings)
        server = server_of(console)
        _end_on_signals(server)
        begun(console)
        announce(url_of(listener))
        server.run([listener])


def _end_on_signals(server: uvicorn.Server) -> None:
    """Shut down gracefully on a signal; the server passes each on to these handlers once it has ended."""

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def app_of(settings: Settings, address: Address, store: Store, holder: str | None = None) -> FastAPI:
    """Make the application of a console. Raises SettingsError as `access_of`."""
    slots = settings.schedule.slots
    watched = WatchedScope(store=store, scope=settings.scope, slots=slots, symbols=settings.symbols)
    backtest = settings.web.backtest
    return create_app(
        watched,
        access=access_of(settings, address),
        holder=holder,
        backtest=BacktestFiles(Path(backtest)) if backtest is not None else None,
        writing=writing_of(settings),
        order_log=OrderLog(orders=orders_of(settings), slots=slots, fees=fees_of(settings)),
    )


def server_of(app: ASGIApp) -> uvicorn.Server:
    """Make the server of a console; it uses the logging of the process."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_keep_alive=30,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            http=BoundedProtocol,
            backlog=ACCEPTED_AT_ONCE,
        )
    )


def access_of(settings: Settings, address: Address) -> Access:
    """Return who may read. Raises SettingsError for an open address without a token, unless `is_open`."""
    token = settings.web.token.get_secret_value() if settings.web.token is not None else None
    is_local = is_local_host(address.host)
    if token is None and not is_local and not address.is_open:
        raise SettingsError(
            f"the console would be open to everyone who reaches {address.host}: set ROUTER_POLICY_WEB__TOKEN, "
            "or use --without-token if something else keeps strangers out"
        )
    hosts = [*LOCAL_HOSTS, *settings.web.hosts]
    return Access(token=token, hosts=hosts if is_local or settings.web.hosts else ["*"])


def writing_of(settings: Settings) -> Writing | None:
    """Return who may override from the console, None if nobody may."""
    tokens = {author: token.get_secret_value() for author, token in settings.web.write_token.items()}
    return Writing(tokens=tokens, longest=settings.overrides.longest) if tokens else None


def warn_if_read_only(settings: Settings, store: Store) -> None:
    """Log why overrides cannot be made from the console although the settings allow it; it goes on all the same."""
    if not settings.web.write_token:
        return
    try:
        with store.reading() as connection:
            message = why_no_overrides(connection)
    except StoreError:  # pages and probes say it
        return
    if message is not None:
        log.warning("overrides cannot be made from the console: %s", message)


def is_local_host(host: str) -> bool:
    """Return whether only this machine itself reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _listening(settings: Settings, address: Address) -> Iterator[socket.socket]:
    access_of(settings, address)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        listener = socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        raise AddressError(
            f"the console cannot listen on {address.host} port {address.port} ({error.strerror or error}); "
            "choose another with --port, or --host"
        ) from error
    with listener:
        yield listener


def url_of(listener: socket.socket) -> str:
    """Return the address for a browser on this machine."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - shown, not bound to
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"
