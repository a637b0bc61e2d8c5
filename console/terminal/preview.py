"""A preview of policies for the terminal: a table, what the sources cannot tell, and the rows that are not used."""

from console.terminal.rejects import reject_lines
from console.terminal.routes import policy_words
from console.terminal.table import plain_table, print_table
from console.terminal.text import figure, print_lines
from jobs.analysis.preview import Preview
from policy.health_warnings import survivors_only
from policy.rules import Judgement
from policy.time_text import iso

_HEADS = ("symbol", "quality", "policy", "maker\nfills", "falls\nback", "starts/\norders", "median\nslip bps", "regime")
_TEXT_COLUMNS = (0, 1, 2, 7)


def print_preview(shown: Preview) -> None:
    """Print what a run as of a time would decide."""
    print_lines([f"policies as of {iso(shown.as_of)}, by {shown.order_count} orders of the seven days before:"])
    print_table(plain_table(_HEADS, map(_cells, shown.judgements), text_columns=_TEXT_COLUMNS))
    survivors = (
        f"{judgement.evidence.symbol}: {warning}"
        for judgement in shown.judgements
        if (warning := survivors_only(judgement.evidence.effectiveness))
    )
    print_lines(f"note: {note}" for note in (*shown.notes, *survivors))
    print_lines(reject_lines(shown.rejects))


def _cells(judgement: Judgement) -> tuple[str, ...]:
    policy, figures = judgement.decision.policy, judgement.evidence.effectiveness
    return (
        judgement.evidence.symbol,
        str(policy.quality),
        policy_words(policy.maker_first, policy.taker_bias),
        figure(figures.maker_fill_ratio),
        figure(figures.fallback_ratio),
        f"{figures.maker_started_count}/{figures.outcome_count}",
        figure(figures.slip_q50),
        str(judgement.decision.regime),
    )
