"""The words for what the timeline of a scope shows; those of messages, as far as both have them, are the same."""

from enum import StrEnum


class ActivityKind(StrEnum):
    """What happened: a decision changed, a person intervened, the rules changed, or a run is missing."""

    TO_TAKER = "to_taker"
    TO_MAKER = "to_maker"
    BROKEN = "broken"
    POLICY_CHANGED = "policy_changed"
    OVERRIDE_MADE = "override_made"
    OVERRIDE_ENDED = "override_ended"
    OVERRIDE_EXPIRED = "override_expired"
    RULE_SET_CHANGED = "rule_set_changed"
    SLOT_MISSED = "slot_missed"
    RUN_FAILED = "run_failed"
    PRUNED = "pruned"
