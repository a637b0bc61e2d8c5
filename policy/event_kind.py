"""Words for what happens to policies and to those who compute them, in messages, logs and lists."""

from enum import StrEnum


class EventKind(StrEnum):
    """What happened; a routine run that changes nothing is no event."""

    TO_TAKER = "to_taker"
    TO_MAKER = "to_maker"
    BROKEN = "broken"
    STALE = "stale"
    EXPIRED = "expired"
    REJECTS = "rejects"
    OVERRIDE_MADE = "override_made"
    OVERRIDE_ENDED = "override_ended"
    OVERRIDE_EXPIRED = "override_expired"
    RULE_SET_CHANGED = "rule_set_changed"
    SLOT_MISSED = "slot_missed"
    RUN_FAILED = "run_failed"
    RECOVERED = "recovered"
    SAVING_KNOWN = "saving_known"
