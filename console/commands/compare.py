"""`router-policy compare`: the live rule set against each shadow, and both around every event of a breaker."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from console.not_found import store_to_read
from console.options import AsJson, Config, SlotsSince
from console.settings.file import load
from console.terminal.table import plain_table, print_table
from console.terminal.text import figure, percent, print_lines, print_record
from jobs.analysis.backfilled_runs import backfilled_words
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
from jobs.analysis.findings import counted
from policy.time_text import iso
from storage.read.breaker_events import BreakerLevel
from storage.read.rule_set_comparison import RuleSetDifference, RuleSetTotals

_EVENTS_SHOWN = 10
_ALL = "all"


def command(since: SlotsSince = None, config: Config = None, as_json: AsJson = False) -> None:
    """Compare the live rule set with each shadow: where they differ, flips, and the hours around an outage."""
    settings = load(config)
    with store_to_read(settings.store.url) as store:
        comparison = compare(store, settings.scope, since)
        backfilled = backfilled_words(store, settings.scope, since)
    if as_json:
        print_record(_record(settings.scope, comparison))
        return
    print_lines([backfilled] if backfilled else [])
    for pair in comparison.pairs:
        _print_pair(settings.scope, pair)
    print_lines(_events(comparison))


def _record(scope: str, comparison: RuleSetComparison) -> dict[str, Any]:
    return {
        "scope": scope,
        "pairs": [
            {
                "live": pair.live,
                "shadow": pair.shadow,
                "all": _difference_record(pair.total),
                "symbols": [
                    {"symbol": difference.symbol, **_difference_record(difference)} for difference in pair.symbols
                ],
            }
            for pair in comparison.pairs
        ],
        "hours_around": [
            {
                "rule_set": summary.rule_set,
                "transition": summary.transition,
                "count": summary.count,
                "maker_first_share": summary.hours,
            }
            for summary in comparison.transitions
        ],
        "events": [
            {**asdict(context.event), "slot": iso(context.event.slot), "maker_first_share": context.hours}
            for context in comparison.events
        ],
    }


def _difference_record(difference: RuleSetDifference) -> dict[str, Any]:
    return {
        "run_count": difference.run_count,
        "first_slot": iso(difference.first_slot),
        "last_slot": iso(difference.last_slot),
        "seconds": difference.seconds,
        "disagree_share": share(difference.disagree_seconds, difference.seconds),
        "maker_first_disagree_share": share(difference.route_seconds, difference.seconds),
        "live": _totals_record(difference.live_totals, difference.seconds),
        "shadow": _totals_record(difference.shadow_totals, difference.seconds),
    }


def _totals_record(totals: RuleSetTotals, seconds: int) -> dict[str, Any]:
    return {
        "maker_first_share": share(totals.maker_first_seconds, seconds),
        "taker_share": share(seconds - totals.maker_first_seconds, seconds),
        "flip_count": totals.flip_count,
        "flips_per_day": per_day(totals.flip_count, seconds),
        "breaker_open_share": share(totals.breaker_open_seconds, totals.breaker_seconds),
        "breaker_closed_share": share(totals.breaker_seconds - totals.breaker_open_seconds, totals.breaker_seconds),
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
    total = pair.total
    sys.stdout.write(
        f"scope {scope!r}, {iso(total.first_slot)} to {iso(total.last_slot)}: "
        f"{pair.live} live, {pair.shadow} in its shadow\n"
    )
    if total.first_slot == total.last_slot:
        sys.stdout.write("one slot only; an earlier --since, or router-policy backfill, gives more\n")
    differences = [(_ALL, total), *((difference.symbol, difference) for difference in pair.symbols)]
    rows = ((name, *_cells(difference)) for name, difference in differences)
    print_table(plain_table(_HEADS, rows))


def _cells(difference: RuleSetDifference) -> tuple[str, ...]:
    live, shadow = difference.live_totals, difference.shadow_totals
    return (
        str(difference.run_count),
        f"{difference.seconds / 86_400:.2f}",
        percent(share(difference.disagree_seconds, difference.seconds)),
        percent(share(difference.route_seconds, difference.seconds)),
        *(percent(share(totals.maker_first_seconds, difference.seconds)) for totals in (live, shadow)),
        *(figure(per_day(totals.flip_count, difference.seconds)) for totals in (live, shadow)),
        *(percent(share(totals.breaker_open_seconds, totals.breaker_seconds)) for totals in (live, shadow)),
    )


def _events(comparison: RuleSetComparison) -> Iterator[str]:
    if not comparison.events:
        yield "no breaker opened or closed"
        return
    for summary in comparison.transitions:
        times = f"a breaker {summary.transition} {counted(summary.count, 'time')}"
        yield f"{summary.rule_set}: {times}; maker first around it, % of each hour"
        yield from _strips(summary.hours)
    shown = comparison.events[-_EVENTS_SHOWN:]
    yield f"the newest {len(shown)} of {len(comparison.events)} events of breakers (--json has all):"
    for context in reversed(shown):
        yield from _event(context)


def _strips(hours: Hours) -> Iterator[str]:
    width = max(map(len, hours), default=0)
    head = "".join(f"{hour:+5d}" for hour in range(-HOURS_AROUND, HOURS_AROUND))
    yield f"  {'hour':<{width}}{head}"
    for name, shares in hours.items():
        cells = "".join(f"{'-' if value is None else f'{value * 100:.0f}':>5}" for value in shares)
        yield f"  {name:<{width}}{cells}"


def _event(context: BreakerEventInContext) -> Iterator[str]:
    event = context.event
    owner = "the scope" if event.level is BreakerLevel.POOL else event.symbol
    yield f"{iso(event.slot)} {event.rule_set}: the breaker of {owner} {event.transition}"
    yield f"  {event.reason}"
    yield from _strips(context.hours)
