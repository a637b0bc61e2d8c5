"""The documentation as a site: it builds without a warning, and a reader's browser asks no other host for anything."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import expect

from console.main import COMMANDS
from docs.generators.site_pages import notebook_page, with_links_of_the_site
from tests.browser.conftest import Visit

# One process builds the site for all of them.
pytestmark = pytest.mark.xdist_group("documentation site")

ROOT = Path(__file__).parents[2]
_FETCHED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc="(https?:[^"]*)"|<link\b[^>]*\bhref="(https?:[^"]*)"""
)
_FETCHED_BY_STYLES = re.compile(r"url\(\s*['\"]?(?:https?:)?//|@import\s+['\"]?(?:https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` builds it."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (built.returncode, built.stderr) == (0, ""), built.stdout + built.stderr
    return folder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library names it
        """Say nothing of each request."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The address of the site on this machine, without a slash at its end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=site)) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_no_page_fetches_anything_from_another_host(site: Path) -> None:
    pages, styles = list(site.rglob("*.html")), list(site.rglob("*.css"))

    assert len(pages) > 30
    assert [page.name for page in pages if _FETCHED.search(page.read_text("utf-8"))] == []
    assert [style.name for style in styles if _FETCHED_BY_STYLES.search(style.read_text("utf-8"))] == []


def test_the_reference_has_every_command(site: Path) -> None:
    page = (site / "commands" / "index.html").read_text("utf-8")

    assert [name for name in COMMANDS if f'id="{name}"' not in page] == []


def test_links_lead_from_page_to_page_of_the_site() -> None:
    here = "[a](../CONTRIBUTING.md) [b](rules.md#seed) [c](https://example.org/x.md) [d](bots/ccxt.md)"

    assert with_links_of_the_site(here, "docs/README.md", "README.md") == (
        "[a](contributing.md) [b](rules.md#seed) [c](https://example.org/x.md) [d](bots/ccxt.md)"
    )
    assert with_links_of_the_site("[a](docs/glossary.md)", "CONTRIBUTING.md", "contributing.md") == "[a](glossary.md)"
    assert with_links_of_the_site("[a](../router.md#x)", "docs/bots/ccxt.md", "bots/ccxt.md") == "[a](../router.md#x)"
    assert with_links_of_the_site("[a](../docs/data.md)", "client/README.md", "client.md") == "[a](data.md)"


def test_a_notebook_becomes_its_texts_and_blocks_of_code() -> None:
    cells = (
        '{"cells": [{"cell_type": "markdown", "source": ["# A\\n", "b"]}, {"cell_type": "code", "source": ["x = 1"]}]}'
    )

    assert notebook_page(cells) == "# A\nb\n\n```python\nx = 1\n```"


def test_a_reader_finds_a_page_by_the_search(address: str, visit: Visit) -> None:
    page = visit(f"{address}/tutorials/trader/")
    expect(page.get_by_role("heading", name="Tutorial: you have a log of orders")).to_be_visible()

    expect(page.locator(".md-search-result__meta")).to_have_text(
        "Type to start searching"
    )  # what is typed before is lost
    page.locator("input[name=query]").press_sequentially("post-only reject")  # the search begins when a key goes up

    expect(page.locator(".md-search-result__item").first).to_be_visible()
