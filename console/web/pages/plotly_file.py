"""The script that draws pictures, from plotly's package."""

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
    """Return the element ids under which the script would add styles, which the page's security policy forbids.

    They are for maps, which the console does not have. If an element with the id exists, the script adds nothing.
    """
    return tuple(re.findall(r'getElementById\("([0-9a-f]{64})"\)', plotly_script().read_text("utf-8")))
