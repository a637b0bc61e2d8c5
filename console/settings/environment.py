"""Settings in the environment: which variables are ours, and the errors for those that cannot be read."""

import os
import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches

from console.errors import SettingsError

ENVIRONMENT_PREFIX = "ROUTER_POLICY_"
_SEPARATOR = "__"
_FEES_OF_SYMBOLS = f"{ENVIRONMENT_PREFIX}FEES__SYMBOLS"
# What Kubernetes, and Docker before it, put into the environment of a container for a service called router-policy,
# or router-policy and more words. A port by itself is theirs if it is an address, as in tcp://10.0.0.1:8765.
_SERVICE_VARIABLE = re.compile(
    r"(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR|START|END))?)"
    r"|ENV_\w+"
)
_SERVICE_ADDRESS = re.compile(r"(?:\w+_)?PORT(?:_START|_END)?")
_SIMILAR = 0.8  # of 1: a letter left out, added or exchanged with its neighbour


def refuse_unknown_variables(settings: Sequence[str]) -> None:
    """Refuse a variable that is nearly a setting, which the library would ignore, and symbols in its name.

    `settings` are all settings in the form `store__url`. Variables of other programs are left alone, also if their
    names begin like ours. Raises SettingsError naming the variable.
    """
    for name in os.environ:
        variable = _name_without_prefix(name)
        if variable is None:
            continue
        if name.upper().startswith(_FEES_OF_SYMBOLS + _SEPARATOR):
            example = '{"BTCUSDT": {"maker_bps": 2, "taker_bps": 5}}'
            raise SettingsError(
                f"{name} in the environment cannot name a symbol, since upper and lower case are the same there; "
                f"write all of them as JSON: {_FEES_OF_SYMBOLS}='{example}'"
            )
        if not _is_read(variable, settings) and _is_meant_as_a_setting(variable, os.environ[name], settings):
            raise SettingsError(f"{name} in the environment is not a setting; {_suggestion(variable, settings)}")


def explain_unreadable_variable(message: str, sections: Collection[str]) -> str:
    """Name the variables of the section that the library names: its message does not name the unreadable one."""
    section = next((name for name in sections if f'"{name}"' in message), "")
    names = sorted(name for name in os.environ if _section_of(_name_without_prefix(name) or "") == section)
    return f'{" or ".join(names)} in the environment cannot be read; write a list as JSON, as in ["BTCUSDT"]'


def _name_without_prefix(variable: str) -> str | None:
    """Return the name in lower case, None without our prefix; the library ignores upper and lower case."""
    name = variable.upper()
    return name.removeprefix(ENVIRONMENT_PREFIX).lower() if name.startswith(ENVIRONMENT_PREFIX) else None


def _section_of(variable: str) -> str:
    return variable.partition(_SEPARATOR)[0]


def _is_read(variable: str, settings: Sequence[str]) -> bool:
    """Return whether the library reads the variable; it reports an unknown name below a section itself."""
    return variable in settings or _section_of(variable) in _sections(settings)


def _sections(settings: Sequence[str]) -> set[str]:
    return {_section_of(name) for name in settings if _SEPARATOR in name}


def _is_meant_as_a_setting(variable: str, value: str, settings: Sequence[str]) -> bool:
    """Return whether someone meant a setting: two underscores, the name of a section, or a similar name."""
    if _SEPARATOR in variable:
        return True
    if _SERVICE_VARIABLE.fullmatch(variable.upper()) or (
        "://" in value and _SERVICE_ADDRESS.fullmatch(variable.upper())
    ):
        return False
    in_a_section = any(variable.startswith(f"{section}_") for section in _sections(settings))
    return in_a_section or bool(_similar(variable, settings))


def _similar(variable: str, settings: Sequence[str]) -> list[str]:
    """Return the settings whose name, or its last part, has nearly the same letters; the most similar first."""
    by_letters = {_letters(spelling): name for name in settings for spelling in (name.rpartition(_SEPARATOR)[2], name)}
    by_letters.update({_section_of(name): name for name in settings})
    return [by_letters[match] for match in get_close_matches(_letters(variable), by_letters, cutoff=_SIMILAR)]


def _letters(name: str) -> str:
    return name.replace("_", "")


def _suggestion(variable: str, settings: Sequence[str]) -> str:
    similar = _similar(variable, settings)
    return f"is it {ENVIRONMENT_PREFIX}{similar[0].upper()}?" if similar else "is it misspelt?"
