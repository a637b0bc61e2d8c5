"""Reads the settings: one TOML file, and ROUTER_POLICY_* in the environment over it."""

import glob
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError as UnreadableVariableError

from console.errors import SettingsError
from console.settings.environment import explain_unreadable_variable, refuse_unknown_variables
from console.settings.model import Settings, setting_names
from console.settings.sources import LocationSettings
from console.settings.toml_file import read_toml

FILE_NAME = "router-policy.toml"
_SIMILAR = 0.75  # of 1: one letter of four left out, added or changed
_RENAMED = {"web.evaluation": "web.backtest"}


def load(config: Path | None) -> Settings:
    """Read the settings from a file, else from `router-policy.toml` here, with the environment over it.

    Paths become absolute, those of the environment too: they are relative to the folder of the file. Raises
    SettingsError naming every setting that is missing, unknown or wrong; values are not repeated, since one may be a
    password.
    """
    path = config or Path(FILE_NAME)
    values = read_toml(path, "router-policy init writes one") if config is not None or path.exists() else {}
    refuse_unknown_variables(setting_names())
    try:
        settings = Settings(**values)
    except UnreadableVariableError as error:
        raise SettingsError(explain_unreadable_variable(str(error), Settings.model_fields)) from error
    except ValidationError as error:
        source = str(path) if values else f"no {FILE_NAME} here (router-policy init writes one); from the environment"
        raise SettingsError("\n".join(f"{source}: {_message(problem)}" for problem in error.errors())) from error
    return _with_absolute_paths(settings, path.absolute().parent)


def _message(problem: ErrorDetails) -> str:
    name = ".".join(map(str, problem["loc"])) or "settings"
    if name in _RENAMED:
        return f"{name} is now {_RENAMED[name]}"
    if problem["type"] == "extra_forbidden":
        return f"{name} is not a setting; {_suggestion(name)}"
    if problem["type"] == "missing":
        return f"{name} is missing"
    return f"{name}: {problem['msg'].removeprefix('Value error, ')}"


def _suggestion(name: str) -> str:
    """Return a question with the setting, or the section, whose name is similar."""
    settings = [known.replace("__", ".") for known in setting_names()]
    sections = [known.partition(".")[0] for known in settings]
    similar = get_close_matches(name, [*settings, *sections], n=1, cutoff=_SIMILAR)
    return f"is it {similar[0]}?" if similar else "is it misspelt?"


def _with_absolute_paths(settings: Settings, folder: Path) -> Settings:
    sections = {name: section for name, section in settings if isinstance(section, BaseModel)}
    paths = {name: _absolute_paths(section, folder) for name, section in sections.items()}
    for name, absolute in paths.items():
        _refuse_unwritable_names(name, absolute)
    placed = {name: section.model_copy(update=paths[name]) for name, section in sections.items()}
    for section in placed.values():
        if isinstance(section, LocationSettings):
            section.begin_in(str(folder))
    return settings.model_copy(update=placed)


def _absolute_paths(section: BaseModel, folder: Path) -> dict[str, str]:
    anchors = {"path": _absolute_pattern, "backtest": _absolute, "url": _absolute_sqlite}
    texts = {name: getattr(section, name, None) for name in anchors}
    return {name: anchors[name](text, folder) for name, text in texts.items() if text is not None}


def _refuse_unwritable_names(section: str, paths: Mapping[str, str]) -> None:
    """Refuse letters beyond ASCII in a path if Python writes file names otherwise than the engine, which uses UTF-8."""
    encoding = sys.getfilesystemencoding()
    names = [key for key, path in paths.items() if not path.isascii() and (key != "url" or path.startswith("sqlite"))]
    if names and encoding != "utf-8":
        raise SettingsError(
            f"{section}.{names[0]} has letters beyond ASCII, and this locale writes file names in {encoding}; "
            "set LC_ALL=C.UTF-8 in the environment"
        )


def _absolute(path: str, folder: Path) -> str:
    return path if "://" in path else str(folder / path)


def _absolute_pattern(pattern: str, folder: Path) -> str:
    """Return the pattern below the folder, whose own name is not part of the pattern."""
    return pattern if "://" in pattern else str(Path(glob.escape(str(folder))) / pattern)


def _absolute_sqlite(url: str, folder: Path) -> str:
    scheme, separator, path = url.partition(":///")
    if not (separator and scheme.partition("+")[0] == "sqlite") or path in ("", ":memory:"):
        return url
    if path.startswith("file:"):  # a URI, as SQLite reads it
        relative = path.removeprefix("file:")
        return url if relative.startswith("/") else f"{scheme}:///file:{quote(str(folder))}/{relative}"
    return url if Path(path).is_absolute() else f"{scheme}:///{folder / path}"
