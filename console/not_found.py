"""What to tell a person if there is nothing to show: no store yet, no policy yet, or none for this symbol."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from policy.errors import RouterPolicyError
from policy.symbols import compact, letters
from policy.time_text import iso
from storage.errors import SchemaError, StoreError, StoreFileMovedError, StoreUnavailableError
from storage.read.pages import PageBounds, SlotGap, gaps
from storage.read.policies import latest, newest_run, newest_run_with_policies, slot_of_leaving
from storage.records import PublishedRun
from storage.store import Connection, Store

_GAPS_READ = 100


class NoPolicyError(RouterPolicyError, LookupError):
    """There is no policy for what was asked."""


@contextmanager
def store_to_read(url: str) -> Iterator[Store]:
    """Open a store for a command that reads. Raises SchemaError if it was never set up."""
    with Store(url) as store:
        try:
            yield store
        except StoreUnavailableError as error:
            raise explain_missing_store(store, error) from error


def explain_missing_store(store: Store, error: StoreUnavailableError) -> StoreError:
    """Return a SchemaError with the remedy if the database file never existed, else the error itself."""
    if isinstance(error, StoreFileMovedError):
        return error
    if store.url.get_backend_name() == "sqlite" and not Path(store.url.database or "").exists():
        from jobs.analysis.store_findings import not_initialised_message

        return SchemaError(not_initialised_message(store))
    return error


def no_policy(store: Store, scope: str, symbol: str | None = None) -> NoPolicyError:
    """Return the error for a symbol, or a scope, without a policy, with what is known of the reason."""
    symbols = _symbols(store, scope)
    last = last_policies(store, scope) if not symbols else ""
    if symbol is not None and (message := leaving_message(store, scope, symbol)):
        return NoPolicyError(message + last)
    if symbol is not None and symbols:
        return NoPolicyError(f"no policy for {symbol!r} in scope {scope!r}; {_remedy(symbol, symbols)}")
    what = f"no policy for {symbol!r}" if symbol is not None else "no policy in force" if last else "no policy yet"
    return NoPolicyError(f"{what} in scope {scope!r}; {_why_none(store, scope)}{last}")


def last_policies(store: Store, scope: str) -> str:
    """Return where the last policies of a scope are, to end a sentence with; empty if it never had one."""
    with store.reading() as connection:
        run = newest_run_with_policies(connection, scope)
    return f"; the last policies are those of run {run.run_id}, of slot {iso(run.slot)}" if run is not None else ""


def leaving_message(store: Store, scope: str, symbol: str) -> str:
    """Return since when a symbol has no policy any more, and why; empty if it has one or never had."""
    with store.reading() as connection:
        slot = slot_of_leaving(connection, scope, symbol)
    if slot is None:
        return ""
    return (
        f"{symbol!r} left scope {scope!r} at slot {iso(slot)}: it had no orders for symbols_leave_after; "
        "to keep it, add it to symbols in the settings"
    )


def did_you_mean(store: Store, scope: str, symbol: str) -> str:
    """Return what to do about a symbol without a policy, to end a sentence with; empty if no symbol has one."""
    symbols = _symbols(store, scope)
    return f"; {_remedy(symbol, symbols)}" if symbols else ""


def _symbols(store: Store, scope: str) -> Sequence[str]:
    with store.reading() as connection:
        return [policy.symbol for policy in latest(connection, scope)]


def _remedy(symbol: str, symbols: Sequence[str]) -> str:
    """Return a question with symbols of a similar spelling, or where all symbols are."""
    similar = [name for name in symbols if name != symbol and _is_similar(name, symbol)]
    return f"is it {' or '.join(similar)}?" if similar else "router-policy latest lists all policies"


def _is_similar(name: str, symbol: str) -> bool:
    """Return whether two names are likely one market: `btc-usdt` and `BTCUSDT` are, and so is `BTC/USDT:USDT`."""
    return letters(name) == letters(symbol) or letters(compact(name)) == letters(compact(symbol))


def run_without_policies(connection: Connection, scope: str) -> str:
    """Return that the newest run of a scope without policies found no order; empty if there is no run."""
    run = newest_run(connection, scope)
    return _empty_words(run) if run is not None else ""


def _empty_words(run: PublishedRun) -> str:
    return (
        f"run {run.run_id} of slot {iso(run.slot)} found no order in the seven days before; "
        "router-policy check shows what the sources have"
    )


def _why_none(store: Store, scope: str) -> str:
    """Return why a scope has no policy: its newest slot failed, or its run was empty; or how to compute one."""
    with store.reading() as connection:
        run = newest_run(connection, scope)
        failed = next((gap for gap in gaps(connection, scope, PageBounds(limit=_GAPS_READ)) if gap.last_error), None)
    if failed is not None and (run is None or failed.slot > run.slot):
        return _why(failed)
    return _empty_words(run) if run is not None else "router-policy once computes one"


def _why(gap: SlotGap) -> str:
    return f"slot {iso(gap.slot)} failed: {gap.last_error} (the view policy_gap has every slot without a run)"
