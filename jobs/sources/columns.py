"""The columns of a source by the user's own names, and what is wrong if they do not fit."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from jobs.sources.errors import SourceError

ABSENT = ""  # what the settings name if the source has no such column
_NEVER_ABSENT = ("ts", "symbol", "high", "low", "close")
_SIMILAR = 0.75  # of 1
# What other programs call the columns, by letters only.
_OTHER_NAMES = {
    "ts": "time timestamp date datetime closedat doneat filledat createdat opentime eventtime tsevent tslast updatedat",
    "symbol": "pair market instrument instrumentid ticker tradingpair asset coin product",
    "maker_started": "makerstart startedmaker postonly ismakerfirst makerfirst startedasmaker",
    "maker_filled": "ismaker ismakerfinal makerfill filledmaker filledasmaker",
    "fallback_used": "usedfallback fallback isfallback fellback tookfallback",
    "slippage_bps": "slippage slipbps slip costbps slippagebp",
    "high": "h highprice pricehigh",
    "low": "l lowprice pricelow",
    "close": "c closeprice priceclose lastprice",
}


def theirs(canonical: Iterable[str], renamed: Mapping[str, str]) -> dict[str, str]:
    """Return the source's name of each canonical column; a column that the settings declare absent has an empty one."""
    return {name: renamed.get(name, name) for name in canonical}


def require_columns(
    source: str,
    origin: Path | str | None,
    present: Collection[str],
    renamed: Mapping[str, str],
    *,
    canonical: Iterable[str],
    required: Sequence[str],
) -> None:
    """Raise SourceError if a required column is not `present`, or if `renamed` names a column that is not canonical.

    `renamed` has the user's name for a canonical column, or an empty name if the source has none; `origin` is the file
    or the query that has the columns.
    """
    _require_canonical(source, renamed, list(canonical))
    missing = [
        name
        for name in required
        if renamed.get(name, name) not in present and (renamed.get(name) != ABSENT or name in _NEVER_ABSENT)
    ]
    if missing:
        names = ", ".join(repr(renamed.get(name, name) or name) for name in missing)
        raise SourceError(
            f"{source}: {origin} has no column {names}; it has {', '.join(present)}. {_hint(source, missing, present)}"
        )


def _require_canonical(source: str, renamed: Mapping[str, str], known: Collection[str]) -> None:
    for name, their_name in renamed.items():
        if name not in known:
            raise SourceError(
                f"{source}.columns: {name!r} is not a canonical column; the columns are {', '.join(known)}"
            )
        if their_name == ABSENT and name in _NEVER_ABSENT:
            raise SourceError(f"{source}.columns: {name} cannot be absent; name the column that has it")


def _hint(source: str, missing: Sequence[str], present: Collection[str]) -> str:
    """Name the columns that are likely meant; without one, say so."""
    guesses = {name: likely_column(name, present) for name in missing}
    named = [f'{name} = "{guess}"' for name, guess in guesses.items() if guess is not None]
    unknown = [name for name, guess in guesses.items() if guess is None]
    hints = [f"Name yours in [{source}.columns], as in: {', '.join(named)}."] if named else []
    if unknown:
        absent = [name for name in unknown if name not in _NEVER_ABSENT]
        declare = f'; if it has none, write: {absent[0]} = ""' if absent else ""
        hints.append(f"None of its columns looks like {', '.join(unknown)}: name yours in [{source}.columns]{declare}")
    return " ".join(hints)


def likely_column(name: str, present: Collection[str]) -> str | None:
    """Return the column that, by its name, is likely the canonical one; None if no name is near."""
    by_letters = {_letters(column): column for column in present}
    known = [_letters(name), *_OTHER_NAMES.get(name, "").split()]
    for letters in known:
        if letters in by_letters:
            return by_letters[letters]
    near = get_close_matches(_letters(name), by_letters, n=1, cutoff=_SIMILAR)
    return by_letters[near[0]] if near else None


def _letters(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
