"""The router's side: policies of a store in memory, the gate that applies them, and a maker-first router."""

from router_policy_client.enums import Quality, Status, TakerBias
from router_policy_client.errors import ReaderSettingsError, RouterPolicyClientError
from router_policy_client.flat_order import FlatOrder
from router_policy_client.gate import Gate, decide, gate
from router_policy_client.holdout import is_held_out
from router_policy_client.holdout_cap import HoldoutCap
from router_policy_client.leg import Patience
from router_policy_client.limits import Fallback, Fallbacks
from router_policy_client.order import Order, Outcome, Side, UnfilledReason
from router_policy_client.order_log import OrderLog
from router_policy_client.policy import Policy, Reading
from router_policy_client.probes import is_probe
from router_policy_client.reader import PolicyReader
from router_policy_client.reader_status import ReaderStatus
from router_policy_client.router import route_order
from router_policy_client.routing import Routing
from router_policy_client.symbols import Symbols

__all__ = [
    "Fallback",
    "Fallbacks",
    "FlatOrder",
    "Gate",
    "HoldoutCap",
    "Order",
    "OrderLog",
    "Outcome",
    "Patience",
    "Policy",
    "PolicyReader",
    "Quality",
    "ReaderSettingsError",
    "ReaderStatus",
    "Reading",
    "RouterPolicyClientError",
    "Routing",
    "Side",
    "Status",
    "Symbols",
    "TakerBias",
    "UnfilledReason",
    "decide",
    "gate",
    "is_held_out",
    "is_probe",
    "route_order",
]
