"""`router-policy compare`: the live rule set against each shadow, and both around every move of a breaker."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from console.not_found import store_to_read
from console.settings.file import load
from console.terminal.text import figure, iso, percent, print_json
from jobs.analysis.compare import (
    HOURS_AROUND,
    BreakerEventInContext,
    Hours,
    Pair,
    RuleSetComparison,
    compare,
    per_day,
    share,
)
from storage.read.rule_set_comparison import BreakerLevel, RuleSetDifference, RuleSetTotals

_WIDTH_OF_A_FILE = 120
_MOVES_SHOWN = 10
_ALL = "all"


def show_comparison(config: Path | None, since: datetime | None, *, as_json: bool) -> None:
    """Print how the live rule set and its shadows differ. Raises NothingToCompareError where there was no shadow."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        comparison = compare(store, settings.scope, since)
    if as_json:
        print_json([_record(settings.scope, comparison)])
        return
    for pair in comparison.pairs:
        _print_pair(settings.scope, pair)
    sys.stdout.write("".join(f"{line}\n" for line in _moves(comparison)))


def _record(scope: str, comparison: RuleSetComparison) -> dict[str, Any]:
    return {
        "scope": scope,
        "pairs": [
            {
                "live": pair.live,
                "shadow": pair.shadow,
                "all": _contrast_record(pair.total),
                "symbols": [{"symbol": one.symbol, **_contrast_record(one)} for one in pair.symbols],
            }
            for pair in comparison.pairs
        ],
        "hours_around": [
            {"rule_set": kind.rule_set, "move": kind.move, "count": kind.count, "maker_first_share": kind.hours}
            for kind in comparison.kinds
        ],
        "moves": [
            {**asdict(one.move), "slot": iso(one.move.slot), "maker_first_share": one.hours} for one in comparison.moves
        ],
    }


def _contrast_record(one: RuleSetDifference) -> dict[str, Any]:
    return {
        "run_count": one.run_count,
        "first_slot": iso(one.first_slot),
        "last_slot": iso(one.last_slot),
        "seconds": one.seconds,
        "disagree_share": share(one.disagree_seconds, one.seconds),
        "maker_first_disagree_share": share(one.route_seconds, one.seconds),
        "live": _side_record(one.live_side, one.seconds),
        "shadow": _side_record(one.shadow_side, one.seconds),
    }


def _side_record(side: RuleSetTotals, seconds: int) -> dict[str, Any]:
    return {
        "maker_first_share": share(side.maker_first_seconds, seconds),
        "taker_share": share(seconds - side.maker_first_seconds, seconds),
        "flip_count": side.flip_count,
        "flips_per_day": per_day(side.flip_count, seconds),
        "breaker_open_share": share(side.breaker_open_seconds, side.breaker_seconds),
        "breaker_closed_share": share(side.breaker_seconds - side.breaker_open_seconds, side.breaker_seconds),
    }


_HEADS = (
    "symbol",
    "\nruns",
    "\ndays",
    "disagree\n%",
    "maker/taker\ndiffers %",
    "live maker\nfirst %",
    "shadow maker\nfirst %",
    "live flips\na day",
    "shadow flips\na day",
    "live breaker\nopen %",
    "shadow breaker\nopen %",
)


def _print_pair(scope: str, pair: Pair) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    total = pair.total
    sys.stdout.write(
        f"scope {scope!r}, {iso(total.first_slot)} to {iso(total.last_slot)}: "
        f"{pair.live} live, {pair.shadow} in its shadow\n"
    )
    table = Table(box=None, padding=(0, 1, 0, 0))
    for number, head in enumerate(_HEADS):
        table.add_column(head, justify="right" if number else "left", overflow="fold")
    for name, one in ((_ALL, total), *((one.symbol, one) for one in pair.symbols)):
        table.add_row(*map(Text, (name, *_cells(one))))
    Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE).print(table)


def _cells(one: RuleSetDifference) -> tuple[str, ...]:
    live, shadow = one.live_side, one.shadow_side
    return (
        str(one.run_count),
        f"{one.seconds / 86_400:.2f}",
        percent(share(one.disagree_seconds, one.seconds)),
        percent(share(one.route_seconds, one.seconds)),
        *(percent(share(side.maker_first_seconds, one.seconds)) for side in (live, shadow)),
        *(figure(per_day(side.flip_count, one.seconds)) for side in (live, shadow)),
        *(percent(share(side.breaker_open_seconds, side.breaker_seconds)) for side in (live, shadow)),
    )


def _moves(comparison: RuleSetComparison) -> Iterator[str]:
    if not comparison.moves:
        yield "no breaker opened or closed"
        return
    for kind in comparison.kinds:
        yield f"{kind.rule_set}: a breaker {kind.move} {kind.count} times; maker first around it, % of each hour"
        yield from _strips(kind.hours)
    shown = comparison.moves[-_MOVES_SHOWN:]
    yield f"the newest {len(shown)} of {len(comparison.moves)} moves of breakers (--json has all):"
    for one in reversed(shown):
        yield from _move(one)


def _strips(hours: Hours) -> Iterator[str]:
    wide = max(map(len, hours), default=0)
    head = "".join(f"{hour:+5d}" for hour in range(-HOURS_AROUND, HOURS_AROUND))
    yield f"  {'hour':<{wide}}{head}"
    for name, shares in hours.items():
        cells = "".join(f"{'-' if value is None else f'{value * 100:.0f}':>5}" for value in shares)
        yield f"  {name:<{wide}}{cells}"


def _move(one: BreakerEventInContext) -> Iterator[str]:
    move = one.move
    whose = "the scope" if move.which is BreakerLevel.POOL else move.symbol
    yield f"{iso(move.slot)} {move.rule_set}: the breaker of {whose} {move.move}"
    yield f"  {move.reason}"
    yield from _strips(one.hours)
