"""Symbols: how a bot's own names of markets become those of the policies."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from router_policy_client.errors import ReaderSettingsError

# The service has the same text in policy/symbols.py; a test holds the two equal.
_VENUE = re.compile(r"\.[A-Z][A-Z0-9_]{2,}\Z")
_SETTLEMENT = re.compile(r":[^:-]*")
_CONTRACT = re.compile(r"[-_](PERP|PERPETUAL|SWAP|LINEAR|INVERSE|SPOT)\Z")
_SEPARATOR = re.compile(r"[ /_-]")
_LETTERS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_STYLES = ("as-is", "compact")


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbols:
    """How symbols are spelt in policies, as `[orders.symbols]` of the service's settings has it.

    `style` is "as-is", or "compact": BTC/USDT:USDT, BTC-USDT and BTCUSDT-PERP.BINANCE become BTCUSDT. `names` has
    single symbols by the bot's own spelling, and goes before the style. Raises ReaderSettingsError for another style.
    """

    style: str = "as-is"
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.style not in _STYLES:
            raise ReaderSettingsError(f"style must be {' or '.join(map(repr, _STYLES))}, was {self.style!r}")

    def of(self, symbol: str) -> str:
        """Return the spelling of a symbol in policies."""
        named = self.names.get(symbol)
        if named is not None:
            return named
        return compact(symbol) if self.style == "compact" else symbol


def compact(symbol: str) -> str:
    """Return the spelling without separators, settlement currency, contract kind and venue; the symbol if none is left.

    BTC/USDT:USDT, BTC-USDT and BTCUSDT-PERP.BINANCE become BTCUSDT. The date of a future stays.
    """
    capitals = symbol.translate(_LETTERS)
    market = _CONTRACT.sub("", _SETTLEMENT.sub("", _VENUE.sub("", capitals)))
    return _SEPARATOR.sub("", market) or symbol
