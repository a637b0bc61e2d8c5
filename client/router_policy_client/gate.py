"""The gate: what a reading means for one order."""

from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass

from router_policy_client.enums import TakerBias
from router_policy_client.policy import Reading
from router_policy_client.probes import is_probe

_PATIENCE = {TakerBias.PREFER_MAKER: 1.0, TakerBias.BALANCED: 0.5, TakerBias.PREFER_TAKER: 0.25}
_PROBE_PATIENCE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """How one order goes out.

    `patience` is the part of the full maker wait before the rest crosses: 0.0 means straight to taker. `probe` marks
    an order that goes out as maker although the policy says taker, to find out whether that still holds.
    """

    maker_first: bool
    patience: float
    probe: bool
    maker_offset_bps: float | None
    reading: Reading


def decide(reading: Reading, *, maker_first: bool = True, order_id: str | None = None) -> Gate:
    """Decide on one order: maker first where the router wants it and the policy allows it, or asks for a probe.

    `maker_first` is the router's own wish; the policy never turns it on. Without an `order_id` nothing is a probe.
    """
    probe = maker_first and not reading.maker_first and _is_asked_for(reading, order_id)
    goes_first = maker_first and (reading.maker_first or probe)
    patience = _PROBE_PATIENCE if probe else _PATIENCE[reading.taker_bias]
    return Gate(
        maker_first=goes_first,
        patience=patience if goes_first else 0.0,
        probe=probe,
        maker_offset_bps=reading.maker_offset_bps,
        reading=reading,
    )


def gate(router_ctx: MutableMapping[str, object], reading: Reading, *, order_id: str | None = None) -> bool:
    """Return whether the order goes out maker first, and leave under "router_policy" what that was decided on.

    The router's own wish is `router_ctx["maker_first"]`, true where it is not there. Whatever the context holds, it is
    never raised: a wish that cannot be told counts as true, and a context that cannot be written to stays as it is.
    """
    decided = decide(reading, maker_first=_wish(router_ctx), order_id=order_id)
    with suppress(Exception):
        router_ctx["router_policy"] = {
            "quality": reading.quality.value,
            "taker_bias": reading.taker_bias.value,
            "maker_first": reading.maker_first,
            "status": reading.status.value,
            "age_seconds": reading.age_seconds,
            "run_id": reading.run_id,
            "patience": decided.patience,
            "probe": decided.probe,
        }
    return decided.maker_first


def _wish(router_ctx: MutableMapping[str, object]) -> bool:
    try:
        return bool(router_ctx.get("maker_first", True))
    except Exception:  # noqa: BLE001 - whatever a router keeps there must not stop its order
        return True


def _is_asked_for(reading: Reading, order_id: str | None) -> bool:
    if order_id is None or reading.probe_every is None:
        return False
    return is_probe(str(order_id), reading.probe_every)  # an id that is a number, unchecked, must not raise here
