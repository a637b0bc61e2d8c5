"""The ways to send an order: at once across the spread, or all or a share of it as maker first."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Rest `maker_share` of the quantity for `patience` of the full wait, and cross the rest of it at once.

    `patience` is 0 to 1; with 0 the whole order crosses at once. The full wait is divided into `maker_posts` posts: at
    the end of each, what has not filled is cancelled and posted anew at a price of that time. What has not filled after
    the last one crosses.
    """

    patience: float
    maker_posts: int = 1
    maker_share: float = 1.0

    @property
    def is_maker(self) -> bool:
        """Whether anything of the order is posted."""
        return self.patience > 0


TAKER = Action(patience=0.0)
QUARTER_WAIT = Action(patience=0.25)
HALF_WAIT = Action(patience=0.5)
FULL_WAIT = Action(patience=1.0)
