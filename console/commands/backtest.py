"""`router-policy evaluate`: what policies cost on the user's own candles and order profile."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.errors import SettingsError
from console.settings.duration import parse_duration
from console.settings.file import load
from console.settings.model import Settings
from console.settings.plan import fees_of, plan_of, rules_of
from console.terminal.backtest_report import print_backtest, record
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
_ENDINGS = (".png", ".svg")


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOptions:
    """What the command line asks for. None leaves a figure to the log, the candles or the study's own choice."""

    since: datetime | None
    orders_per_day: float | None
    offset_bps: float
    wait_bars: int
    impact_bps: float
    half_spread_bps: float | None
    outage: str | None
    outage_count: int | None
    outage_penalty_bps: float
    outage_miss_share: float
    is_venue_wide: bool
    is_rejected: bool
    run_count: int
    seed: int


def show_backtest(config: Path | None, choice: BacktestOptions, picture: Path | None, *, as_json: bool) -> None:
    """Evaluate and print what came of it, and draw it where a file is given.

    Raises SettingsError where the settings or the choice do not allow it, SourceError, EngineError and EvaluationError
    as the evaluation does.
    """
    _require_drawable(picture)
    settings = load(config)
    _require_libraries(picture)
    from jobs.backtest.backtest import run_backtest

    question = question_of(settings, choice)
    with _progress(question.step_count) as report:
        evaluation = run_backtest(question, report)
    if picture is not None:
        _draw(evaluation, picture)
    if as_json:
        print_json([record(question, evaluation)])
    else:
        print_backtest(question, evaluation, fees_are_assumed=settings.fees is None)


def _require_drawable(picture: Path | None) -> None:
    """Find out before the work is done."""
    if picture is None:
        return
    if picture.suffix not in _ENDINGS:
        raise SettingsError(f"--picture {picture}: the name must end in {' or '.join(_ENDINGS)}")
    if not picture.absolute().parent.is_dir():
        raise SettingsError(f"--picture {picture}: there is no folder {picture.parent}; create it")


def _require_libraries(picture: Path | None) -> None:
    from importlib.util import find_spec

    needed = ("numpy",) if picture is None else ("numpy", "matplotlib")
    if missing := [name for name in needed if find_spec(name) is None]:
        raise SettingsError(f"evaluate needs {' and '.join(missing)}: install router-policy with [evaluate]")


def question_of(settings: Settings, choice: BacktestOptions) -> "BacktestRequest":
    """Read what the settings name, and put the question together. Raises as `show_backtest`."""
    from jobs.backtest.backtest import BacktestRequest
    from jobs.backtest.fills import Execution
    from jobs.backtest.reading import read_markets

    plan = plan_of(settings)
    if plan.candles is None:
        raise SettingsError("evaluate needs candles: say in [candles] where they are, and their interval")
    markets = read_markets(plan.candles, choice.since or _EARLIEST, _LATEST)
    profiles = _profiles(plan, choice, markets)
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
            offset_bps=choice.offset_bps,
            wait_bars=choice.wait_bars,
            impact_bps=choice.impact_bps,
            half_spread_bps=choice.half_spread_bps,
        ),
        outages=_outages(choice),
        run_count=choice.run_count,
        seed=choice.seed,
    )


def _profiles(plan: Plan, choice: BacktestOptions, markets: dict[str, "Market"]) -> dict[str, "Profile"]:
    from jobs.backtest.orders import coin_profile
    from jobs.backtest.reading import read_profiles

    if choice.orders_per_day is None:
        return read_profiles(plan.orders, choice.since or _EARLIEST, _LATEST)
    return dict.fromkeys(markets, coin_profile(choice.orders_per_day))


def _fees(settings: Settings, symbol: str) -> Fees:
    told = fees_of(settings)
    return told.get(symbol, told.get("", ASSUMED_FEES))


def _fee_gap(plan: Plan, market: "Market") -> FeeGap:
    """Tell the rules what the job would tell them: nothing without fees in the settings."""
    gap_bps = plan.fee_gap_bps(market.symbol)
    return FeeGap(gap_bps=gap_bps, is_one_tick=market.is_one_tick if gap_bps is not None else None)


def _rule_sets(settings: Settings) -> dict[str, RuleSet]:
    """Return every rule set as it comes, then those of the settings that are set otherwise."""
    plain = {name: _as_it_comes(settings, name) for name in RULE_SET_NAMES}
    known = {rules.digest() for rules in plain.values()}
    own = [rules_of(settings, name) for name in (settings.rules.name, *settings.rules.shadow)]
    named = ((rules.name if rules.name not in plain else f"{rules.name} (settings)", rules) for rules in own)
    return plain | {name: rules for name, rules in named if rules.digest() not in known}


def _as_it_comes(settings: Settings, name: str) -> RuleSet:
    """Leave out what the settings say of it, but for how long a candle counts."""
    age = rules_of(settings, name).parameters.max_bar_age_seconds
    return rule_set(name, {"max_bar_age_seconds": age})


def _slots(settings: Settings, markets: Sequence["Market"]) -> list[datetime]:
    slots = settings.schedule.slots
    first = min(int(market.bars.open_seconds[0]) for market in markets)
    last = max(int(market.bars.close_seconds[-1]) for market in markets)
    start = slots.newest(datetime.fromtimestamp(first, UTC))
    return [start, *slots.between(start, datetime.fromtimestamp(last, UTC))]


def _outages(choice: BacktestOptions) -> "OutagePlan | None":
    from jobs.backtest.outages import OutagePlan, Reach, usual_count

    if choice.outage is None:
        return None
    try:
        duration = parse_duration(choice.outage)
    except ValueError as error:
        raise SettingsError(f"--outage: {error}") from error
    return OutagePlan(
        duration=duration,
        count=choice.outage_count or usual_count(duration),
        miss_share=choice.outage_miss_share,
        penalty_bps=choice.outage_penalty_bps,
        reach=Reach.VENUE if choice.is_venue_wide else Reach.SYMBOL,
        is_rejected=choice.is_rejected,
    )


@contextmanager
def _progress(step_count: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, on the side where no result is printed."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("evaluating", total=step_count)
        yield lambda steps: progress.advance(task, steps)


def _draw(evaluation: "Backtest", picture: Path) -> None:
    from jobs.backtest.picture import draw

    try:
        draw(evaluation, picture)
    except OSError as error:
        raise SettingsError(f"--picture {picture} cannot be written: {error.strerror}") from error
