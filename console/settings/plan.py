"""Settings as what the jobs ask for."""

from console.settings.model import CandlesSettings, OrdersSettings, Settings, parse_duration
from jobs.plan import CandlesSource, EngineChoice, EngineKind, Fees, Location, OrdersKind, OrdersSource, Plan
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
        shadows=tuple(rules_of(settings, name) for name in settings.rules.shadow),
        fees=fees_of(settings),
        engine=EngineChoice(kind=EngineKind(settings.engine.kind), remote=settings.engine.remote),
    )


def rules_of(settings: Settings, name: str | None = None) -> RuleSet:
    """Return a rule set with the parameters of the settings, the live one without a name.

    Where nothing else is set, a regime counts as unknown when the last closed candle is four intervals old.
    """
    name = name or settings.rules.name
    parameters: dict[str, object] = {}
    if settings.candles is not None:
        interval = parse_duration(settings.candles.interval)
        parameters["max_bar_age_seconds"] = BARS_UNTIL_TOO_OLD * interval.total_seconds()
    return rule_set(name, {**parameters, **settings.rules.parameters_of(name)})


def fees_of(settings: Settings) -> dict[str, Fees]:
    """Return the fees by symbol, those of all others under an empty name; empty where none are set."""
    fees = settings.fees
    if fees is None:
        return {}
    return {
        name: Fees(maker_bps=one.maker_bps, taker_bps=one.taker_bps)
        for name, one in (("", fees), *fees.symbols.items())
    }


def _orders(orders: OrdersSettings) -> OrdersSource:
    return OrdersSource(kind=OrdersKind(orders.kind), location=_location(orders), deduplicate=orders.deduplicate)


def _candles(candles: CandlesSettings) -> CandlesSource:
    return CandlesSource(location=_location(candles), interval=parse_duration(candles.interval))


def _location(settings: OrdersSettings | CandlesSettings) -> Location:
    return Location(path=settings.path, url=settings.url, query=settings.query, columns=dict(settings.columns))
