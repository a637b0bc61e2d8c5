"""How a saving is put into words, the same on the terminal and on the pages."""

from datetime import timedelta

from policy.experiment.saving import Answer, Comparison
from policy.experiment.saving_figure import SavingFigure, SavingWord, judge_saving

COMPARISON_WORDS = {
    Comparison.MAKER_AGAINST_TAKER: "maker first against straight to taker",
    Comparison.POLICY_AGAINST_TAKER: "the policy against always taker",
    Comparison.POLICY_AGAINST_MAKER: "the policy against always maker first",
}
ONE_LOOK = "the ordinary 95 % interval: valid for one look only, planned beforehand"


def saving_sentence(figure: SavingFigure, answer: Answer, elapsed: timedelta) -> str:
    """Write the comparison, the word for it and the figure: `the policy against always taker: saves 2.10 ± 0.48 bps`.

    `elapsed` is since the first order may have been sent. A saving below zero costs, and is written without its sign.
    """
    return f"{COMPARISON_WORDS[figure.comparison]}: {saving_phrase(figure, answer, elapsed)}"


def saving_phrase(figure: SavingFigure, answer: Answer, elapsed: timedelta) -> str:
    """Write the word for a saving with the figure, as `saves 2.10 ± 0.48 bps an order`."""
    verdict, margin = judge_saving(figure, answer, elapsed), margin_words(figure.margin_bps(answer))
    if verdict.word is SavingWord.NOT_YET_KNOWN:
        return f"{verdict} ({figure.saving_bps:+z.2f}{margin} bps an order)"
    return f"{verdict.word} {abs(figure.saving_bps):.2f}{margin} bps an order"


def margin_words(margin_bps: float | None) -> str:
    """Write a margin to follow its figure, as ` ± 0.48`; empty if there is none yet."""
    return "" if margin_bps is None else f" ± {margin_bps:.2f}"
