"""`router-policy health`: how the router fares for every symbol, the worst first, or for one in detail."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.not_found import no_policy, store_to_read
from console.settings.file import load
from console.settings.model import Settings
from console.terminal.text import figure, iso, print_json
from jobs.analysis.health import WatchedScope, compute_every_execution_health, compute_execution_health
from policy.health import ExecutionHealth
from storage.store import Store

if TYPE_CHECKING:
    from rich.console import JustifyMethod

_WIDTH_OF_A_FILE = 100


def show_health(config: Path | None, symbol: str | None, *, as_json: bool) -> None:
    """Print the execution health of one symbol or of all. Raises NoPolicyError where there is nothing to tell."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        found = _found(settings, store, symbol)
    if as_json:
        print_json(map(_record, found))
    elif symbol is not None:
        sys.stdout.write("\n".join(_detail(found[0])) + "\n")
    else:
        _print_table(found)


def _found(settings: Settings, store: Store, symbol: str | None) -> list[ExecutionHealth]:
    slots = settings.schedule.slots
    book = WatchedScope(store=store, scope=settings.scope, slots=slots, symbols=settings.symbols)
    if symbol is None:
        found = compute_every_execution_health(book, store.now())
    else:
        found = [compute_execution_health(book, symbol, store.now())]
    if all(one.run_id is None and one.symbol not in settings.symbols for one in found):
        raise no_policy(store, settings.scope, symbol)
    return found


def _record(one: ExecutionHealth) -> dict[str, Any]:
    record = asdict(one)
    record["freshness"]["slot"] = iso(one.freshness.slot)
    if one.override is not None:
        record["override"]["until_at"] = iso(one.override.until_at)
    return record


_COLUMNS: tuple[tuple[str, "JustifyMethod"], ...] = (
    ("symbol", "left"),
    ("quality", "left"),
    ("the router\nis told", "left"),
    ("maker\nfills", "right"),
    ("falls\nback", "right"),
    ("maker\nstarts", "right"),
    ("median\nslip bps", "right"),
    ("offset\nbps", "right"),
    ("regime", "left"),
)
_NAMES_SHOWN = 4


def _print_table(found: Sequence[ExecutionHealth]) -> None:
    """Lay the figures out for 80 columns; what is to be looked at follows, a line each."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    sys.stdout.write(f"{_title(found)}\n")
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name, justify in _COLUMNS:
        table.add_column(name, justify=justify, overflow="fold")
    for one in found:
        table.add_row(*(Text(cell) for cell in _cells(one)))
    Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE).print(table)
    sys.stdout.write("".join(f"{line}\n" for line in _to_look_at(found)))


def _title(found: Sequence[ExecutionHealth]) -> str:
    """All policies are of one run, so they are equally old."""
    age = next((_age(one) for one in found if one.run_id is not None), "no run yet")
    return f"execution health, {age}"


def _age(one: ExecutionHealth) -> str:
    freshness = one.freshness
    if freshness.age_seconds is None:
        return str(freshness.status)
    age = timedelta(seconds=round(freshness.age_seconds))
    return f"slot {iso(freshness.slot)}, {age} old: {freshness.status}"


def _cells(one: ExecutionHealth) -> tuple[str, ...]:
    router = one.router
    return (
        one.symbol,
        router.policy_quality or one.freshness.status,
        _told(one),
        figure(router.maker_fill_ratio),
        figure(router.fallback_ratio),
        str(one.freshness.maker_started_count),
        figure(router.slip_q50),
        figure(router.maker_offset_bps),
        one.volatility.regime,
    )


def _told(one: ExecutionHealth) -> str:
    if one.router.policy_maker_first is None:
        return "nothing"
    said = str(one.router.policy_taker_bias) if one.router.policy_maker_first else "taker"
    return said if one.override is None else f"{said}*"


def _to_look_at(found: Sequence[ExecutionHealth]) -> Iterator[str]:
    """Say each thing once, with the symbols that it is said of, the worst first."""
    said: dict[str, list[str]] = {}
    for one in found:
        for line in (*_overridden(one), *(warning.message for warning in one.warnings)):
            said.setdefault(line, []).append(one.symbol)
    if said:
        yield ""
    for line, symbols in said.items():
        more = f" and {len(symbols) - _NAMES_SHOWN} more" if len(symbols) > _NAMES_SHOWN else ""
        yield f"{', '.join(symbols[:_NAMES_SHOWN])}{more}: {line}"


def _overridden(one: ExecutionHealth) -> Iterator[str]:
    override = one.override
    if override is not None:
        computed = _words(override.computed_maker_first, override.computed_taker_bias)
        yield (
            f"override {override.override_id} by {override.author} until {iso(override.until_at)}, "
            f"{override.reason}; computed: {computed}"
        )


def _words(maker_first: bool, taker_bias: str) -> str:
    return f"{'maker first' if maker_first else 'straight to taker'}, {taker_bias}"


def _detail(one: ExecutionHealth) -> Iterator[str]:
    router, volatility, freshness = one.router, one.volatility, one.freshness
    starts, slips = freshness.maker_started_count, freshness.slippage_count
    yield f"{one.symbol}: {_age(one)}"
    if router.policy_maker_first is not None:
        told = _words(router.policy_maker_first, str(router.policy_taker_bias))
        yield f"  policy            {router.policy_quality}: {told}"
    yield from (f"  {line}" for line in _overridden(one))
    yield f"router, over {freshness.outcome_count} orders of the seven days before the slot"
    yield f"  maker fill ratio  {_exact(router.maker_fill_ratio)} of {starts} maker starts"
    yield f"  fallback ratio    {_exact(router.fallback_ratio)} of {starts} maker starts"
    quartiles = " / ".join(map(_exact, (router.slip_q25, router.slip_q50, router.slip_q75)))
    yield f"  slippage bps      {quartiles} (quartiles) of {slips} orders"
    yield f"  maker offset bps  {_exact(router.maker_offset_bps)}"
    yield f"volatility, over {freshness.bar_count} closed candles"
    yield f"  ATR %             {_exact(volatility.atr_short_pct)} short, {_exact(volatility.atr_long_pct)} long"
    yield f"  ratio             {_exact(volatility.atr_ratio)}: {volatility.regime}"
    yield "warnings" if one.warnings else "no warnings"
    yield from (f"  {warning.message}" for warning in one.warnings)


def _exact(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"
