"""The settings: one TOML file, and ROUTER_POLICY_* in the environment over it."""

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadEnvironmentError

from console.errors import SettingsError
from console.settings.environment import ENVIRONMENT_PREFIX, explain_unreadable_variable, refuse_unknown_variables
from policy.rules import UnknownRuleSetError, rule_set

FILE_NAME = "router-policy.toml"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MOST_DAYS = 36500  # a time so long ago, and that far ahead, still has a date on both databases
_MOST_SECONDS = _MOST_DAYS * 86400
_LONGEST_BAR = timedelta(days=31)  # a run reads 1000 bars, and the first is to have a date too


def parse_duration(text: str) -> timedelta:
    """Read a duration as a number and one of s, m, h, d: `15m`, `2h`.

    Raises ValueError for other text, for 0 and for more than a hundred years.
    """
    match = re.fullmatch(r"([0-9]+)([smhd])", text, flags=re.ASCII)
    if match is None:
        raise ValueError(f"{text!r} is no duration; write a number and s, m, h or d, as in 15m")
    number = match[1].lstrip("0")
    if not number:
        raise ValueError(f"{text!r} must be more than 0, as in 15m")
    if len(number) > len(str(_MOST_SECONDS)) or int(number) * _UNITS[match[2]] > _MOST_SECONDS:
        raise ValueError(f"{text!r} is too long; {_MOST_DAYS}d is the most")
    return timedelta(seconds=int(number) * _UNITS[match[2]])


def _checked_duration(text: str) -> str:
    parse_duration(text)
    return text


def _checked_bar(text: str) -> str:
    if parse_duration(text) > _LONGEST_BAR:
        raise ValueError(f"{text!r} is longer than a bar lasts; {_LONGEST_BAR.days}d is the most")
    return text


def _checked_symbol(text: str) -> str:
    if not 1 <= len(text) <= 64 or text != text.strip() or re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError(
            f"{text!r} is no symbol; write 1 to 64 characters without control characters and blanks around them"
        )
    return text


Duration = Annotated[str, AfterValidator(_checked_duration)]
Bar = Annotated[str, AfterValidator(_checked_bar)]
Symbol = Annotated[str, AfterValidator(_checked_symbol)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Location(_Section):
    path: str | None = None
    url: str | None = None
    query: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        parts = (self.url is not None, self.query is not None)
        if parts != ((False, False) if self.path is not None else (True, True)):
            raise ValueError("give either path, or url and query")
        return self


class StoreSettings(_Section):
    """Where policies are kept: `sqlite:///FILE` or `postgresql+psycopg://...`."""

    url: str = "sqlite:///router_policy.db"


class OrdersSettings(_Location):
    """The order log: the log of a maker-first bot (`order-log`), or one row per outcome (`canonical`)."""

    kind: Literal["order-log", "canonical"] = "order-log"
    deduplicate: bool | None = None

    @model_validator(mode="after")
    def _log_is_files(self) -> Self:
        if self.kind == "order-log" and self.path is None:
            raise ValueError('an order-log is read from files: give path, or kind = "canonical" with url and query')
        return self


class CandlesSettings(_Location):
    """The candles; `interval` is how long one bar lasts."""

    interval: Bar


class ScheduleSettings(_Section):
    """When policies are computed, in UTC, and how long one run may take."""

    cron: str = "*/15 * * * *"
    tick: Duration = "5s"
    deadline: Duration = "5m"
    retry_after: Duration = "1m"
    catch_up: bool = False


# A number first: in the environment everything is text, and a 1 is to be the number.
Parameters = dict[str, int | float | bool | None]


class RulesSettings(BaseModel):
    """Which rule set decides, which run in its shadow, and the parameters of each under its own name.

    A rule set can run a second time with other parameters under a name with a variant: `[rules."breaker:calm"]`.
    """

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Parameters] = Field(init=False)

    name: str = "seed"
    shadow: list[str] = Field(default_factory=list)
    seed: Parameters = Field(default_factory=dict)
    breaker: Parameters = Field(default_factory=dict)

    def parameters_of(self, name: str) -> Parameters:
        """Return what the settings say of a rule set, without its defaults."""
        given = {"seed": self.seed, "breaker": self.breaker, **(self.__pydantic_extra__ or {})}
        return given.get(name, {})

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in (self.name, *self.shadow, *(self.__pydantic_extra__ or {}), "seed", "breaker"):
            try:
                rule_set(name, self.parameters_of(name))
            except UnknownRuleSetError as error:
                raise ValueError(f"[rules]: {error}") from error
        if len({self.name, *self.shadow}) <= len(self.shadow):
            raise ValueError(f"shadow names {', '.join(self.shadow)} beside {self.name}: each may be there once")
        return self


class FeeSettings(_Section):
    """What the venue takes of the notional, in basis points; a rebate is negative."""

    maker_bps: float = Field(ge=-100, le=1000, allow_inf_nan=False)
    taker_bps: float = Field(ge=-100, le=1000, allow_inf_nan=False)


class FeesSettings(FeeSettings):
    """The fees of every symbol, and under `symbols` of those where they differ."""

    symbols: dict[str, FeeSettings] = Field(default_factory=dict)


class EngineSettings(_Section):
    """What runs the metric queries: DuckDB in the process, or a Spark cluster by its Spark Connect address."""

    kind: Literal["duckdb", "spark"] = "duckdb"
    remote: str | None = None

    @model_validator(mode="after")
    def _remote_for_spark(self) -> Self:
        if (self.kind == "spark") != (self.remote is not None):
            raise ValueError('kind = "spark" needs remote = "sc://HOST:PORT", and only spark has a remote')
        return self


class WebSettings(_Section):
    """Who may ask the console, by which names of its machine, and where the last evaluation is shown from."""

    token: SecretStr | None = Field(default=None, min_length=16)
    hosts: list[str] = Field(default_factory=list)
    evaluation: str | None = None


class Settings(BaseSettings):
    """All settings. Paths are absolute once loaded by `load`, also those of the environment."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__", hide_input_in_errors=True
    )

    scope: str = Field(default="default", min_length=1, max_length=64)
    symbols: list[Symbol] = Field(default_factory=list)
    store: StoreSettings = StoreSettings()
    orders: OrdersSettings
    candles: CandlesSettings | None = None
    schedule: ScheduleSettings = ScheduleSettings()
    rules: RulesSettings = Field(default_factory=RulesSettings)
    fees: FeesSettings | None = None
    engine: EngineSettings = EngineSettings()
    web: WebSettings = WebSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment go before the file, whose values come as arguments."""
        return env_settings, init_settings


def load(config: Path | None) -> Settings:
    """Read the settings from a file, else from `router-policy.toml` here, with the environment over it.

    Raises SettingsError naming every setting that is missing, unknown or wrong; values are not repeated, since one may
    be a password.
    """
    path = config or Path(FILE_NAME)
    values = _read(path) if config is not None or path.exists() else {}
    refuse_unknown_variables(Settings.model_fields)
    try:
        settings = Settings(**values)
    except UnreadEnvironmentError as error:
        raise SettingsError(explain_unreadable_variable(str(error), Settings.model_fields)) from error
    except ValidationError as error:
        where = str(path) if values else f"no {FILE_NAME} is here (router-policy init writes one); from the environment"
        raise SettingsError("\n".join(f"{where}: {_told(problem)}" for problem in error.errors())) from error
    return _anchored(settings, path.absolute().parent)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}); router-policy init writes one") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML file: {error}") from error


def _told(problem: Any) -> str:
    name = ".".join(map(str, problem["loc"])) or "settings"
    if problem["type"] == "extra_forbidden":
        return f"{name} is not a setting; is it misspelt?"
    if problem["type"] == "missing":
        return f"{name} is missing"
    return f"{name}: {problem['msg'].removeprefix('Value error, ')}"


def _anchored(settings: Settings, folder: Path) -> Settings:
    """Make every path relative to a folder, wherever it was given."""
    sections = {name: section for name, section in settings if isinstance(section, _Section)}
    return settings.model_copy(
        update={name: section.model_copy(update=_anchored_paths(section, folder)) for name, section in sections.items()}
    )


def _anchored_paths(section: _Section, folder: Path) -> dict[str, str]:
    anchors = {"path": _absolute, "evaluation": _absolute, "url": _absolute_sqlite}
    given = {name: getattr(section, name, None) for name in anchors}
    return {name: anchors[name](text, folder) for name, text in given.items() if text is not None}


def _absolute(path: str, folder: Path) -> str:
    return path if "://" in path else str(folder / path)


def _absolute_sqlite(url: str, folder: Path) -> str:
    scheme, separator, path = url.partition(":///")
    if not (separator and scheme.partition("+")[0] == "sqlite") or path in ("", ":memory:") or Path(path).is_absolute():
        return url
    return f"{scheme}:///{folder / path}"
