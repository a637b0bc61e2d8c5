"""The gate: it applies a reading to one order."""

from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass

from router_policy_client.enums import TakerBias
from router_policy_client.holdout import Assignment, assign
from router_policy_client.known_fields import known_fields
from router_policy_client.policy import Reading
from router_policy_client.probes import is_probe

_PATIENCE = {TakerBias.PREFER_MAKER: 1.0, TakerBias.BALANCED: 0.5, TakerBias.PREFER_TAKER: 0.25}
_PROBE_PATIENCE = 0.5
_SLIVER_PATIENCE = 1.0
_HELD_OUT_PATIENCE = 1.0  # as long as a policy ever waits: it is the maker route that is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """How one order goes out.

    `patience` is the fraction of the full maker wait before the rest crosses; 0.0 means straight to taker. `probe` is
    true for an order that goes out as maker although the policy is taker, to test whether maker orders fill again.
    `maker_posts` is how many posts the *full* wait is divided into, so one lasts the full wait / `maker_posts`; a probe
    is posted once. `maker_share`, above 0 and up to 1, is the share of the quantity that goes out as maker: less than 1
    is a sliver, and the rest crosses at once.

    `holdout` is true for an order that chance sends the other way than the policy says, false for one that took part
    and goes as the policy says, None for one that took no part. `propensity` is the probability of the way that it
    goes: 1 if it took no part although the policy holds orders out, None if the policy holds none out.
    """

    maker_first: bool
    patience: float
    probe: bool
    maker_posts: int
    maker_share: float
    maker_offset_bps: float | None
    holdout: bool | None
    propensity: float | None
    reading: Reading


def decide(
    reading: Reading,
    *,
    maker_first: bool = True,
    order_id: str | None = None,
    can_split: bool = False,
    may_hold_out: bool = True,
) -> Gate:
    """Decide on one order: maker first if the router wants it, and the policy or chance allows it.

    `maker_first` is the router's own choice; the policy never turns it on. `can_split` is whether the router can send
    the policy's `probe_share` of the order as maker beside the rest: then every order is such a probe. Otherwise
    `probe_every` chooses whole orders; without an `order_id` none is a probe.

    If the policy holds orders out, those that chance chooses by their `order_id` go the other way: straight to taker,
    or maker first with the full wait. An order takes no part without an `order_id`, if the router wants it to cross,
    if the policy lets probes through, and if `may_hold_out` is false.
    """
    may_probe = maker_first and not reading.maker_first
    share = reading.probe_share if may_probe and can_split else None
    probe = share is not None or (may_probe and _is_chosen_probe(reading, order_id))
    may_take_part = may_hold_out and maker_first and not _lets_probes_through(reading)
    assignment = assign(reading, order_id, may_take_part=may_take_part)
    goes_first = maker_first and (not reading.maker_first if assignment.holdout else reading.maker_first or probe)
    patience = _patience(reading, assignment, probe=probe, is_sliver=share is not None)
    return Gate(
        maker_first=goes_first,
        patience=patience if goes_first else 0.0,
        probe=probe,
        maker_posts=reading.maker_posts if goes_first and not probe else 1,
        maker_share=1.0 if share is None else share,
        maker_offset_bps=reading.maker_offset_bps,
        holdout=assignment.holdout,
        propensity=assignment.propensity,
        reading=reading,
    )


def gate(router_ctx: MutableMapping[str, object], reading: Reading, *, order_id: str | None = None) -> bool:
    """Return whether the order goes out maker first; store the grounds in `router_ctx["router_policy"]`.

    The router's own choice is `router_ctx["maker_first"]`, true by default. Never raises, whatever the context holds:
    an unreadable choice counts as true, and a context that cannot be written to stays unchanged.
    """
    decision = decide(reading, maker_first=_own_choice(router_ctx), order_id=order_id)
    with suppress(Exception):
        router_ctx["router_policy"] = {
            "quality": reading.quality.value,
            "taker_bias": reading.taker_bias.value,
            "maker_first": reading.maker_first,
            "status": reading.status.value,
            "age_seconds": reading.age_seconds,
            "run_id": reading.run_id,
            "patience": decision.patience,
            "maker_posts": decision.maker_posts,
            "probe": decision.probe,
            **known_fields(holdout=decision.holdout, propensity=decision.propensity),
        }
    return decision.maker_first


def _own_choice(router_ctx: MutableMapping[str, object]) -> bool:
    try:
        return bool(router_ctx.get("maker_first", True))
    except Exception:  # noqa: BLE001 - nothing in the context may stop an order
        return True


def _patience(reading: Reading, assignment: Assignment, *, probe: bool, is_sliver: bool) -> float:
    if assignment.holdout:
        return _HELD_OUT_PATIENCE
    if probe:
        return _SLIVER_PATIENCE if is_sliver else _PROBE_PATIENCE
    return _PATIENCE[reading.taker_bias]


def _lets_probes_through(reading: Reading) -> bool:
    return reading.probe_every is not None or reading.probe_share is not None


def _is_chosen_probe(reading: Reading, order_id: str | None) -> bool:
    if order_id is None or reading.probe_every is None:
        return False
    return is_probe(str(order_id), reading.probe_every)  # an id that is a number must not raise here
