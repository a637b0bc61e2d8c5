"""Settings in the environment: which variables are ours, and the errors for those that cannot be read."""

import os
from collections.abc import Collection

from console.errors import SettingsError

ENVIRONMENT_PREFIX = "ROUTER_POLICY_"
_FEES_OF_SYMBOLS = f"{ENVIRONMENT_PREFIX}FEES__SYMBOLS"


def refuse_unknown_variables(sections: Collection[str]) -> None:
    """Refuse a misspelt variable, which the library would ignore, and symbols, which it would write in lower case.

    Raises SettingsError naming the variable.
    """
    for name in os.environ:
        section = _section_of(name)
        if section is not None and section not in sections:
            raise SettingsError(f"{name} in the environment is not a setting; is it misspelt?")
        if name.upper().startswith(_FEES_OF_SYMBOLS + "__"):
            example = '{"BTCUSDT": {"maker_bps": 2, "taker_bps": 5}}'
            raise SettingsError(
                f"{name} in the environment cannot name a symbol, since upper and lower case are the same there; "
                f"write all of them as JSON: {_FEES_OF_SYMBOLS}='{example}'"
            )


def explain_unreadable_variable(message: str, sections: Collection[str]) -> str:
    """Name the variables of the section that the library names: its message does not name the unreadable one."""
    section = next((name for name in sections if f'"{name}"' in message), "")
    names = sorted(name for name in os.environ if _section_of(name) == section)
    return f'{" or ".join(names)} in the environment cannot be read; write a list as JSON, as in ["BTCUSDT"]'


def _section_of(variable: str) -> str | None:
    """Return the section of a variable, None if it is not ours; the library ignores upper and lower case."""
    name = variable.upper()
    if not name.startswith(ENVIRONMENT_PREFIX):
        return None
    return name.removeprefix(ENVIRONMENT_PREFIX).partition("__")[0].lower()
