"""Turns settings into what follows a run: the figures of the last days' orders."""

from console.settings.model import Settings
from console.settings.plan import plan_of
from jobs.after_run.day_figures import FiguresTask
from jobs.after_run.figures_process import FiguresProcess


def figures_task_of(settings: Settings) -> FiguresTask:
    """Return what computes the figures of the orders."""
    return FiguresTask(plan=plan_of(settings), store_url=settings.store.url, slots=settings.schedule.slots)


def figures_process_of(settings: Settings) -> FiguresProcess:
    """Return the process that computes them after each run; it may take as long as a run."""
    return FiguresProcess(task=figures_task_of(settings), deadline=settings.schedule.deadline)
