"""Symbols: one spelling of a market for orders, candles and policies, and symbols with nearly the same spelling."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# The client has the same text in router_policy_client/symbols.py; a test holds the two equal.
_VENUE = re.compile(r"\.[A-Z][A-Z0-9_]{2,}\Z")
_SETTLEMENT = re.compile(r":[^:-]*")
_CONTRACT = re.compile(r"[-_](PERP|PERPETUAL|SWAP|LINEAR|INVERSE|SPOT)\Z")
_SEPARATOR = re.compile(r"[ /_-]")
_LETTERS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


class SymbolStyle(StrEnum):
    """How symbols are spelt: as their source has them, or in capitals without separators and venue: `BTCUSDT`."""

    AS_IS = "as-is"
    COMPACT = "compact"


def compact(symbol: str) -> str:
    """Return the spelling without separators, settlement currency, contract kind and venue; the symbol if none is left.

    BTC/USDT:USDT, BTC-USDT and BTCUSDT-PERP.BINANCE become BTCUSDT. The date of a future stays.
    """
    capitals = symbol.translate(_LETTERS)
    market = _CONTRACT.sub("", _SETTLEMENT.sub("", _VENUE.sub("", capitals)))
    return _SEPARATOR.sub("", market) or symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolSpelling:
    """How the symbols of a source become those of policies: `names` by the source's spelling, else by the style."""

    style: SymbolStyle = SymbolStyle.AS_IS
    names: Mapping[str, str] = field(default_factory=dict)

    def of(self, symbol: str) -> str:
        """Return the spelling of a symbol in policies."""
        named = self.names.get(symbol)
        if named is not None:
            return named
        return compact(symbol) if self.style is SymbolStyle.COMPACT else symbol

    @property
    def changes_nothing(self) -> bool:
        """Whether every symbol stays as it is."""
        return self.style is SymbolStyle.AS_IS and not self.names


AS_IS = SymbolSpelling()


def letters(symbol: str) -> str:
    """Return a symbol without case, blanks and punctuation: equal for names that are likely one market."""
    return re.sub(r"[\W_]", "", symbol).casefold()


def spelt_alike(symbols: Collection[str]) -> list[list[str]]:
    """Group the symbols that differ in case, blanks and punctuation only."""
    by_letters: dict[str, list[str]] = {}
    for symbol in sorted(symbols):
        by_letters.setdefault(letters(symbol), []).append(symbol)
    return [names for names in by_letters.values() if len(names) > 1]
