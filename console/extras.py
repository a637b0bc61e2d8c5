"""Libraries that come with an extra: whether they are there, and how to install them."""

from collections.abc import Sequence
from importlib.util import find_spec

from console.errors import SettingsError


def require_libraries(what: str, libraries: Sequence[str], extra: str) -> None:
    """Raise SettingsError with the command that installs an extra if one of its libraries is missing."""
    if missing := [name for name in libraries if find_spec(name) is None]:
        raise SettingsError(
            f"{what} needs {' and '.join(missing)}; in the clone of router-policy run: pip install '.[{extra}]'"
        )
