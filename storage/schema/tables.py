"""The tables of the snapshot store, to be imported from here: with the metadata come all of them.

Published rows are facts: they are written once and never changed. Those of days are figures, see `day_tables`.
"""

from storage.schema.chain_tables import policy_head, policy_override, policy_override_end, policy_prune
from storage.schema.day_tables import policy_day, policy_day_cost, policy_day_drift
from storage.schema.run_tables import (
    policy_breaker,
    policy_reject,
    policy_rule_set,
    policy_run,
    policy_saving,
    policy_shadow,
    policy_snapshot,
)
from storage.schema.slot_tables import policy_run_failure, policy_scope, policy_slot
from storage.schema.table_parts import metadata

__all__ = (
    "metadata",
    "policy_breaker",
    "policy_day",
    "policy_day_cost",
    "policy_day_drift",
    "policy_head",
    "policy_override",
    "policy_override_end",
    "policy_prune",
    "policy_reject",
    "policy_rule_set",
    "policy_run",
    "policy_run_failure",
    "policy_saving",
    "policy_scope",
    "policy_shadow",
    "policy_slot",
    "policy_snapshot",
)
