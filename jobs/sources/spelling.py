"""The spelling of symbols: a source's own becomes that of the policies, for orders and candles alike."""

from dataclasses import replace

from jobs.sources.relation import Relation, quoted
from policy.symbols import SymbolSpelling, SymbolStyle


def spelt(relation: Relation, symbols: SymbolSpelling) -> Relation:
    """Return the relation with its symbols in the spelling of the policies."""
    if symbols.changes_nothing:
        return relation
    expression = spelling(symbols)
    return replace(
        relation,
        rows=_with(expression, relation.rows),
        numbered=lambda path: _with(expression, relation.numbered(path)),
    )


def _with(expression: str, rows: str) -> str:
    return f"select * replace ({expression} as symbol) from ({rows})"


def spelling(symbols: SymbolSpelling) -> str:
    """Write the expression of a symbol in the spelling of the policies, from the column `symbol`."""
    otherwise = "compact_symbol(symbol)" if symbols.style is SymbolStyle.COMPACT else "symbol"
    if not symbols.names:
        return otherwise
    names = " ".join(f"when {quoted(theirs)} then {quoted(ours)}" for theirs, ours in symbols.names.items())
    return f"case symbol {names} else {otherwise} end"
