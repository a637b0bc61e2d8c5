"""Policies and readings for tests, their fields chosen where a test is about them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from router_policy_client import Policy, Quality, Reading, Status, TakerBias
from router_policy_client.cached_policy import StoredPolicy

SLOT = datetime(2026, 4, 26, 0, 15, tzinfo=UTC)

POLICY = Policy(
    scope="default",
    symbol="BTCUSDT",
    run_id=7,
    slot=SLOT,
    published_at=SLOT + timedelta(seconds=2),
    maker_first=True,
    taker_bias=TakerBias.PREFER_MAKER,
    quality=Quality.GOOD,
    regime="normal",
    reason="maker orders fill",
    maker_offset_bps=1.5,
    override_id=None,
    probe_every=None,
    maker_posts=1,
    probe_share=None,
    holdout_share=None,
    holdout_salt=None,
)


def policy(**fields: Any) -> Policy:
    return replace(POLICY, **fields)


def overridden(until: datetime, **fields: Any) -> StoredPolicy:
    """A policy whose override, taker until then, hides what was computed."""
    forced = replace(POLICY, maker_first=False, taker_bias=TakerBias.PREFER_TAKER, override_id=9, **fields)
    return StoredPolicy(policy=forced, computed=policy(**fields), override_until_at=until)


def known(**fields: Any) -> StoredPolicy:
    return StoredPolicy(policy=policy(**fields), computed=None, override_until_at=None)


def reading(**fields: Any) -> Reading:
    """A fresh reading of the policy, a minute old."""
    shown: dict[str, Any] = {
        "symbol": POLICY.symbol,
        "status": Status.FRESH,
        "age_seconds": 60.0,
        "run_id": POLICY.run_id,
        "slot": POLICY.slot,
        "maker_first": POLICY.maker_first,
        "taker_bias": POLICY.taker_bias,
        "quality": POLICY.quality,
        "regime": POLICY.regime,
        "reason": POLICY.reason,
        "maker_offset_bps": POLICY.maker_offset_bps,
        "probe_every": POLICY.probe_every,
        "maker_posts": POLICY.maker_posts,
        "probe_share": POLICY.probe_share,
        "holdout_share": POLICY.holdout_share,
        "holdout_salt": POLICY.holdout_salt,
        "policy": POLICY,
    }
    return Reading(**{**shown, **fields})
