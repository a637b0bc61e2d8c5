"""Orders are held out, which costs money, and the orders that are read cannot show it."""

import pytest

from jobs.analysis.holdout_findings import find_in_experiment, no_holdout_words
from jobs.plan import Location, OrdersKind, OrdersSource, Plan
from policy.experiment.experiment import Experiment
from policy.rules import rule_set

READ_THE_LOG = 'have no holdout and propensity, so no saving is measured; read the order log (kind = "order-log")'
NONE_OF_ITS_OWN = {"holdout_while_maker": 0.0, "holdout_while_taker": 0.0}


def orders(kind: str, **columns: str) -> OrdersSource:
    return OrdersSource(kind=OrdersKind(kind), location=Location(columns=columns))


def messages(source: OrdersSource, *, share: float, rules: str = "seed", **parameters: float) -> list[str]:
    plan = Plan(
        scope="default",
        orders=source,
        candles=None,
        rule_set=rule_set(rules, parameters),
        experiment=Experiment(share=share),
    )
    return [finding.line for finding in find_in_experiment(plan)]


@pytest.mark.parametrize("kind", ["freqtrade", "hummingbot", "nautilus", "ccxt", "binance"])
def test_the_own_data_of_a_bot_has_no_holdout(kind: str) -> None:
    how_to_end = "set [experiment] share = 0"

    assert messages(orders(kind), share=0.02) == [
        f'note  experiment: orders of kind = "{kind}" {READ_THE_LOG}, or {how_to_end}'
    ]
    assert messages(orders(kind), share=0.0) == []


@pytest.mark.parametrize("kind", ["order-log", "canonical"])
def test_the_order_log_and_a_canonical_table_can_have_one(kind: str) -> None:
    assert messages(orders(kind), share=0.02) == []
    assert no_holdout_words(orders(kind, holdout="went_other_way", propensity="p")) is None


@pytest.mark.parametrize("name", ["holdout", "propensity"])
def test_a_table_that_has_no_such_column_can_show_nothing(name: str) -> None:
    (message,) = messages(orders("canonical", **{name: ""}), share=0.02)

    assert message.startswith("note  experiment: orders.columns leaves out holdout or propensity")


def test_measured_holds_orders_out_by_itself_and_its_shares_go_first() -> None:
    (message,) = messages(orders("freqtrade"), share=0.0, rules="measured")

    assert message.endswith(", or set holdout_while_maker = 0 and holdout_while_taker = 0 for the rule set measured")
    assert messages(orders("freqtrade"), share=0.02, rules="measured", **NONE_OF_ITS_OWN) == []
