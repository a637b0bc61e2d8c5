"""Hooks of mkdocs: the pages of the site that lie elsewhere or are made from the code, and links to them."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from posixpath import relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.generators.commands_page import commands_page

ROOT = Path(__file__).parents[2]
_NOTEBOOK = "notebooks/history"
# Pages and files of the site by where they lie in the repository, seen from its root.
_ELSEWHERE = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "client/README.md": "client.md",
    **{f"console/files/{path.name}": f"files/{path.name}" for path in (ROOT / "console" / "files").iterdir()},
    **{
        name: name
        for path in (ROOT / "deploy").rglob("*")
        if path.is_file() and (name := path.relative_to(ROOT).as_posix())
    },
}
_MADE: Mapping[str, Callable[[], str]] = {
    "commands.md": commands_page,
    f"{_NOTEBOOK}.md": lambda: notebook_page((ROOT / "docs" / f"{_NOTEBOOK}.ipynb").read_text("utf-8")),
    **{site: (ROOT / source).read_text for source, site in _ELSEWHERE.items()},
}
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not lie in docs/."""
    for name, content in _MADE.items():
        files.append(File.generated(config, name, content=content()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - mkdocs names them
    """Point the links of a page, which lead from file to file of the repository, to the pages of the site."""
    of_site = {site: source for source, site in _ELSEWHERE.items()}
    return with_links_of_the_site(
        markdown, of_site.get(page.file.src_uri, f"docs/{page.file.src_uri}"), page.file.src_uri
    )


def with_links_of_the_site(markdown: str, source: str, page: str) -> str:
    """Return the text with each link from `source`, a path in the repository, as a link from `page` of the site."""

    def of_site(link: re.Match[str]) -> str:
        target = relpath(f"{Path(source).parent.as_posix()}/{link[1]}")
        site = _ELSEWHERE.get(target) or target.removeprefix("docs/")
        if not target.startswith("docs/") and target not in _ELSEWHERE:
            return link[0]
        return f"]({relpath(site, Path(page).parent.as_posix())}{link[2] or ''})"

    return _LINK.sub(of_site, markdown)


def notebook_page(text: str) -> str:
    """Return a notebook as Markdown: its texts as they are, its code in blocks."""
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"]]
    return "\n\n".join(source if kind == "markdown" else f"```python\n{source}\n```" for kind, source in cells)
