"""The experiment of a run: which share of orders is held out, by which salt, and what of it stands in each policy."""

import json
from dataclasses import asdict, dataclass
from functools import lru_cache

from policy.rules.decision import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdout:
    """A share of orders, above 0, that goes the other way than the policy says, chosen by `salt` and the order's id."""

    share: float
    salt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What a run holds out; a `share` of 0 is none, except where a rule set names its own.

    The share is at most `then` once `half_width_bps`, that of the interval of the saving on the orders sent as known
    before the run, is at most `until_bps`. None means that the half-width is not known.
    """

    share: float = 0.0
    salt: str = ""
    until_bps: float = 0.5
    then: float = 0.005
    half_width_bps: float | None = None

    @property
    def share_in_force(self) -> float:
        """The share for every decision of a rule set that names none of its own."""
        is_reached = self.half_width_bps is not None and self.half_width_bps <= self.until_bps
        return min(self.share, self.then) if is_reached else self.share

    def holdout(self, decision: Decision) -> Holdout | None:
        """Return the holdout of a decision, None for none: while a breaker is open, probes are the only experiment."""
        if decision.probe_every is not None or decision.probe_share is not None:
            return None
        share = self.share_in_force if decision.holdout_share is None else decision.holdout_share
        return Holdout(share=share, salt=self.salt) if share > 0 else None

    def to_text(self) -> str:
        """Write the experiment as the JSON text that is stored, keys sorted, no blanks."""
        return json.dumps(asdict(self), allow_nan=False, sort_keys=True, separators=(",", ":"))


NO_EXPERIMENT = Experiment()


@lru_cache(maxsize=64)
def experiment_from_text(text: str | None) -> Experiment:
    """Read what `to_text` wrote; None: a run that held nothing out. Raises ValueError or TypeError for other texts."""
    return NO_EXPERIMENT if text is None else Experiment(**json.loads(text))
