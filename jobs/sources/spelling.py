"""The spelling of symbols: a source's own becomes that of the policies, for orders and candles alike."""

from dataclasses import replace

from jobs.sources.relation import Relation, quoted
from policy.symbols import SymbolSpelling, SymbolStyle


def spelt(relation: Relation, symbols: SymbolSpelling) -> Relation:
    """Return the relation with its symbols in the spelling of the policies."""
    if symbols.changes_nothing:
        return relation
    spelling = _spelling(symbols)
    return replace(
        relation,
        rows=_with(spelling, relation.rows),
        numbered=lambda path: _with(spelling, relation.numbered(path)),
    )


def _with(spelling: str, rows: str) -> str:
    return f"select * replace ({spelling} as symbol) from ({rows})"


def _spelling(symbols: SymbolSpelling) -> str:
    otherwise = "compact_symbol(symbol)" if symbols.style is SymbolStyle.COMPACT else "symbol"
    if not symbols.names:
        return otherwise
    names = " ".join(f"when {quoted(theirs)} then {quoted(ours)}" for theirs, ours in symbols.names.items())
    return f"case symbol {names} else {otherwise} end"
