"""A headless Chromium, and consoles for it to look at: that of `two_days` for those that only look."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Error,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.browser.serving import Live, serving
from tests.browser.two_days import publish_two_days

Visit = Callable[..., Page]
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_MILLISECONDS = 20_000
# Some calls of the library wait without a limit, such as those that evaluate a script or close a page.
_LONGEST_TEST_SECONDS = 300
expect.set_options(timeout=_PATIENCE_MILLISECONDS)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The system's browser. Its loop must not outlive this folder's tests: others of the process run their own."""
    path = next((path for name in _NAMES if (path := shutil.which(name)) is not None), None)
    if path is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def browser_process_id(browser: Browser) -> int:
    """The process of the browser itself, which has those of the pages as children."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return int(next(process["id"] for process in processes if process["type"] == "browser"))


@pytest.fixture(scope="package")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The console over two days of runs."""
    with serving(tmp_path_factory.mktemp("two_days")) as live:
        publish_two_days(live.store)
        yield live


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Live]:
    """A console over a store without a run, which a test may publish into."""
    with serving(tmp_path) as live:
        yield live


@pytest.fixture
def complaints() -> list[str]:
    """What pages did that they should not: a test that provokes something empties it again."""
    return []


@pytest.fixture(scope="package")
def plain_window(browser: Browser) -> Iterator[BrowserContext]:
    """The window of every page without settings of its own: what it has loaded once, it keeps."""
    with _window(browser) as window:
        yield window


@pytest.fixture
def visit(
    browser: Browser, browser_process_id: int, plain_window: BrowserContext, complaints: list[str]
) -> Iterator[Visit]:
    """Open an address in a page of its own, and in a window of its own if settings are given.

    Fails if a page asks another address than this machine for anything, opens a dialog, throws an error, or writes
    to the browser's console; and if the test takes minutes: then the browser is ended, so that no call waits for ever.
    """
    with _browser_ended_after(_LONGEST_TEST_SECONDS, browser_process_id), ExitStack() as opened:

        def open_page(url: str, **settings: Any) -> Page:
            window = opened.enter_context(_window(browser, **settings)) if settings else plain_window
            page = window.new_page()
            opened.callback(page.close)
            _listen(page, complaints)
            page.goto(url)
            return page

        yield open_page
    assert complaints == []


@contextmanager
def _browser_ended_after(seconds: float, process_id: int) -> Iterator[None]:
    timer = Timer(seconds, os.kill, (process_id, signal.SIGKILL))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _window(browser: Browser, **settings: Any) -> Iterator[BrowserContext]:
    window = browser.new_context(**settings)
    window.set_default_timeout(_PATIENCE_MILLISECONDS)
    try:
        yield window
    finally:
        window.close()


def _listen(page: Page, complaints: list[str]) -> None:
    def on_request(request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            complaints.append(f"asked {request.url}")

    def on_console(message: ConsoleMessage) -> None:
        complaints.append(f"console: {message.text}")

    def on_dialog(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def on_error(error: Error) -> None:
        complaints.append(f"error: {error}")

    page.on("request", on_request)
    page.on("console", on_console)
    page.on("dialog", on_dialog)
    page.on("pageerror", on_error)
