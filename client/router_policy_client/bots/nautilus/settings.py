"""The settings of the execution algorithm, as NautilusTrader configures its components."""

from nautilus_trader.config import ExecAlgorithmConfig, PositiveFloat, PositiveInt
from nautilus_trader.model.identifiers import ExecAlgorithmId


class RouterPolicyExecAlgorithmConfig(ExecAlgorithmConfig, frozen=True):  # type: ignore[call-arg]  # an option of msgspec
    """Where the policies are, and how long a maker order waits.

    `store_url` is the store of the policies, `interval_seconds` the time between two runs, `full_wait_seconds` the wait
    of a maker order, of which a policy grants a fraction. After `post_only_tries` refusals it crosses. `order_log_path`
    is the order log to write, None for none: a catalog of the events has all of it. `last_known_path` is the reader's.
    `symbol_style` and `symbol_names` are those of the service's `[orders.symbols]`.
    """

    exec_algorithm_id: ExecAlgorithmId | None = ExecAlgorithmId("ROUTER-POLICY")
    store_url: str = "sqlite:///router_policy.db"
    scope: str = "default"
    interval_seconds: PositiveFloat = 900.0
    full_wait_seconds: PositiveFloat = 60.0
    post_only_tries: PositiveInt = 3
    order_log_path: str | None = None
    last_known_path: str | None = None
    symbol_style: str = "as-is"
    symbol_names: dict[str, str] = {}  # noqa: RUF012 - msgspec copies it
