"""NautilusTrader: an execution algorithm that sends market orders maker first as the policy says."""

try:
    from router_policy_client.bots.nautilus.exec_algorithm import RouterPolicyExecAlgorithm
    from router_policy_client.bots.nautilus.settings import RouterPolicyExecAlgorithmConfig
except ImportError as error:
    raise ImportError(f"{error}; install the client in NautilusTrader's environment") from error

__all__ = ["RouterPolicyExecAlgorithm", "RouterPolicyExecAlgorithmConfig"]
