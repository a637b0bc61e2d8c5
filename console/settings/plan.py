"""Turns settings into what the jobs take: a plan, the options of a schedule, rule sets, fees."""

from typing import TYPE_CHECKING

from console.settings.model import Settings
from console.settings.sources import CandlesSettings, OrdersSettings, SymbolsSettings
from jobs.plan import (
    CandlesKind,
    CandlesSource,
    EngineChoice,
    EngineKind,
    Fees,
    Location,
    OrdersKind,
    OrdersSource,
    Plan,
)
from policy.experiment.experiment import Experiment
from policy.rules import RuleSet, rule_set
from policy.symbols import SymbolSpelling

if TYPE_CHECKING:
    from jobs.run.schedule import ScheduleOptions

BARS_UNTIL_TOO_OLD = 4


def plan_of(settings: Settings) -> Plan:
    """Return the plan that the settings describe. Raises UnknownRuleSetError for an unknown rule set."""
    return Plan(
        scope=settings.scope,
        symbols=tuple(settings.symbols),
        leave_after=settings.symbols_leave_after,
        orders=orders_of(settings),
        candles=_candles(settings) if settings.candles is not None else None,
        rule_set=rules_of(settings),
        shadows=tuple(rules_of(settings, name) for name in settings.rules.shadow),
        fees=fees_of(settings),
        experiment=_experiment(settings),
        engine=EngineChoice(kind=EngineKind(settings.engine.kind), remote=settings.engine.remote),
    )


def schedule_options_of(settings: Settings) -> "ScheduleOptions":
    """Return when slots are due and how long a run may take. Raises CronError for an unreadable cron expression."""
    from jobs.run.schedule import ScheduleOptions

    schedule = settings.schedule
    return ScheduleOptions(
        slots=schedule.slots,
        tick=schedule.tick,
        deadline=schedule.deadline,
        retry_after=schedule.retry_after,
        catch_up=schedule.catch_up,
    )


def orders_of(settings: Settings) -> OrdersSource:
    """Return where the orders are; a bot's whose data has no mid get it from the candles."""
    orders = settings.orders
    candles = _candles(settings) if settings.candles is not None else None
    return OrdersSource(
        kind=OrdersKind(orders.kind),
        location=_location(orders),
        deduplicate=orders.deduplicate,
        symbols=_spelling(orders),
        entries_known=orders.entries == "known",
        is_post_only=orders.post_only,
        zone=orders.zone,
        candles=candles,
    )


def rules_of(settings: Settings, name: str | None = None) -> RuleSet:
    """Return a rule set with the parameters of the settings; without a name, the live one.

    Unless the settings have another limit, a regime is unknown if the last closed candle is four intervals old.
    """
    name = name or settings.rules.name
    parameters: dict[str, object] = {}
    if settings.candles is not None:
        parameters["max_bar_age_seconds"] = BARS_UNTIL_TOO_OLD * settings.candles.interval.total_seconds()
    return rule_set(name, {**parameters, **settings.rules.parameters_of(name)})


def fees_of(settings: Settings) -> dict[str, Fees]:
    """Return the fees by symbol, those of all others under an empty name; empty if no fees are set."""
    fees = settings.fees
    if fees is None:
        return {}
    return {
        symbol: Fees(maker_bps=symbol_fees.maker_bps, taker_bps=symbol_fees.taker_bps)
        for symbol, symbol_fees in (("", fees), *fees.symbols.items())
    }


def _experiment(settings: Settings) -> Experiment:
    experiment = settings.experiment
    return Experiment(
        share=experiment.share,
        salt=settings.scope if experiment.salt is None else experiment.salt,
        until_bps=experiment.until_bps,
        then=experiment.then,
    )


def _candles(settings: Settings) -> CandlesSource:
    """Return the candles; unless they have a spelling of their own, their symbols are spelt as those of the orders."""
    candles = settings.candles
    assert candles is not None
    return CandlesSource(
        location=_location(candles),
        interval=candles.interval,
        kind=CandlesKind(candles.kind),
        symbols=_spelling(candles if candles.symbols is not None else settings.orders),
    )


def _location(settings: OrdersSettings | CandlesSettings) -> Location:
    return Location(
        path=settings.path,
        url=settings.url,
        query=settings.query,
        columns=dict(settings.columns),
        folder=settings.folder,
    )


def _spelling(settings: OrdersSettings | CandlesSettings) -> SymbolSpelling:
    symbols = settings.symbols or SymbolsSettings()
    return SymbolSpelling(style=symbols.style, names=dict(symbols.names))
