"""What the settings are: sections, their defaults and limits. Durations and slots are parsed here, once."""

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from console.settings.environment import ENVIRONMENT_PREFIX
from console.settings.line import header_text
from console.settings.notify import NotifySettings
from console.settings.sources import CandlesSettings, OrdersSettings
from console.settings.values import AuthorName, Duration, Section, SymbolName, read_line
from policy.rules import RULE_SET_NAMES, UnknownRuleSetError, rule_set

if TYPE_CHECKING:
    from jobs.slots import Slots


class StoreSettings(Section):
    """Where policies are kept: `sqlite:///FILE` or `postgresql://...`."""

    url: str = "sqlite:///router_policy.db"
    """SQLite file or Postgres; keep a password in `~/.pgpass`."""


class ScheduleSettings(Section):
    """When policies are computed, in UTC, and how long one run may take."""

    cron: str = "*/15 * * * *"
    """The times at which policies are computed (slots), in UTC; a sixth field, at the end, is seconds."""
    tick: Duration = timedelta(seconds=5)
    """How often the scheduler checks for a due slot."""
    deadline: Duration = timedelta(minutes=5)
    """A longer run is ended, and its slot recorded as failed."""
    retry_after: Duration = timedelta(minutes=1)
    """How long to wait before a failed slot is tried again; only the newest slot is."""
    catch_up: bool = False
    """Compute missed slots later."""

    @cached_property
    def slots(self) -> "Slots":
        """The slots of `cron`, parsed when first used: most commands need none, and the parser loads slowly.

        Raises CronError naming the setting.
        """
        from jobs.slots import Slots

        return Slots(self.cron)


# Numbers first: in the environment everything is text, and 1 is a number there, not a flag.
RuleParameters = dict[str, int | float | bool | None]


class RulesSettings(BaseModel):
    """Which rule set decides, which run in its shadow, and the parameters of each under its own name.

    A rule set can run a second time with other parameters under a name with a variant: `[rules."breaker:calm"]`.
    """

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)
    _lines = field_validator("*", mode="before")(read_line)
    __pydantic_extra__: dict[str, RuleParameters] = Field(init=False)

    name: str = "seed"
    """The live rule set: `seed`, `breaker`, `measured` or `breaker1`."""
    shadow: list[str] = Field(default_factory=list)
    """Rule sets on trial: their decisions are stored and compared, and no router acts on them."""
    seed: RuleParameters = Field(default_factory=dict)
    """Parameters of `seed` that differ from the defaults in [rules.md](rules.md)."""
    breaker: RuleParameters = Field(default_factory=dict)
    """The same of `breaker`."""
    breaker1: RuleParameters = Field(default_factory=dict)
    """The same of `breaker1`."""
    measured: RuleParameters = Field(default_factory=dict)
    """The same of `measured`."""

    def parameters_of(self, name: str) -> RuleParameters:
        """Return the parameters of a rule set in the settings, without its defaults."""
        named = {"seed": self.seed, "breaker": self.breaker, "breaker1": self.breaker1, "measured": self.measured}
        given = {**named, **(self.__pydantic_extra__ or {})}
        return given.get(name, {})

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in (self.name, *self.shadow, *(self.__pydantic_extra__ or {}), *RULE_SET_NAMES):
            try:
                rule_set(name, self.parameters_of(name))
            except UnknownRuleSetError as error:
                raise ValueError(f"[rules]: {error}") from error
        if len({self.name, *self.shadow}) <= len(self.shadow):
            raise ValueError(f"shadow names {', '.join(self.shadow)} beside {self.name}: each is allowed once")
        return self


class FeeSettings(Section):
    """The venue's fees, in basis points of the notional; a rebate is negative."""

    maker_bps: float = Field(ge=-100, le=1000, allow_inf_nan=False)
    """The fee of an order that fills as maker."""
    taker_bps: float = Field(ge=-100, le=1000, allow_inf_nan=False)
    """The fee of an order that takes."""


class FeesSettings(FeeSettings):
    """The fees of every symbol, and under `symbols` those of symbols with other fees."""

    symbols: dict[str, FeeSettings] = Field(default_factory=dict)
    """The fees of single symbols, as in `[fees.symbols.BTCUSDT]`."""


class ExperimentSettings(Section):
    """Which share of orders goes the other way than the policy says, chosen by their ids and `salt`.

    It falls to `then` once the saving on the orders sent is known to within `until_bps`.
    """

    share: float = Field(default=0.0, ge=0, le=0.5, allow_inf_nan=False)
    """The share of orders that go the other way, to [measure what the policy saves](router.md#the-holdout); 0: none."""
    salt: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """What the ids of orders are hashed with, to choose those that are held out; another salt chooses others.
    Without it, the scope."""
    until_bps: float = Field(default=0.5, gt=0, le=1000, allow_inf_nan=False)
    """How narrowly the saving on the orders sent must be known before the share falls."""
    then: float = Field(default=0.005, ge=0, le=0.5, allow_inf_nan=False)
    """The most that the share is from then on."""


class EngineSettings(Section):
    """The engine of the metric queries: DuckDB in the process, or a Spark cluster by its Spark Connect address."""

    kind: Literal["duckdb", "spark"] = "duckdb"
    """`"spark"` is for canonical Parquet on shared storage."""
    remote: str | None = None
    """The address of Spark Connect, `sc://HOST:PORT`; for `"spark"` only."""

    @model_validator(mode="after")
    def _remote_for_spark(self) -> Self:
        if (self.kind == "spark") != (self.remote is not None):
            raise ValueError('kind = "spark" needs remote = "sc://HOST:PORT", and only spark has a remote')
        return self


class OverridesSettings(Section):
    """How long a person's override may last."""

    longest: Duration = timedelta(days=7)
    """The longest time that `router-policy override --for`, and the console, accept."""


_TOKEN_CHARACTERS = 16


def _long_enough(token: SecretStr) -> SecretStr:
    if len(token.get_secret_value()) < _TOKEN_CHARACTERS:
        raise ValueError(f"must have {_TOKEN_CHARACTERS} ASCII characters or more")
    return token


Token = Annotated[SecretStr, BeforeValidator(header_text), AfterValidator(_long_enough)]


def _named(value: object) -> object:
    if isinstance(value, str):
        raise ValueError("name who has the token: it stands as the author in the history, as in [web.write_token] ann")
    return value


class WebSettings(Section):
    """Who may read the console and who may override from it, further names of its machine, and a backtest's file.

    The names of the tokens that write are the authors of the overrides; without such a token the console only reads.
    """

    token: Token | None = None
    """The bearer token of the console, 16 ASCII characters or more. Without it nobody is asked for one."""
    write_token: Annotated[dict[AuthorName, Token], BeforeValidator(_named)] = Field(default_factory=dict)
    """Who may override from the console: names, each with a token of 16 ASCII characters or more of its own, as in
    `[web.write_token] ann = "..."`. The name is the author of the override."""
    hosts: list[str] = Field(default_factory=list)
    """Other host names by which the console may be called."""
    backtest: str | None = None
    """The output file of `router-policy backtest --json`, which the console shows with a picture of the same name
    beside it."""

    @model_validator(mode="after")
    def _tokens_differ(self) -> Self:
        named = [("web.token", self.token)] if self.token is not None else []
        named += [(f"web.write_token.{author}", token) for author, token in self.write_token.items()]
        owners: dict[str, str] = {}
        for name, token in named:
            owner = owners.setdefault(token.get_secret_value(), name)
            if owner != name:
                raise ValueError(f"{name} is the same token as {owner}; each needs one of its own")
        return self


class Settings(BaseSettings):
    """All settings. Paths are absolute if `console.settings.file.load` has read them."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__", hide_input_in_errors=True
    )

    _lines = field_validator("*", mode="before")(read_line)

    scope: str = Field(default="default", min_length=1, max_length=64)
    """The account, venue, or mode (paper, live) that the policies belong to; one store holds many scopes."""
    symbols: list[SymbolName] = Field(default_factory=list)
    """Symbols that get a policy before their first order."""
    symbols_leave_after: Duration = timedelta(days=30)
    """A symbol that is not in `symbols` leaves once no run for that long had orders of it in its seven days."""
    store: StoreSettings = StoreSettings()
    orders: OrdersSettings
    candles: CandlesSettings | None = None
    schedule: ScheduleSettings = ScheduleSettings()
    rules: RulesSettings = Field(default_factory=RulesSettings)
    fees: FeesSettings | None = None
    experiment: ExperimentSettings = ExperimentSettings()
    engine: EngineSettings = EngineSettings()
    overrides: OverridesSettings = OverridesSettings()
    web: WebSettings = WebSettings()
    notify: NotifySettings = Field(default_factory=NotifySettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Give the environment precedence over the file, whose values come as arguments."""
        return env_settings, init_settings


def setting_names() -> list[str]:
    """Return every setting as its variable has it after the prefix, in lower case: `scope`, `store__url`."""
    names = []
    for name, field in Settings.model_fields.items():
        section = _section_class(field.annotation)
        names += [name] if section is None else [f"{name}__{key}" for key in section.model_fields]
    return names


def _section_class(annotation: object) -> type[BaseModel] | None:
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
