"""`router-policy power`: how many days an experiment takes until a saving is known, and what its holdout costs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated

import typer

from console.errors import SettingsError
from console.not_found import store_to_read
from console.options import AsJson, Config, OrdersSince
from console.order_selection import select_orders
from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import fees_of
from console.terminal.table import plain_table, print_table
from console.terminal.text import exact_figure, figure, print_lines, print_record
from jobs.experiment.order_flow import LoggedFlow, find_flow_of_enough_orders, find_order_flow
from policy.errors import RouterPolicyError
from policy.experiment.plan import SHARES, TARGETS_BPS, HoldoutPlan, OrderFlow, TimeToKnow, plan_holdouts
from policy.experiment.power import ASSUMED_DEVIATIONS, CostDeviations
from policy.time_text import iso

_OrdersPerDay = Annotated[
    float | None, typer.Option(min=0.001, help="Orders a day of each symbol; by default as in the log.")
]
_Symbols = Annotated[int | None, typer.Option(min=1, help="How many symbols; by default as in the log.")]
_Share = Annotated[
    list[float] | None,
    typer.Option("--share", min=0.0001, max=0.5, help="A share of orders held out; by default 0.01, 0.02, 0.05, 0.1."),
]
_FeeGap = Annotated[float | None, typer.Option(help="Taker fee less maker fee in bps; by default that of \\[fees].")]
_HEADS = (
    "held\nout",
    *(f"days to ±{target:g}\n{answer}" for target in TARGETS_BPS for answer in ("sent", "any")),
    "at most\nbps an order",
    "at most\nmoney a day",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """The flow that was planned with, and what of it the log told: None if it was not read, for the reason given."""

    flow: OrderFlow
    logged: LoggedFlow | None
    why_not_read: str | None


def command(
    orders_per_day: _OrdersPerDay = None,
    symbols: _Symbols = None,
    share: _Share = None,
    fee_gap: _FeeGap = None,
    since: OrdersSince = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show how many days it takes until a saving is known, and what the holdout costs, for several shares."""
    settings = load(config)
    gap_bps = fee_gap if fee_gap is not None else _fee_gap_bps(settings)
    logged, why_not_read = _read_log(settings, since, gap_bps, is_needed=not (orders_per_day and symbols))
    flow = _flow(orders_per_day, symbols, gap_bps, logged)
    planned = _Planned(flow=flow, logged=logged, why_not_read=why_not_read)
    plans = list(plan_holdouts(flow, share or SHARES))
    if as_json:
        print_record({**asdict(flow), "log": _log_record(logged), "plans": [asdict(plan) for plan in plans]})
        return
    print_lines(_introduction(planned))
    for title, is_of_symbol in (("all symbols together", False), ("one symbol alone", True)):
        print_lines(["", title])
        print_table(plain_table(_HEADS, [_row(plan, is_of_symbol=is_of_symbol) for plan in plans], text_columns=()))
    print_lines(["", *_footnotes()])


def _fee_gap_bps(settings: Settings) -> float | None:
    """Return the largest fee gap of the settings: the cost of a holdout is an upper bound."""
    return max((fees.gap_bps for fees in fees_of(settings).values()), default=None)


def _log_record(logged: LoggedFlow | None) -> dict[str, object] | None:
    if logged is None:
        return None
    counts = {"order_count": logged.order_count, "unknown_way_count": logged.unknown_way_count}
    return {"since": iso(logged.since), "until": iso(logged.until), **counts}


def _read_log(
    settings: Settings, since: datetime | None, gap_bps: float | None, *, is_needed: bool
) -> tuple[LoggedFlow | None, str | None]:
    """Read the log, or return why it cannot be read; raise that if the plan needs it."""
    try:
        return _logged_flow(settings, since, gap_bps), None
    except RouterPolicyError as error:
        if is_needed:
            raise
        return None, str(error)


def _logged_flow(settings: Settings, since: datetime | None, gap_bps: float | None) -> LoggedFlow:
    with store_to_read(settings.store.url) as store:
        selection = select_orders(settings, store, since)
    find_flow = find_flow_of_enough_orders if since is None else find_order_flow
    logged = find_flow(selection.orders, gap_bps or 0.0, selection.start, selection.end)
    if not logged.order_count:
        raise SettingsError(
            f"the log has no order from {iso(selection.start)} on; give --since an earlier time, "
            "or --orders-per-day and --symbols"
        )
    return logged


def _flow(
    orders_per_day: float | None, symbols: int | None, gap_bps: float | None, logged: LoggedFlow | None
) -> OrderFlow:
    """Put together what was given and, for the rest, what the log shows."""
    if logged is None:
        assert orders_per_day is not None
        assert symbols is not None
        return OrderFlow(orders_per_day=orders_per_day * symbols, symbol_count=symbols, fee_gap_bps=gap_bps)
    symbol_count = symbols or logged.symbol_count
    per_symbol = orders_per_day or logged.order_count / logged.days / logged.symbol_count
    assumed = ASSUMED_DEVIATIONS
    return OrderFlow(
        orders_per_day=per_symbol * symbol_count,
        symbol_count=symbol_count,
        fee_gap_bps=gap_bps,
        notional=logged.notional,
        deviations=CostDeviations(
            maker_bps=assumed.maker_bps if logged.maker_deviation_bps is None else logged.maker_deviation_bps,
            taker_bps=assumed.taker_bps if logged.taker_deviation_bps is None else logged.taker_deviation_bps,
        ),
    )


def _introduction(planned: _Planned) -> Iterator[str]:
    flow, logged = planned.flow, planned.logged
    gap = "not known" if flow.fee_gap_bps is None else f"{exact_figure(flow.fee_gap_bps, '')} bps"
    notional = exact_figure(flow.notional, "not known")
    of_all, of_each = _a_day(flow.orders_per_day), _a_day(flow.orders_per_day / flow.symbol_count)
    yield (
        f"{flow.symbol_count} symbols, {of_all} orders a day of all symbols ({of_each} of each), "
        f"fee gap {gap}, mean notional {notional}"
    )
    yield _log_words(planned)
    is_maker_logged = logged is not None and logged.maker_deviation_bps is not None
    is_taker_logged = logged is not None and logged.taker_deviation_bps is not None
    maker, taker = flow.deviations.maker_bps, flow.deviations.taker_bps
    yield _varies("maker", maker, logged.maker_count if logged else None, is_logged=is_maker_logged)
    yield _varies("taker", taker, logged.taker_count if logged else None, is_logged=is_taker_logged)


def _varies(way: str, deviation_bps: float, count: int | None, *, is_logged: bool) -> str:
    """Say how much the cost of a way varies and who says so; `count` orders of it were read, None without the log."""
    assumed = "the log was not read" if count is None else f"{count} of 100 {way} orders were read"
    origin = "as in the log" if is_logged else f"assumed: {assumed}"
    return f"the cost of a {way} order varies by {deviation_bps:.2f} bps ({origin})"


def _log_words(planned: _Planned) -> str:
    logged = planned.logged
    if logged is None:
        return f"the log was not read: {planned.why_not_read}"
    span = f"{iso(logged.since)} to {iso(logged.until)}"
    left_out = f", without {logged.unknown_way_count} of unknown way" if logged.unknown_way_count else ""
    return f"the log, {span}: {logged.order_count} orders{left_out}"


def _a_day(count: float) -> str:
    """Write a count of orders a day with one decimal, below one with six significant digits."""
    return exact_figure(round(count, 1) if count >= 1 else count)


def _row(plan: HoldoutPlan, *, is_of_symbol: bool) -> Sequence[str]:
    return (
        f"{plan.share * 100:g} %",
        *(_days(time, is_of_symbol=is_of_symbol) for time in plan.times),
        figure(plan.cost_bps_per_order) if plan.cost_bps_per_order is None else f"{plan.cost_bps_per_order:.3f}",
        "" if is_of_symbol else figure(plan.cost_money_per_day),
    )


def _days(time: TimeToKnow, *, is_of_symbol: bool) -> str:
    days = time.days_of_symbol if is_of_symbol else time.days_of_all
    return "-" if days is None else f"{days:.1f}" if days < 10 else f"{days:.0f}"


def _footnotes() -> Iterator[str]:
    yield "sent: what the orders that were sent saved; any: what any future order saves; ± 95 %, at every look"
    yield "at most: the fee gap for each order held out; - without [fees] or --fee-gap, or without a notional"
