"""The settings of the sources: where orders and candles are, in which layout, and how their symbols are spelt."""

from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr, field_validator, model_validator

from console.settings.values import BarInterval, Section, SymbolName
from policy.symbols import SymbolStyle

_DATABASES = ("freqtrade", "hummingbot")
_FILES = ("nautilus", "ccxt", "binance")
# The settings that belong to some kinds of orders only.
_KINDS_WITH = {
    "columns": ("canonical",),
    "entries": ("freqtrade",),
    "post_only": ("freqtrade",),
    "zone": ("binance",),
}


class SymbolsSettings(Section):
    """How symbols of a source are spelt in policies: a style, and names by the source's own spelling."""

    style: SymbolStyle = SymbolStyle.AS_IS
    """`"compact"` makes `BTCUSDT` of `BTC/USDT:USDT`."""
    names: dict[str, SymbolName] = Field(default_factory=dict)
    """Single symbols, by how the source spells them."""


class LocationSettings(Section):
    """Files by a pattern, a database, or a query; `columns` has the user's names of the columns."""

    path: str | None = None
    """Files, by a pattern."""
    url: str | None = None
    """The database that `query` asks, or that a bot keeps."""
    query: str | None = None
    """A query of SQL: on `url`, or on files that it names."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Your names of the columns, by ours."""
    symbols: SymbolsSettings | None = None
    """How symbols are spelt in policies. Without it as the source spells them, and candles as the orders."""

    _folder: str | None = PrivateAttr(default=None)

    @property
    def folder(self) -> str | None:
        """Where the file names in a query begin: the folder of the settings file, None before `begin_in`."""
        return self._folder

    def begin_in(self, folder: str) -> None:
        """Let the file names in a query begin in this folder."""
        self._folder = folder

    def require_table(self) -> None:
        """Raise ValueError unless the location is files, a query on a database, or a query on files."""
        if (self.path is None) != (self.query is not None) or (self.url is not None and self.query is None):
            raise ValueError("give either path, or query for files, or url and query for a database")


class OrdersSettings(LocationSettings):
    """The orders: the log of a maker-first bot, one row per outcome, or the data of a bot in its own layout."""

    kind: Literal["order-log", "canonical", "freqtrade", "hummingbot", "nautilus", "ccxt", "binance"] = "order-log"
    """The order log, your own table with one row per order (`"canonical"`), or the data of a bot."""
    deduplicate: bool | None = None
    """Reject repeated order ids; the row written last counts. Without it `true` for JSONL and CSV, else `false`."""
    entries: Literal["unknown", "known"] = "unknown"
    """For freqtrade: `"known"` counts entries as maker starts, although missed ones are not in its database."""
    post_only: bool = False
    """For freqtrade: its limit orders are post-only."""
    zone: str = "UTC"
    """For Binance's export: the time zone of its times."""

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"{zone!r} is not a valid time zone; use a name such as Europe/Berlin or UTC") from error
        return zone

    @model_validator(mode="after")
    def _location_of_kind(self) -> Self:
        if self.kind == "canonical":
            self.require_table()
        elif self.kind in _DATABASES:
            self._require("url", f'kind = "{self.kind}" reads the bot\'s database: give its url')
        elif self.kind in _FILES:
            self._require("path", f'kind = "{self.kind}" reads files: give their path')
        else:
            self._require(
                "path", 'an order-log is read from files: give path, or kind = "canonical" with url and query'
            )
        return self

    @model_validator(mode="after")
    def _settings_of_kind(self) -> Self:
        for name, kinds in _KINDS_WITH.items():
            if name in self.model_fields_set and self.kind not in kinds and getattr(self, name) not in ({},):
                raise ValueError(f"{name} is a setting of kind = {' or '.join(map(repr, kinds))}; remove it")
        return self

    def _require(self, wanted: str, message: str) -> None:
        given = [name for name in ("path", "url", "query") if getattr(self, name) is not None]
        if given != [wanted]:
            raise ValueError(f"{message}, and nothing else" if wanted in given else message)


class CandlesSettings(LocationSettings):
    """The candles; `interval` is how long one bar lasts."""

    kind: Literal["table", "freqtrade", "nautilus"] = "table"
    """Candles in named columns, or as a bot keeps them."""
    interval: BarInterval
    """The length of a bar, at most `31d`."""

    @model_validator(mode="after")
    def _location_of_kind(self) -> Self:
        if self.kind == "table":
            self.require_table()
        elif self.path is None or self.url is not None or self.query is not None or self.columns:
            raise ValueError(f'kind = "{self.kind}" reads the bot\'s files: give their path, and nothing else')
        return self
