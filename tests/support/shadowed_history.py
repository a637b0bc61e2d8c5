"""A history with a shadow, small enough to work out by hand: seed live, breaker beside it.

Scope default, slots of 2026-04-26 (UTC); the run of 04:00 is missing, so that of 03:00 is valid for two hours. M is
maker first, T is taker. Of ETHUSDT the seed always says M and half the wait, the breaker M and the full wait.

    slot     BTCUSDT, fallback   seed     last misses   breaker
    00:00    0.1                 M full   0             M full
    01:00    0.1                 M full   6             T, opens: (2 + 3) / (40 + 6) = 0.1087, 0.1087^6 = 0.0000016
    02:00    0.95                T        6             T, one probe missed
    03:00    0.95                T        6             T
    05:00    0.1                 M full   0             M full, a probe has filled
    06:00    0.1                 M full   0             M full
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from policy import Evidence
from policy.rules import Judgement, RuleSet, State, rule_set
from policy.streaks import Streak, Streaks
from storage.store import Store
from tests.support.runs import claim, evidence, result

MIDNIGHT = datetime(2026, 4, 26, tzinfo=UTC)
HOUR = timedelta(hours=1)
SEED = rule_set("seed")
BREAKER = rule_set("breaker1")
STEADY = Streak(start_count=40, miss_count=2)
MISSES = replace(STEADY, miss_streak=6)
PROBED = replace(MISSES, probe_count=1, last_probe_at=MIDNIGHT + 1.5 * HOUR)
FILLED = replace(STEADY, probe_count=2, probe_filled_count=1, last_probe_at=MIDNIGHT + 4 * HOUR)
BITCOIN = ((0, 0.1, STEADY), (1, 0.1, MISSES), (2, 0.95, PROBED), (3, 0.95, PROBED), (5, 0.1, FILLED), (6, 0.1, STEADY))


def measured(symbol: str, hour: int, fallback: float, own: Streak, pool: Streak = STEADY) -> Evidence:
    """The evidence of one symbol at a slot, in hours from midnight."""
    streaks = Streaks(as_of=MIDNIGHT + hour * HOUR, own=own, pool=pool)
    return replace(evidence(symbol, fallback=fallback), streaks=streaks)


def publish_shadowed_history(store: Store, until_hour: int = 6) -> None:
    """Publish it into an empty store, up to the run of this hour."""
    states: dict[str, State | None] = {}
    for hour, fallback, own in BITCOIN:
        if hour > until_hour:
            return
        shown = (measured("BTCUSDT", hour, fallback, own), measured("ETHUSDT", hour, 0.5, STEADY))
        publish_run(store, hour, shown, SEED, BREAKER, states)


def publish_run(
    store: Store,
    hour: int,
    shown: tuple[Evidence, ...],
    live: RuleSet,
    shadow: RuleSet,
    states: dict[str, State | None],
) -> None:
    """Publish one run of a live rule set and a shadow; `states` is what the breaker remembers, by symbol."""
    judged = {rules.name: tuple(_judge(rules, seen, states) for seen in shown) for rules in (live, shadow)}
    for name in (live.name, shadow.name):
        states.update(
            {judgement.evidence.symbol: judgement.after for judgement in judged[name] if judgement.after is not None}
        )
    whole = replace(
        result(shown),
        rule_set=live,
        decisions=tuple((judgement.evidence, judgement.decision) for judgement in judged[live.name]),
        judgements=judged[live.name] if live.has_state else (),
        shadows=((shadow, judged[shadow.name]),),
    )
    store.publish(claim(store, MIDNIGHT + hour * HOUR), whole)


def _judge(rules: RuleSet, seen: Evidence, states: dict[str, State | None]) -> Judgement:
    return rules.decide_with_state(seen, states.get(seen.symbol) if rules.has_state else None)
