"""What is said where there is nothing to show: no store yet, no policy yet, or none under this name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.terminal.text import iso
from policy.errors import RouterPolicyError
from policy.symbols import letters
from storage.database.transaction import transaction
from storage.errors import SchemaError, StoreError, StoreUnavailableError
from storage.store import Store

_GAPS_LOOKED_AT = 100


class NoPolicyError(RouterPolicyError, LookupError):
    """There is no policy for what was asked."""


@contextmanager
def store_to_read(url: str) -> Iterator[Store]:
    """Open a store for a command that reads. Raises SchemaError where it was never set up."""
    with Store(url) as store:
        try:
            yield store
        except StoreUnavailableError as error:
            raise explain_missing_store(store, error) from error


def explain_missing_store(store: Store, error: StoreUnavailableError) -> StoreError:
    """Return what to say instead of an error of the database where its file was never made, else the error itself."""
    if store.url.get_backend_name() == "sqlite" and not Path(store.url.database or "").exists():
        from jobs.analysis.store_findings import not_initialised_message

        return SchemaError(not_initialised_message(store))
    return error


def no_policy(store: Store, scope: str, symbol: str | None = None) -> NoPolicyError:
    """Return the error for a symbol that has no policy, or for a scope that has none, with what is known of why."""
    symbols = [row["symbol"] for row in store.latest_rows(scope)]
    what = f"no policy for {symbol!r}" if symbol is not None else "no policy yet"
    if symbol is None or not symbols:
        return NoPolicyError(f"{what} in scope {scope!r}; {_last_failure(store, scope)}")
    why = _other_name(symbol, symbols) or "router-policy latest lists what there is"
    return NoPolicyError(f"{what} in scope {scope!r}; {why}")


def did_you_mean(store: Store, scope: str, symbol: str) -> str:
    """Ask for symbols that are spelt nearly so, as the end of a sentence; empty where none is."""
    other = _other_name(symbol, [row["symbol"] for row in store.latest_rows(scope)])
    return f"; {other}" if other else ""


def _other_name(symbol: str, symbols: list[str]) -> str:
    alike = [one for one in symbols if letters(one) == letters(symbol) and one != symbol]
    return f"is it {' or '.join(alike)}?" if alike else ""


def _last_failure(store: Store, scope: str) -> str:
    """Say why no run was published where runs were tried, else how one is."""
    from storage.read.pages import PageBounds, gaps

    with transaction(store.reader) as connection:
        newest_first = gaps(connection, scope, PageBounds(limit=_GAPS_LOOKED_AT))
    failed = next((gap for gap in newest_first if gap["last_error"]), None)
    if failed is None:
        return "router-policy once computes one"
    said = f"slot {iso(failed['slot'])} failed: {failed['last_error']}"
    return f"{said} (the view policy_gap has every slot without a run)"
