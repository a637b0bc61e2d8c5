"""A router's code as a bot's owner writes it; the typing test checks it with `mypy --strict`, and nobody runs it."""

from collections.abc import MutableMapping
from datetime import timedelta

from router_policy_client import (
    Fallback,
    Fallbacks,
    Gate,
    Policy,
    PolicyReader,
    Quality,
    Reading,
    Status,
    TakerBias,
    decide,
    gate,
)

WAIT = timedelta(seconds=20)


def make_reader() -> PolicyReader:
    careful = Fallback(maker_first=False, taker_bias=TakerBias.PREFER_TAKER, quality=Quality.DEGRADED)
    return PolicyReader(
        "sqlite:///policy.db", interval_seconds=900, fallbacks=Fallbacks(expired=careful), last_known_path="kept.json"
    )


def wait_of(reader: PolicyReader, symbol: str, order_id: str) -> timedelta:
    decided: Gate = decide(reader.get(symbol), maker_first=True, order_id=order_id)
    offset_bps: float = decided.maker_offset_bps if decided.maker_offset_bps is not None else 2.0
    return WAIT * decided.patience if offset_bps < 8 else timedelta()


def wait_by_context(reader: PolicyReader, symbol: str, router_ctx: MutableMapping[str, object]) -> bool:
    reading: Reading = reader.get(symbol)
    policy: Policy | None = reading.policy
    if reading.status is Status.MISSING or policy is None:
        return True
    return gate(router_ctx, reading)


async def print_changes() -> None:
    with make_reader() as reader:
        count = 0
        while True:
            count = await reader.changed(after=count)
            print({symbol: reading.maker_first for symbol, reading in reader.readings().items()})  # noqa: T201
