"""NautilusTrader: an execution algorithm that sends market orders maker first as the policy says."""

from router_policy_client.bots.nautilus.exec_algorithm import RouterPolicyExecAlgorithm
from router_policy_client.bots.nautilus.settings import RouterPolicyExecAlgorithmConfig

__all__ = ["RouterPolicyExecAlgorithm", "RouterPolicyExecAlgorithmConfig"]
