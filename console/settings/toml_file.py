"""Reading a TOML file, with errors that name it."""

import tomllib
from pathlib import Path
from typing import Any

from console.errors import SettingsError


def read_toml(path: Path, remedy: str, option: str = "") -> dict[str, Any]:
    """Return the content of a file in UTF-8, a byte order mark aside.

    `remedy` is what to do if there is no such file; `option` is the option that names it. Raises SettingsError if it
    cannot be read; values are not repeated, since one may be a password.
    """
    name = f"{option}: {path}" if option else str(path)
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{name} cannot be read ({error.strerror}); {remedy}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name} is not UTF-8; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        quotes = '; text needs quotes, as in path = "logs/*.jsonl"' if "Invalid value" in str(error) else ""
        raise SettingsError(f"{name} is not a valid TOML file: {error}{quotes}") from error
