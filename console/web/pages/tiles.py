"""The tiles above the table of symbols: the few figures that a person looks for first, each with a way to the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

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
            href="/runs#overrides-heading",
        ),
    )
