"""One slot computed and published: in this process, or in a child that is ended at its deadline."""

import multiprocessing
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from threading import Event

from jobs.plan import Plan
from jobs.run.recompute import recompute
from policy.errors import RouterPolicyError
from storage.records import Origin, PublishedRun
from storage.store import Store
from storage.write.leases import Lease

LEASE_MARGIN = timedelta(seconds=10)
_POLL_SECONDS = 0.2
_PARENTS_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class RunFailedError(RouterPolicyError):
    """A run published nothing; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTask:
    """What a child needs to compute one claimed slot."""

    plan: Plan
    store_url: str
    claim: Lease
    origin: Origin


def compute_slot(task: RunTask, store: Store) -> PublishedRun:
    """Compute the claimed slot and publish it, or raise with nothing published."""
    claim = task.claim
    result = recompute(
        task.plan,
        claim.slot,
        origin=task.origin,
        started_at=store.now(),
        known_symbols=store.symbols_before(claim.scope, claim.slot),
        states=store.states_before(claim.scope, claim.slot, [rules.name for rules in task.plan.rule_sets_with_state]),
    )
    return store.publish(claim, result)


def compute_slot_or_fail(task: RunTask, store: Store) -> PublishedRun:
    """Compute the claimed slot and publish it; whatever goes wrong is recorded, and the slot is free at once."""
    try:
        return compute_slot(task, store)
    except BaseException as error:
        store.fail(task.claim, str(error) or type(error).__name__, timedelta(0))
        raise


def compute_slot_in_child(task: RunTask, deadline: timedelta, abort: Event) -> PublishedRun:
    """Compute the claimed slot in a process of its own, which is killed at the deadline or when `abort` is set.

    Only a process can be ended while it hangs in a database or an engine; a thread cannot. Raises RunFailedError where
    nothing was published.
    """
    context = multiprocessing.get_context("spawn")
    answers, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(task, sender), name="router-policy-run")
    _start_shielded(child)
    sender.close()
    try:
        return _answer(answers, deadline, abort)
    finally:
        if child.is_alive():
            child.kill()
        child.join()
        answers.close()


def _start_shielded(child: BaseProcess) -> None:
    """Start the child with the signals held back that it will ignore, so that none ends it while it is starting."""
    resource_tracker.ensure_running()  # when it starts by itself, it lets the signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PARENTS_SIGNALS)
    try:
        child.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _answer(answers: Connection, deadline: timedelta, abort: Event) -> PublishedRun:
    waited = 0.0
    while not answers.poll(_POLL_SECONDS):
        waited += _POLL_SECONDS
        if abort.is_set():
            raise RunFailedError("the run was ended because the schedule was told to stop at once")
        if waited >= deadline.total_seconds():
            raise RunFailedError(
                f"the run took longer than its deadline of {deadline.total_seconds():g} s and was ended"
            )
    try:
        answer = answers.recv()
    except EOFError:
        raise RunFailedError("the process of the run died without a word; was it killed, or out of memory?") from None
    if isinstance(answer, PublishedRun):
        return answer
    raise RunFailedError(str(answer))


def _child(task: RunTask, sender: Connection) -> None:
    """Run in the child: signals to the whole group are the parent's to answer, which lets this run finish."""
    for number in _PARENTS_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PARENTS_SIGNALS)
    with sender, Store(task.store_url) as store:
        sender.send(_answered(lambda: compute_slot(task, store)))


def _answered(compute: Callable[[], PublishedRun]) -> PublishedRun | str:
    try:
        return compute()
    except RouterPolicyError as error:
        return str(error)
    except Exception:  # noqa: BLE001 - the parent records whatever it was, and goes on with the next slot
        return traceback.format_exc(limit=-3)
