"""The settings of the freqtrade mixin: the section `router_policy` of freqtrade's configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Self

from router_policy_client.errors import RouterPolicyClientError


class BotSettingsError(RouterPolicyClientError, ValueError):
    """The bot's configuration cannot be routed by; the message names the key and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The section `router_policy`.

    `store_url` is the store of the policies, `interval_seconds` the time between two runs, `full_wait_seconds` the wait
    of a maker order, of which a policy grants a fraction. An entry whose maker order was missed crosses if its signal
    is still there within `cross_within_seconds`; later it counts as given up. `order_log_path` is the order log to
    write, None for none. `last_known_path` is the reader's. `symbol_style` and `symbol_names` are those of the
    service's `[orders.symbols]`.
    """

    store_url: str
    scope: str = "default"
    interval_seconds: float = 900.0
    full_wait_seconds: float = 240.0
    cross_within_seconds: float = 120.0
    order_log_path: str | None = None
    last_known_path: str | None = None
    symbol_style: str = "as-is"
    symbol_names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Mapping[str, object]) -> Self:
        """Return the settings of a configuration. Raises BotSettingsError for a missing, unknown or unusable key."""
        section = config.get("router_policy")
        if not isinstance(section, Mapping) or "store_url" not in section:
            raise BotSettingsError(
                'the configuration has no "router_policy": {"store_url": ...}; write the store\'s URL there'
            )
        unknown = sorted(section.keys() - {setting.name for setting in fields(cls)})
        if unknown:
            raise BotSettingsError(f"router_policy.{unknown[0]} is not a valid setting; remove it or correct its name")
        for name in ("interval_seconds", "full_wait_seconds", "cross_within_seconds"):
            value = section.get(name, 1)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
                raise BotSettingsError(f"router_policy.{name} is {value!r}; write a number of seconds above 0")
        return cls(**section)


def require_maker_orders(order_types: Mapping[str, object], order_time_in_force: Mapping[str, object]) -> None:
    """Raise BotSettingsError unless entries and exits are post-only limit orders: else a maker start is not one."""
    for way in ("entry", "exit"):
        if order_types.get(way) != "limit":
            raise BotSettingsError(f'order_types.{way} is {order_types.get(way)!r}; write "limit"')
        if order_time_in_force.get(way) != "PO":
            raise BotSettingsError(
                f'order_time_in_force.{way} is {order_time_in_force.get(way)!r}; write "PO", so that a maker order '
                "never takes"
            )


def require_longer_timeouts(config: Mapping[str, object], full_wait_seconds: float) -> None:
    """Raise BotSettingsError if freqtrade's own `unfilledtimeout` would end a maker order before its wait."""
    timeouts = config.get("unfilledtimeout")
    if not isinstance(timeouts, Mapping):
        return
    unit = str(timeouts.get("unit", "minutes"))
    for way in ("entry", "exit"):
        timeout = timeouts.get(way)
        if timeout is not None and timedelta(**{unit: float(timeout)}).total_seconds() <= full_wait_seconds:
            raise BotSettingsError(
                f"unfilledtimeout.{way} is {timeout} {unit}; write more than router_policy.full_wait_seconds, which is "
                f"{full_wait_seconds:g}"
            )
