"""freqtrade: entries and exits go out maker first as the policy says. Freqtrade itself is not imported."""

from router_policy_client.bots.freqtrade.mixin import RouterPolicyMixin
from router_policy_client.bots.freqtrade.settings import BotSettingsError, Settings

__all__ = ["BotSettingsError", "RouterPolicyMixin", "Settings"]
