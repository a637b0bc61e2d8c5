"""`router-policy backtest`: what each policy would have cost on the user's own candles and order profile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.errors import SettingsError
from console.options import AsJson, Config, parse_length, parse_time
from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import fees_of, plan_of, rules_of
from console.terminal.backtest_report import backtest_record, print_backtest
from console.terminal.progress import step_bar
from console.terminal.text import print_json
from jobs.plan import Fees, Plan
from policy.fee_gap import FeeGap
from policy.rules import RULE_SET_NAMES, RuleSet, rule_set

if TYPE_CHECKING:
    from jobs.backtest.backtest import Backtest, BacktestRequest
    from jobs.backtest.market import Market
    from jobs.backtest.orders import Profile
    from jobs.backtest.outages import OutagePlan

ASSUMED_FEES = Fees(maker_bps=2.0, taker_bps=5.0)
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_PICTURE_SUFFIXES = (".png", ".svg")

OrdersPerDay = Annotated[
    float | None, typer.Option(min=0.01, max=10_000, help="Of each symbol; by default as in the order log.")
]
Since = Annotated[
    datetime | None, typer.Option(parser=parse_time, help="Candles and orders from this time on; by default all.")
]
OffsetBps = Annotated[float, typer.Option(min=0, max=1000, help="The maker price's distance from that at arrival.")]
WaitBars = Annotated[int, typer.Option(min=1, max=1000, help="The full wait at the maker price.")]
ImpactBps = Annotated[float, typer.Option(min=0, max=1000, help="By how much crossing moves the price.")]
HalfSpreadBps = Annotated[
    float | None, typer.Option(min=0, max=1000, help="Of every market; by default as estimated from the candles.")
]
OutageLength = Annotated[
    timedelta | None,
    typer.Option("--outage", parser=parse_length, help="Simulate outages of maker fills of this length, as in 6h."),
]
OutageCount = Annotated[int | None, typer.Option("--outages", min=1, max=1000, help="How many outages in each run.")]
OutagePenaltyBps = Annotated[
    float, typer.Option(min=0, max=1000, help="The additional cost of a late crossing in an outage.")
]
OutageMisses = Annotated[float, typer.Option(min=0, max=1, help="Share of maker orders that miss in an outage.")]
VenueWide = Annotated[bool, typer.Option("--venue-wide", help="Outages strike all symbols at once.")]
Rejects = Annotated[bool, typer.Option("--rejects", help="In an outage the venue refuses maker orders.")]
RunCount = Annotated[int, typer.Option("--runs", min=1, max=1000, help="How often orders are drawn anew.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed draws the same orders.")]
Picture = Annotated[Path | None, typer.Option(help="Draw the result to this .png or .svg file too.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOptions:
    """The options of the command line. None leaves a figure to the log, the candles or the study's own options."""

    since: datetime | None
    orders_per_day: float | None
    offset_bps: float
    wait_bars: int
    impact_bps: float
    half_spread_bps: float | None
    outage_length: timedelta | None
    outage_count: int | None
    outage_penalty_bps: float
    outage_miss_share: float
    is_venue_wide: bool
    is_rejected: bool
    run_count: int
    seed: int


def command(
    orders_per_day: OrdersPerDay = None,
    since: Since = None,
    offset_bps: OffsetBps = 1.0,
    wait_bars: WaitBars = 4,
    impact_bps: ImpactBps = 0.5,
    half_spread_bps: HalfSpreadBps = None,
    outage_length: OutageLength = None,
    outage_count: OutageCount = None,
    outage_penalty_bps: OutagePenaltyBps = 5.0,
    outage_misses: OutageMisses = 0.97,
    venue_wide: VenueWide = False,
    rejects: Rejects = False,
    run_count: RunCount = 8,
    seed: Seed = 1,
    picture: Picture = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Estimate what each policy would have cost on your own candles, and which differences are within noise."""
    options = BacktestOptions(
        since=since,
        orders_per_day=orders_per_day,
        offset_bps=offset_bps,
        wait_bars=wait_bars,
        impact_bps=impact_bps,
        half_spread_bps=half_spread_bps,
        outage_length=outage_length,
        outage_count=outage_count,
        outage_penalty_bps=outage_penalty_bps,
        outage_miss_share=outage_misses,
        is_venue_wide=venue_wide,
        is_rejected=rejects,
        run_count=run_count,
        seed=seed,
    )
    show_backtest(config, options, picture, as_json=as_json)


def show_backtest(config: Path | None, options: BacktestOptions, picture: Path | None, *, as_json: bool) -> None:
    """Run a backtest and print the result, and draw it if a file is given.

    Raises SettingsError if the settings or the options do not allow it, SourceError, EngineError and BacktestError as
    the backtest does.
    """
    _require_drawable(picture)
    settings = load(config)
    _require_libraries(picture)
    from jobs.backtest.backtest import run_backtest

    request = request_of(settings, options)
    with step_bar("backtesting", request.step_count) as advance:
        backtest = run_backtest(request, advance)
    if picture is not None:
        _draw(backtest, picture)
    if as_json:
        print_json([backtest_record(request, backtest)])
    else:
        print_backtest(request, backtest, fees_are_assumed=settings.fees is None)


def _require_drawable(picture: Path | None) -> None:
    """Refuse a picture that cannot be drawn before the work is done."""
    if picture is None:
        return
    if picture.suffix not in _PICTURE_SUFFIXES:
        raise SettingsError(f"--picture {picture}: the name must end in {' or '.join(_PICTURE_SUFFIXES)}")
    if not picture.absolute().parent.is_dir():
        raise SettingsError(f"--picture {picture}: the folder {picture.parent} does not exist; create it")


def _require_libraries(picture: Path | None) -> None:
    from importlib.util import find_spec

    libraries = ("numpy",) if picture is None else ("numpy", "matplotlib")
    if missing := [name for name in libraries if find_spec(name) is None]:
        raise SettingsError(f"backtest needs {' and '.join(missing)}: install router-policy with [backtest]")


def request_of(settings: Settings, options: BacktestOptions) -> "BacktestRequest":
    """Read the candles and orders of the settings, and return what is to be computed. Raises as `show_backtest`."""
    from jobs.backtest.backtest import BacktestRequest
    from jobs.backtest.fills import Execution
    from jobs.backtest.reading import read_markets

    plan = plan_of(settings)
    if plan.candles is None:
        raise SettingsError("backtest needs candles: set [candles] path and interval")
    markets = read_markets(plan.candles, options.since or _EARLIEST, _LATEST)
    profiles = _profiles(plan, options, markets)
    traded = [market for symbol, market in markets.items() if symbol in profiles]
    if not traded:
        raise SettingsError("no symbol of the order log has candles; give --orders-per-day to trade those that have")
    return BacktestRequest(
        markets=traded,
        profiles=profiles,
        fees={market.symbol: _fees(settings, market.symbol) for market in traded},
        fee_gaps={market.symbol: _fee_gap(plan, market) for market in traded},
        rule_sets=_rule_sets(settings),
        slots=_slots(settings, traded),
        execution=Execution(
            offset_bps=options.offset_bps,
            wait_bars=options.wait_bars,
            impact_bps=options.impact_bps,
            half_spread_bps=options.half_spread_bps,
        ),
        outages=_outages(options),
        run_count=options.run_count,
        seed=options.seed,
    )


def _profiles(plan: Plan, options: BacktestOptions, markets: dict[str, "Market"]) -> dict[str, "Profile"]:
    from jobs.backtest.orders import coin_profile
    from jobs.backtest.reading import read_profiles

    if options.orders_per_day is None:
        return read_profiles(plan.orders, options.since or _EARLIEST, _LATEST)
    return dict.fromkeys(markets, coin_profile(options.orders_per_day))


def _fees(settings: Settings, symbol: str) -> Fees:
    fees = fees_of(settings)
    return fees.get(symbol, fees.get("", ASSUMED_FEES))


def _fee_gap(plan: Plan, market: "Market") -> FeeGap:
    """Return the fee gap as the rules get it from a run: none without fees in the settings."""
    gap_bps = plan.fee_gap_bps(market.symbol)
    return FeeGap(gap_bps=gap_bps, is_one_tick=market.is_one_tick if gap_bps is not None else None)


def _rule_sets(settings: Settings) -> dict[str, RuleSet]:
    """Return every rule set with its defaults, then those of the settings that differ from them."""
    defaults = {name: _with_defaults(settings, name) for name in RULE_SET_NAMES}
    known = {rules.digest() for rules in defaults.values()}
    own = [rules_of(settings, name) for name in (settings.rules.name, *settings.rules.shadow)]
    named = ((rules.name if rules.name not in defaults else f"{rules.name} (settings)", rules) for rules in own)
    return defaults | {name: rules for name, rules in named if rules.digest() not in known}


def _with_defaults(settings: Settings, name: str) -> RuleSet:
    """Ignore the parameters of the settings, except the greatest age of a candle."""
    age = rules_of(settings, name).parameters.max_bar_age_seconds
    return rule_set(name, {"max_bar_age_seconds": age})


def _slots(settings: Settings, markets: Sequence["Market"]) -> list[datetime]:
    slots = settings.schedule.slots
    first = min(int(market.bars.open_seconds[0]) for market in markets)
    last = max(int(market.bars.close_seconds[-1]) for market in markets)
    start = slots.newest(datetime.fromtimestamp(first, UTC))
    return [start, *slots.between(start, datetime.fromtimestamp(last, UTC))]


def _outages(options: BacktestOptions) -> "OutagePlan | None":
    from jobs.backtest.outages import OutagePlan, Reach, usual_count

    length = options.outage_length
    if length is None:
        return None
    return OutagePlan(
        duration=length,
        count=options.outage_count or usual_count(length),
        miss_share=options.outage_miss_share,
        penalty_bps=options.outage_penalty_bps,
        reach=Reach.VENUE if options.is_venue_wide else Reach.SYMBOL,
        is_rejected=options.is_rejected,
    )


def _draw(backtest: "Backtest", picture: Path) -> None:
    from jobs.backtest.picture import draw

    try:
        draw(backtest, picture)
    except OSError as error:
        raise SettingsError(f"--picture {picture} cannot be written: {error.strerror}") from error
