"""What `init --json` prints of the policies at the end of a bot's data, which nobody published."""

from dataclasses import asdict
from typing import Any

from console.records.policy_records import CodeRecord
from jobs.analysis.preview import Preview
from policy.rules import Judgement, RuleSet
from policy.time_text import iso
from storage.write.rows import decision_columns, evidence_columns


def preview_record(shown: Preview) -> dict[str, Any]:
    """Return the policies by the names of the API's policies; counts and rejects are as those of a run."""
    return {
        "as_of": iso(shown.as_of),
        "event_count": shown.order_count,
        "items": [_policy(judgement, shown.rule_set) for judgement in shown.judgements],
        "notes": list(shown.notes),
        "rejects": [asdict(reject) for reject in shown.rejects],
    }


def _policy(judgement: Judgement, rule_set: RuleSet) -> dict[str, Any]:
    codes = judgement.decision.policy.codes
    return {
        **evidence_columns(judgement.evidence),
        **decision_columns(judgement.decision, rule_set),
        "codes": [CodeRecord(**asdict(code)).model_dump() for code in codes],
    }
