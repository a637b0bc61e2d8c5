"""The plan of a run: its scope, its sources, its rules and its engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from policy.experiment.experiment import NO_EXPERIMENT, Experiment
from policy.numbers import METRIC_DECIMALS
from policy.rules import RuleSet
from policy.symbols import AS_IS, SymbolSpelling
from policy.window import OUTCOME_WINDOW, Window


class OrdersKind(StrEnum):
    """The layout of the orders: the log of a maker-first bot, one canonical row per outcome, or a bot's own data."""

    ORDER_LOG = "order-log"
    CANONICAL = "canonical"
    FREQTRADE = "freqtrade"
    HUMMINGBOT = "hummingbot"
    NAUTILUS = "nautilus"
    CCXT = "ccxt"
    BINANCE = "binance"

    @property
    def is_bot(self) -> bool:
        """Whether a bot, a library or an exchange wrote the data in its own layout."""
        return self not in (OrdersKind.ORDER_LOG, OrdersKind.CANONICAL)


class CandlesKind(StrEnum):
    """The layout of the candles: a table with named columns, or the files of a bot."""

    TABLE = "table"
    FREQTRADE = "freqtrade"
    NAUTILUS = "nautilus"


class EngineKind(StrEnum):
    """The engine of the metric queries: DuckDB in this process, or a Spark cluster by Spark Connect."""

    DUCKDB = "duckdb"
    SPARK = "spark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """The location of rows: files by a glob pattern, a database, or a query; without a database on files.

    `columns` has the user's names of canonical columns; an empty name means that the rows have no such column.
    `folder` is where the file names in a query begin.
    """

    path: str | None = None
    url: str | None = None
    query: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    folder: str | None = None

    @property
    def depends_on_window(self) -> bool:
        """Whether its query names a bound of the window, so that its rows may differ from window to window."""
        return any(name in (self.query or "") for name in ("window_start", "as_of"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CandlesSource:
    """The candles; `ts` is the time at which a bar opens, `interval` its length."""

    location: Location
    interval: timedelta
    kind: CandlesKind = CandlesKind.TABLE
    symbols: SymbolSpelling = AS_IS

    @property
    def depends_on_window(self) -> bool:
        """Whether its rows may differ from window to window by more than their times."""
        return self.location.depends_on_window


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersSource:
    """The order log. `deduplicate` None means: reject duplicate ids if the file is JSONL or CSV.

    The rest is for the data of bots. `entries_known` means that entries count as maker starts. `is_post_only` means
    that the bot sends its limit orders post-only. `zone` is that of times without one. `candles` give the mid of orders
    whose data has none.
    """

    kind: OrdersKind
    location: Location
    deduplicate: bool | None = None
    symbols: SymbolSpelling = AS_IS
    entries_known: bool = False
    is_post_only: bool = False
    zone: str = "UTC"
    candles: CandlesSource | None = None

    @property
    def depends_on_window(self) -> bool:
        """Whether its rows may differ from window to window by more than their times: a bot's data is read for one."""
        return self.kind.is_bot or self.location.depends_on_window

    @property
    def has_holdout(self) -> bool:
        """Whether its rows can tell which orders took part in a holdout: no bot's own data has such columns."""
        columns = self.location.columns
        return not self.kind.is_bot and all(columns.get(name, name) for name in ("holdout", "propensity"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """The engine, and for Spark the address of the Spark Connect server."""

    kind: EngineKind = EngineKind.DUCKDB
    remote: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """The fees of a venue in basis points of the notional; a rebate is negative."""

    maker_bps: float
    taker_bps: float

    @property
    def gap_bps(self) -> float:
        """How much less a maker fill costs, rounded to 9 decimals."""
        return round(self.taker_bps - self.maker_bps, METRIC_DECIMALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a run needs except the slot and the store.

    `shadows` decide beside the live rule set and are stored beside it. `fees` are by symbol; "" stands for all others.
    `experiment` is what routers hold out. A symbol that is not in `symbols` leaves once no run for `leave_after` had an
    order of it in its window.
    """

    scope: str
    orders: OrdersSource
    candles: CandlesSource | None
    rule_set: RuleSet
    symbols: tuple[str, ...] = ()
    engine: EngineChoice = EngineChoice()
    shadows: tuple[RuleSet, ...] = ()
    fees: Mapping[str, Fees] = field(default_factory=dict)
    leave_after: timedelta = timedelta(days=30)
    experiment: Experiment = NO_EXPERIMENT

    @property
    def rule_sets_with_state(self) -> tuple[RuleSet, ...]:
        """The live rule set and its shadows, as far as they remember a state from run to run."""
        return tuple(rules for rules in (self.rule_set, *self.shadows) if rules.has_state)

    @property
    def outcome_window(self) -> timedelta:
        """How far back orders are loaded: as far as a rule set asks, at least the window of outcomes."""
        return max((OUTCOME_WINDOW, *(rules.evidence_length for rules in self.rule_sets_with_state)))

    @property
    def holds_out(self) -> bool:
        """Whether its policies may hold orders out; the shares of a rule set go before that of the experiment."""
        own_shares = self.rule_set.holdout_shares
        return any(share > 0 for share in ((self.experiment.share,) if own_shares is None else own_shares))

    def loaded_window(self, window: Window) -> Window:
        """Return the window with every order that a rule set asks for."""
        return replace(window, outcome_window=max(window.outcome_window, self.outcome_window))

    def window(self, as_of: datetime) -> Window:
        """Return what a run as of this time may see. Raises ValueError for a time without a zone."""
        return Window(as_of=as_of, bar_interval=self.candles.interval if self.candles else None)

    def fee_gap_bps(self, symbol: str) -> float | None:
        """Return how much less a maker fill of the symbol costs, None if the settings have no fees for it."""
        fees = self.fees.get(symbol, self.fees.get(""))
        return fees.gap_bps if fees is not None else None
