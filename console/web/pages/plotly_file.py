"""Where the script is that draws pictures."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path


def plotly_script() -> Path:
    """Return the file of plotly's script, which comes with its package; the package itself is not loaded."""
    spec = find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("plotly is missing: install router-policy with [web]")
    return Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js"


@cache
def own_style_ids() -> tuple[str, ...]:
    """Return the names under which the script would put styles of its own into a page, which the page's policy forbids.

    They are for maps, which the console has none of. Where an element of that name is there already, it leaves it be.
    """
    return tuple(re.findall(r'getElementById\("([0-9a-f]{64})"\)', plotly_script().read_text("utf-8")))
