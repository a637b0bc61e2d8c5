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
    names: dict[str, SymbolName] = Field(default_factory=dict)


class LocationSettings(Section):
    """Files by a pattern, a database, or a query; `columns` has the user's names of the columns."""

    path: str | None = None
    url: str | None = None
    query: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    symbols: SymbolsSettings | None = None

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
    deduplicate: bool | None = None
    entries: Literal["unknown", "known"] = "unknown"
    post_only: bool = False
    zone: str = "UTC"

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
    interval: BarInterval

    @model_validator(mode="after")
    def _location_of_kind(self) -> Self:
        if self.kind == "table":
            self.require_table()
        elif self.path is None or self.url is not None or self.query is not None or self.columns:
            raise ValueError(f'kind = "{self.kind}" reads the bot\'s files: give their path, and nothing else')
        return self
