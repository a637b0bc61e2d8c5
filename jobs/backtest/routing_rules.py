"""What a backtest asks of a rule set, and rule sets of other packages that offer it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

from jobs.backtest.errors import BacktestError
from policy import Evidence
from policy.maker_cost import CostParameters
from policy.outage_evidence import OutageParameters
from policy.rules import RULE_SET_NAMES, Decision, Judgement, State

ENTRY_POINTS = "router_policy.rule_sets"


class RoutingRules(Protocol):
    """A rule set as the loop of a backtest calls it; a `RuleSet` is one."""

    @property
    def has_state(self) -> bool:
        """Whether it asks for the order of events."""
        ...

    @property
    def outage_parameters(self) -> OutageParameters | None:
        """The parameters of the evidence of an outage, None if it does not ask for it."""
        ...

    @property
    def cost_parameters(self) -> CostParameters | None:
        """The parameters of the evidence of costs, None if it does not ask for it."""
        ...

    def newcomer(self, states: Iterable[State]) -> State | None:
        """Return the state of a new symbol, given the states of the others."""
        ...

    def decide_with_state(self, evidence: Evidence, before: State | None) -> Judgement:
        """Decide for one symbol as of one slot, and return the state after it."""
        ...


# What another package offers: a function of the evidence and of its memory, None at first, which returns the decision
# and what to remember until the next slot.
Decide = Callable[[Evidence, object], tuple[Decision, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginState(State):
    """The memory of a rule set of another package, as the state that the loop carries."""

    memory: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginRules:
    """A rule set of another package: it gets every evidence, and remembers what it likes.

    If its memory is a `State`, the order of events is measured for the breakers of that state, else for closed ones.
    """

    name: str
    decide: Decide
    has_state: bool = True
    outage_parameters: OutageParameters | None = field(default_factory=OutageParameters)
    cost_parameters: CostParameters | None = field(default_factory=CostParameters)

    def newcomer(self, states: Iterable[State]) -> State | None:  # noqa: ARG002 - its symbols share nothing
        """Return None: a symbol begins without a memory."""
        return None

    def decide_with_state(self, evidence: Evidence, before: State | None) -> Judgement:
        """Decide by the other package. Raises BacktestError if that does not return a decision and a memory."""
        memory = before.memory if isinstance(before, PluginState) else None
        answer = self.decide(evidence, memory)
        if not isinstance(answer, tuple) or len(answer) != 2 or not isinstance(answer[0], Decision):
            raise BacktestError(
                f"the rule set {self.name!r} of the entry points {ENTRY_POINTS} returned {answer!r}; it must return a "
                "policy.rules.Decision and what it remembers, as a pair"
            )
        decision, after = answer
        breakers = after if isinstance(after, State) else State()
        state = PluginState(**{part.name: getattr(breakers, part.name) for part in fields(State)}, memory=after)
        return Judgement(evidence=evidence, before=before, decision=decision, after=state)


def plugin_rules() -> dict[str, PluginRules]:
    """Return the rule sets that installed packages offer, by the names of their entry points.

    Raises BacktestError for an entry point that cannot be loaded, is not a function, or has the name of another rule
    set.
    """
    plugins: dict[str, PluginRules] = {}
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        if point.name in plugins or point.name in RULE_SET_NAMES:
            raise BacktestError(
                f"{point.value} under {ENTRY_POINTS} has the name of another rule set, {point.name!r}; rename it"
            )
        plugins[point.name] = PluginRules(name=point.name, decide=_loaded(point))
    return plugins


def _loaded(point: EntryPoint) -> Decide:
    try:
        decide: Decide = point.load()
    except (ImportError, AttributeError) as error:
        raise BacktestError(f"the rule set {point.name!r}: {point.value} cannot be loaded: {error}") from error
    if not callable(decide):
        raise BacktestError(
            f"the rule set {point.name!r}: {point.value} is not a function of the evidence and the memory, but "
            f"{type(decide).__name__}"
        )
    return decide
