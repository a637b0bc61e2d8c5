"""Every reason for which a row is rejected has a remedy, and docs/sources.md has the same."""

import re
from pathlib import Path

from jobs.sources.reject_reasons import REASONS, RejectKind, reject_reason

ROOT = Path(__file__).parents[2]
_GIVEN = re.compile(r"""(?:then|reason = ) ?'([a-z_]+)'|\.\.\. counts, "([a-z_]+)"|"(bad_row)": torn_count""")
_ROW = re.compile(r"^\| `([a-z_]+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def reasons_in_the_code() -> set[str]:
    files = [path for folder in ("sources", "engines") for path in (ROOT / "jobs" / folder).rglob("*.*")]
    texts = [path.read_text("utf-8") for path in files if path.suffix in (".sql", ".py")]
    return {word for text in texts for groups in _GIVEN.findall(text) for word in groups if word}


def test_every_reason_that_the_code_gives_has_a_remedy_and_no_other() -> None:
    assert reasons_in_the_code() == set(REASONS)
    assert all(reason.remedy for reason in REASONS.values())


def test_the_document_has_every_reason_with_its_remedy() -> None:
    rows = dict(_ROW.findall((ROOT / "docs" / "sources.md").read_text("utf-8")))

    assert rows == {name: reason.remedy for name, reason in REASONS.items()}


def test_a_reason_of_another_version_of_this_program_counts_as_a_loss() -> None:
    assert reject_reason("of_a_later_version").is_loss
    assert reject_reason("of_a_later_version").kind is not RejectKind.UNREADABLE
