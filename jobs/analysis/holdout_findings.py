"""What `check`, `costs` and the console say if the orders that are read have no holdout: then nothing is measured."""

from collections.abc import Collection, Iterator

from jobs.analysis.findings import Finding, note
from jobs.plan import OrdersSource, Plan
from policy.rules.measured import HOLDOUT_SHARES

_COLUMNS = ("holdout", "propensity")
_REMEDY = 'read the order log (kind = "order-log")'


def no_holdout_words(source: OrdersSource) -> str | None:
    """Return that no saving can be measured from these orders, and what to read instead; None if one can."""
    if source.has_holdout:
        return None
    if source.kind.is_bot:
        return f'orders of kind = "{source.kind}" have no holdout and propensity, so no saving is measured; {_REMEDY}'
    return "orders.columns leaves out holdout or propensity, so no saving is measured; name the columns that have them"


def find_in_experiment(plan: Plan) -> Iterator[Finding]:
    """Yield a note if routers hold orders out, which costs money, and the orders that are read cannot show it."""
    if plan.holds_out and (words := no_holdout_words(plan.orders)):
        yield note("experiment", f"{words}, or {_how_to_end(plan)}")


def find_in_columns(plan: Plan, columns: Collection[str] | None) -> Iterator[Finding]:
    """Yield a note if routers hold orders out, and a table of orders with these columns cannot show it.

    None for `columns` means that any row may have others.
    """
    if columns is None or not plan.holds_out or not plan.orders.has_holdout:
        return
    names = (plan.orders.location.columns.get(name, name) for name in _COLUMNS)
    missing = [name for name in names if name not in columns]
    if missing:
        words = f"no column of the orders is called {' or '.join(missing)}, so no saving is measured"
        yield note("experiment", f"{words}; name yours in [orders.columns], or {_how_to_end(plan)}")


def _how_to_end(plan: Plan) -> str:
    if plan.rule_set.holdout_shares is None:
        return "set [experiment] share = 0"
    return f"set {' = 0 and '.join(HOLDOUT_SHARES)} = 0 for the rule set {plan.rule_set.name}"
