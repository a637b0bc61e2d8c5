"""Settings as what the jobs ask for."""

from console.settings import CandlesSettings, OrdersSettings, Settings, parse_duration
from jobs.plan import CandlesSource, EngineChoice, EngineKind, Location, OrdersKind, OrdersSource, Plan
from policy.rules import RuleSet, rule_set

BARS_UNTIL_TOO_OLD = 4


def plan_of(settings: Settings) -> Plan:
    """Return the plan that the settings describe. Raises UnknownRuleSetError for rules that there are not."""
    return Plan(
        scope=settings.scope,
        symbols=tuple(settings.symbols),
        orders=_orders(settings.orders),
        candles=_candles(settings.candles) if settings.candles is not None else None,
        rule_set=rules_of(settings),
        engine=EngineChoice(kind=EngineKind(settings.engine.kind), remote=settings.engine.remote),
    )


def rules_of(settings: Settings) -> RuleSet:
    """Return the rule set; a regime counts as unknown when the last closed candle is four intervals old."""
    parameters: dict[str, object] = {}
    if settings.candles is not None:
        interval = parse_duration(settings.candles.interval)
        parameters["max_bar_age_seconds"] = BARS_UNTIL_TOO_OLD * interval.total_seconds()
    return rule_set(settings.rules.name, parameters)


def _orders(orders: OrdersSettings) -> OrdersSource:
    return OrdersSource(kind=OrdersKind(orders.kind), location=_location(orders), deduplicate=orders.deduplicate)


def _candles(candles: CandlesSettings) -> CandlesSource:
    return CandlesSource(location=_location(candles), interval=parse_duration(candles.interval))


def _location(settings: OrdersSettings | CandlesSettings) -> Location:
    return Location(path=settings.path, url=settings.url, query=settings.query, columns=dict(settings.columns))
