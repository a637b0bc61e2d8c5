"""The tiles above the table of symbols: the few figures that a person looks for first, each with a way to the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.web.order_figures import DRIFT_KINDS, CostSum, OrderFigures
from console.web.pages.formats import NOT_MEASURED, figure
from console.web.policy_cache import LatestPolicies
from policy.enums import Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure: `note` explains it in a line, `href` leads to what is behind it, `is_bad` marks it as a fault."""

    key: str
    title: str
    figure: str
    note: str
    href: str
    is_bad: bool = False


def policy_tiles(newest: LatestPolicies) -> Sequence[Tile]:
    """Return how many symbols are broken, go straight to taker, and have an override in force."""
    policies = newest.policies
    broken = sum(policy.snapshot.quality is Quality.BROKEN for policy in policies)
    taker = sum(not policy.snapshot.maker_first for policy in policies)
    overridden = sum(policy.override is not None for policy in policies)
    of_all = f"of {len(policies)} symbols"
    return (
        Tile(key="broken", title="Broken", figure=str(broken), note=of_all, href="/?quality=broken", is_bad=broken > 0),
        Tile(key="taker", title="Straight to taker", figure=str(taker), note=of_all, href="/?maker=no"),
        Tile(
            key="overrides",
            title="Overrides",
            figure=str(overridden),
            note="decided by hand",
            href="/overrides",
        ),
    )


def figure_tiles(figures: OrderFigures) -> tuple[Tile, Tile]:
    """Return what today's orders cost by route, and how many of them drifted."""
    if figures.today is None:
        nothing = "known after the next run"
        return (
            Tile(key="cost", title="Cost today", figure=NOT_MEASURED, note=nothing, href="/orders"),
            Tile(key="drift", title="Drift today", figure=NOT_MEASURED, note=nothing, href="/orders#drift-heading"),
        )
    return (_cost_tile(figures.cost_of_today(), figures.costs_of_today()), _drift_tile(figures.drift_of_today()))


def _cost_tile(total: CostSum, by_route: Mapping[str, CostSum]) -> Tile:
    routes = [f"{route} {figure(cost.mean_bps)} bps{_money(cost.money)}" for route, cost in by_route.items()]
    shown = f"{figure(total.mean_bps)} bps" if total.mean_bps is not None else NOT_MEASURED
    return Tile(
        key="cost", title="Cost today", figure=shown, note="; ".join(routes) or "no order today", href="/orders"
    )


def _money(money: float | None) -> str:
    return f" ({money:z,.2f} in money)" if money is not None else ""


def _drift_tile(counts: Mapping[str, int]) -> Tile:
    """Orders without a run are no drift that a person can act on if no order names one: the log leaves it out."""
    orders = counts["order_count"]
    names_none = orders > 0 and counts["no_run_count"] == orders
    drifted = sum(counts[kind] for kind in DRIFT_KINDS if not (names_none and kind == "no_run_count"))
    note = "no order names its run" if names_none else f"of {orders} orders"
    href = "/orders#drift-heading"
    return Tile(key="drift", title="Drift today", figure=str(drifted), note=note, href=href, is_bad=drifted > 0)
