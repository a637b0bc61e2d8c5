"""`router-policy backtest`: what each policy would have cost on the user's own candles and order profile."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.errors import SettingsError
from console.extras import require_libraries
from console.options import AsJson, Config, parse_length, parse_start
from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import plan_of, rules_of
from console.terminal.backtest_record import backtest_record
from console.terminal.backtest_report import print_backtest
from console.terminal.progress import step_bar
from console.terminal.text import print_record
from jobs.backtest.fill_rule import FillRule
from jobs.backtest.options import BacktestOptions
from policy.rules import RULE_SET_NAMES, RuleSet, rule_set

if TYPE_CHECKING:
    from jobs.backtest.backtest import Backtest, BacktestRequest

_PICTURE_SUFFIXES = (".png", ".svg")

_OrdersPerDay = Annotated[
    float | None, typer.Option(min=0.01, max=10_000, help="Of each symbol; by default as in the order log.")
]
_Since = Annotated[
    datetime | None,
    typer.Option(
        parser=parse_start,
        metavar="TIME",
        help="Candles and orders from this time on, a time or 30d ago; by default all.",
    ),
]
_OffsetBps = Annotated[float, typer.Option(min=0, max=1000, help="The maker price's distance from that at arrival.")]
_WaitBars = Annotated[int, typer.Option(min=1, max=1000, help="The full wait at the maker price.")]
_ImpactBps = Annotated[float, typer.Option(min=0, max=1000, help="By how much crossing moves the price.")]
_HalfSpreadBps = Annotated[
    float | None, typer.Option(min=0, max=1000, help="Of every market; by default as estimated from the candles.")
]
_FillRule = Annotated[FillRule, typer.Option(help="How far the price must trade for a maker order to fill.")]
_Posts = Annotated[int, typer.Option("--posts", min=2, max=100, help="The full wait's posts if an order is re-posted.")]
_DriftBps = Annotated[float, typer.Option(min=0, max=1000, help="How far the price moves with an order in the wait.")]
_OutageLength = Annotated[
    timedelta | None,
    typer.Option(
        "--outage",
        parser=parse_length,
        metavar="LENGTH",
        help="Simulate outages of maker fills of this length, as in 6h.",
    ),
]
_OutageCount = Annotated[int | None, typer.Option("--outages", min=1, max=1000, help="How many outages in each run.")]
_OutagePenaltyBps = Annotated[
    float, typer.Option(min=0, max=1000, help="The additional cost of a late crossing in an outage.")
]
_OutageMisses = Annotated[float, typer.Option(min=0, max=1, help="Share of maker orders that miss in an outage.")]
_VenueWide = Annotated[bool, typer.Option("--venue-wide", help="Outages strike all symbols at once.")]
_Rejects = Annotated[bool, typer.Option("--rejects", help="In an outage the venue refuses maker orders.")]
_RunCount = Annotated[int, typer.Option("--runs", min=1, max=1000, help="How often orders are drawn anew.")]
_Seed = Annotated[int, typer.Option(min=0, help="The same seed draws the same orders.")]
_Picture = Annotated[Path | None, typer.Option(help="Draw the result to this .png or .svg file too.")]


def command(
    orders_per_day: _OrdersPerDay = None,
    since: _Since = None,
    offset_bps: _OffsetBps = 1.0,
    wait_bars: _WaitBars = 4,
    impact_bps: _ImpactBps = 0.5,
    half_spread_bps: _HalfSpreadBps = None,
    fill_rule: _FillRule = FillRule.THROUGH,
    posts: _Posts = 4,
    drift_bps: _DriftBps = 0.0,
    outage_length: _OutageLength = None,
    outage_count: _OutageCount = None,
    outage_penalty_bps: _OutagePenaltyBps = 5.0,
    outage_misses: _OutageMisses = 0.97,
    venue_wide: _VenueWide = False,
    rejects: _Rejects = False,
    run_count: _RunCount = 8,
    seed: _Seed = 1,
    picture: _Picture = None,
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
        fill_rule=fill_rule,
        maker_posts=posts,
        drift_bps=drift_bps,
        outage_length=outage_length,
        outage_count=outage_count,
        outage_penalty_bps=outage_penalty_bps,
        outage_miss_share=outage_misses,
        is_venue_wide=venue_wide,
        is_rejected=rejects,
        repetition_count=run_count,
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
    require_libraries("backtest", ["numpy"] if picture is None else ["numpy", "matplotlib"], "backtest")
    from jobs.backtest.backtest import run_backtest

    request = _request(settings, options)
    with step_bar("backtesting", request.step_count) as advance:
        backtest = run_backtest(request, advance)
    if picture is not None:
        _draw(backtest, picture)
    if as_json:
        print_record(backtest_record(request, backtest))
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


def _request(settings: Settings, options: BacktestOptions) -> "BacktestRequest":
    from jobs.backtest.errors import NothingTradedError
    from jobs.backtest.request import build_request

    plan = plan_of(settings)
    if plan.candles is None:
        raise SettingsError("backtest needs candles: set [candles] path and interval")
    try:
        return build_request(plan, plan.candles, options, _rule_sets(settings), settings.schedule.slots)
    except NothingTradedError as error:
        raise SettingsError(str(error)) from error


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


def _draw(backtest: "Backtest", picture: Path) -> None:
    from jobs.backtest.picture import draw

    try:
        draw(backtest, picture)
    except OSError as error:
        raise SettingsError(f"--picture {picture} cannot be written: {error.strerror}") from error
