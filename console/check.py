"""`router-policy check`: try everything that a run needs, and say what is wrong and how to mend it."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from console.plans import plan_of
from console.settings import Settings, load
from console.text import print_json
from jobs.plan import Plan
from jobs.slots import Slots
from policy import Evidence
from policy.errors import RouterPolicyError
from policy.fee_gap import fee_gap_words
from storage.engine import describe_url, is_wal_safe, sqlite_driver
from storage.store import Store

_SYMBOLS_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was tried; `is_well` False means that runs fail until it is mended."""

    what: str
    is_well: bool
    said: str


def check_all(config: Path | None, *, as_json: bool) -> bool:
    """Try the settings, the schedule, the store and the sources; print what was found, return whether all is well."""
    settings = load(config)
    plan = plan_of(settings)
    findings = [
        *_tried("schedule", lambda: _schedule(settings)),
        *_tried("store", lambda: _store(settings)),
        *_tried("sources", lambda: _sources(plan)),
    ]
    if as_json:
        print_json(map(asdict, findings))
    else:
        for one in findings:
            sys.stdout.write(f"{'ok   ' if one.is_well else 'WRONG'} {one.what}: {one.said}\n")
    return all(one.is_well for one in findings)


def _tried(what: str, attempt: Callable[[], Iterator[Finding]]) -> list[Finding]:
    findings = []
    try:
        for finding in attempt():
            findings.append(finding)
    except RouterPolicyError as error:
        findings.append(Finding(what=what, is_well=False, said=str(error)))
    return findings


def _schedule(settings: Settings) -> Iterator[Finding]:
    following, then = Slots(settings.schedule.cron).following(datetime.now(UTC), 2)
    said = f"{settings.schedule.cron} in UTC; next at {following.isoformat()}, then at {then.isoformat()}"
    yield Finding(what="schedule", is_well=True, said=said)


def _store(settings: Settings) -> Iterator[Finding]:
    with Store(settings.store.url) as store:
        if store.url.get_backend_name() == "sqlite":
            yield (found := _sqlite(store))
            if not found.is_well:
                return
        if not store.is_set_up():
            said = f"{describe_url(store.url)}: nothing is there yet; router-policy init, or the first run, sets it up"
            yield Finding(what="store", is_well=True, said=said)
            return
        newest = store.newest_run(settings.scope)
        said = f"{describe_url(store.url)}, schema up to date, clock {store.now().isoformat()}, "
        said += f"newest slot {newest.slot.isoformat()}" if newest else "no run yet"
        yield Finding(what="store", is_well=True, said=said)


def _sqlite(store: Store) -> Finding:
    driver = sqlite_driver()
    folder = Path(store.url.database or "").absolute().parent
    if not folder.is_dir():
        return Finding(what="store", is_well=False, said=f"the folder {folder} does not exist; create it")
    if is_wal_safe(driver.sqlite_version_info):
        said = f"{driver.sqlite_version}, WAL: readers never wait"
    else:
        said = (
            f"{driver.sqlite_version} can corrupt a database in WAL mode, so the slower rollback journal is used; "
            "install pysqlite3 for a newer SQLite"
        )
    return Finding(what="sqlite", is_well=True, said=said)


def _sources(plan: Plan) -> Iterator[Finding]:
    from jobs.recompute import recompute
    from storage.records import Origin

    now = datetime.now(UTC)
    result = recompute(plan, now, origin=Origin.MANUAL, started_at=now)
    said = f"{result.event_count} outcomes of {len(result.decisions)} symbols in the last 7 days ({result.engine})"
    yield Finding(what="orders", is_well=True, said=said)
    for reject in result.rejects:
        said = f"{reject.reject_count} rows are not used: {reject.reason}, as {reject.sample}"
        yield Finding(what=reject.source, is_well=True, said=said)
    yield from _fees(plan, [one for one, _ in result.decisions])
    if plan.candles is None:
        yield Finding(what="candles", is_well=True, said="none are set, so every regime is unknown")
        return
    unknown = [one.symbol for one, decision in result.decisions if decision.regime == "unknown"]
    said = (
        f"the regime is unknown for {', '.join(unknown)}: too few or too old candles" if unknown else "enough for all"
    )
    yield Finding(what="candles", is_well=True, said=said)


def _fees(plan: Plan, evidence: Sequence[Evidence]) -> Iterator[Finding]:
    """Say what the fees mean once for all symbols of which it is the same, and name fees that no symbol has."""
    unused = sorted(plan.fees.keys() - {"", *(one.symbol for one in evidence)})
    if unused:
        yield Finding(what="fees", is_well=True, said=f"set for {', '.join(unused)}, which nobody trades; misspelt?")
    said: dict[str | None, list[str]] = {}
    for one in evidence:
        said.setdefault(fee_gap_words(one.fee_gap), []).append(one.symbol)
    for words, symbols in said.items():
        more = f" and {len(symbols) - _SYMBOLS_SHOWN} more" if len(symbols) > _SYMBOLS_SHOWN else ""
        told = words or "none are set, so nobody can tell whether maker-first saves; set [fees] maker_bps and taker_bps"
        yield Finding(what="fees", is_well=True, said=f"{', '.join(symbols[:_SYMBOLS_SHOWN])}{more}: {told}")
