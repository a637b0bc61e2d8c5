"""`router-policy health`: how the router performs for every symbol, the worst first, or for one in detail."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from console.not_found import no_policy, store_to_read
from console.options import AsJson, Config, OptionalSymbolArgument
from console.settings.file import load
from console.settings.model import Settings
from console.terminal.freshness import gap_words, recent_gaps, slot_words
from console.terminal.routes import policy_words
from console.terminal.table import plain_table, print_table
from console.terminal.text import exact_figure, figure, print_lines, print_page, print_record
from jobs.analysis.health import WatchedScope, compute_every_execution_health, compute_execution_health
from policy.health import ExecutionHealth
from policy.list_text import listed
from policy.time_text import iso
from storage.store import Store

_HEADS = (
    "symbol",
    "quality",
    "router's\npolicy",
    "maker\nfills",
    "falls\nback",
    "maker\nstarts",
    "median\nslip bps",
    "offset\nbps",
    "regime",
)
_TEXT_COLUMNS = (0, 1, 2, 8)
_BY_HAND = "by a person's override; router-policy explain SYMBOL shows whose and why"


def command(symbol: OptionalSymbolArgument = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show how the router performs, the worst symbol first, with what needs attention; or one symbol in detail."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        healths = _healths(settings, store, symbol)
        missed = _gaps(settings, store, healths)
    if as_json:
        _print_records(healths, is_one=symbol is not None)
    elif symbol is not None:
        print_lines([*_detail(healths[0]), *missed])
    else:
        _print_table(healths)
        print_lines(missed)


def _healths(settings: Settings, store: Store, symbol: str | None) -> list[ExecutionHealth]:
    slots = settings.schedule.slots
    scope = WatchedScope(store=store, scope=settings.scope, slots=slots, symbols=settings.symbols)
    if symbol is None:
        healths = compute_every_execution_health(scope, store.now())
    else:
        healths = [compute_execution_health(scope, symbol, store.now())]
    if all(health.run_id is None and health.symbol not in settings.symbols for health in healths):
        raise no_policy(store, settings.scope, symbol)
    return healths


def _gaps(settings: Settings, store: Store, healths: Sequence[ExecutionHealth]) -> Sequence[str]:
    """Return a line about the slots of the last day that have no run, if there are any."""
    slots = [health.freshness.slot for health in healths if health.freshness.slot is not None]
    if not slots:
        return []
    with store.reading() as connection:
        words = gap_words(recent_gaps(connection, settings.scope, slots[0]))
    return [words] if words else []


def _print_records(healths: Sequence[ExecutionHealth], *, is_one: bool) -> None:
    """Print what the API has at /v1/health, or at /v1/health/SYMBOL."""
    from pydantic import TypeAdapter

    records = TypeAdapter(list[ExecutionHealth]).dump_python(list(healths), mode="json")
    if is_one:
        print_record(records[0])
        return
    print_page(records)


def _print_table(healths: Sequence[ExecutionHealth]) -> None:
    """Print the figures in 80 columns; what needs attention follows, a line each."""
    print_lines([_title(healths)])
    print_table(plain_table(_HEADS, map(_cells, healths), text_columns=_TEXT_COLUMNS))
    print_lines(_attention(healths))


def _title(healths: Sequence[ExecutionHealth]) -> str:
    """All policies are of one run, so they are equally old."""
    age = next((_age(health) for health in healths if health.run_id is not None), "no run yet")
    return f"execution health, {age}"


def _age(health: ExecutionHealth) -> str:
    freshness = health.freshness
    if freshness.slot is None or freshness.age_seconds is None:
        return str(freshness.status)
    return slot_words(freshness.slot, timedelta(seconds=freshness.age_seconds), freshness.status)


def _cells(health: ExecutionHealth) -> tuple[str, ...]:
    router = health.router
    return (
        health.symbol,
        router.policy_quality or health.freshness.status,
        _policy_cell(health),
        figure(router.maker_fill_ratio),
        figure(router.fallback_ratio),
        str(health.freshness.maker_started_count),
        figure(router.slip_q50),
        figure(router.maker_offset_bps),
        health.volatility.regime,
    )


def _policy_cell(health: ExecutionHealth) -> str:
    if health.router.policy_maker_first is None:
        return "none"
    policy = str(health.router.policy_taker_bias) if health.router.policy_maker_first else "taker"
    return policy if health.override is None else f"{policy}*"


def _attention(healths: Sequence[ExecutionHealth]) -> Iterator[str]:
    """Yield each message once, with the symbols that it is about, the worst first."""
    symbols_by_message: dict[str, list[str]] = {}
    if any(health.override is not None for health in healths):
        symbols_by_message[_BY_HAND] = ["*"]
    for health in healths:
        for message in (*_overridden(health), *(warning.message for warning in health.warnings)):
            symbols_by_message.setdefault(message, []).append(health.symbol)
    if symbols_by_message:
        yield ""
    for message, symbols in symbols_by_message.items():
        yield f"{listed(symbols)}: {message}"


def _overridden(health: ExecutionHealth) -> Iterator[str]:
    override = health.override
    if override is not None:
        computed = policy_words(override.computed_maker_first, override.computed_taker_bias)
        yield (
            f"override {override.override_id} by {override.author} until {iso(override.until_at)}, "
            f"{override.reason}; computed: {computed}"
        )


def _detail(health: ExecutionHealth) -> Iterator[str]:
    router, volatility, freshness = health.router, health.volatility, health.freshness
    starts, slips = freshness.maker_started_count, freshness.slippage_count
    yield f"{health.symbol}: {_age(health)}"
    if router.policy_maker_first is not None:
        words = policy_words(router.policy_maker_first, str(router.policy_taker_bias))
        yield f"  policy            {router.policy_quality}: {words}"
    yield from (f"  {line}" for line in _overridden(health))
    yield f"router, over {freshness.outcome_count} orders of the seven days before the slot"
    yield f"  maker fill ratio  {exact_figure(router.maker_fill_ratio)} of {starts} maker starts"
    yield f"  fallback ratio    {exact_figure(router.fallback_ratio)} of {starts} maker starts"
    quartiles = " / ".join(map(exact_figure, (router.slip_q25, router.slip_q50, router.slip_q75)))
    yield f"  slippage bps      {quartiles} (quartiles) of {slips} orders"
    yield f"  maker offset bps  {exact_figure(router.maker_offset_bps)}"
    yield f"  posts a full wait {router.policy_maker_posts or 1}"
    if router.policy_probe_share is not None:
        yield f"  probe share       {exact_figure(router.policy_probe_share)} of every order"
    yield f"volatility, over {freshness.bar_count} closed candles"
    short_pct, long_pct = exact_figure(volatility.atr_short_pct), exact_figure(volatility.atr_long_pct)
    yield f"  ATR %             {short_pct} short, {long_pct} long"
    yield f"  ratio             {exact_figure(volatility.atr_ratio)}: {volatility.regime}"
    yield "warnings" if health.warnings else "no warnings"
    yield from (f"  {warning.message}" for warning in health.warnings)
